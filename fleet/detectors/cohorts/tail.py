"""How heavy the tails of a pool of standardised deviations are: seldom are members of a cohort normal.

A scaled Student distribution is fitted to the deviations of all members and metrics together, by likelihood, with
the strongest few censored: those may be what is sought, and count only as being beyond the rest. Normal data keep
their small probabilities; heavy tails lose them, instead of being reported.

Source: censored maximum likelihood of Student's t (K. L. Lange and others, JASA 84, 1989); an empirical null for many
tests as in B. Efron, JASA 99, 2004.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import optimize, special

from fleet.detectors.cohorts.trimmed import FloatArray

_CENSORED = 0.05
_MOST_VALUES = 2000
"""Of more, evenly spaced ones in order of size tell the same."""
_FREEDOMS = (1e4, 30.0, 20.0, 15.0, 12.0, 10.0, 8.0, 6.0, 5.0, 4.0, 3.0, 2.5, 2.0)
_WORTH = 1.0
"""Log-likelihood by which heavy tails have to explain the data better than normal ones: Akaike's price of a figure."""
_FEWEST = 20
"""Deviations below which tails cannot be told."""
_CAUTIOUS = 4.0
"""Degrees of freedom that are assumed then."""
_SCALES = (-0.2, 1.5)
"""Logarithms between which the scale is sought: a pool is not believed to vary less than its own spreads say."""


@dataclass(frozen=True)
class Tail:
    """The distribution of deviations where nothing is wrong: Student's t, scaled."""

    freedom: float
    scale: float

    @classmethod
    def of(cls, deviations: FloatArray) -> Tail:
        """Fitted to the finite ones of a pool's deviations."""
        sizes = np.sort(np.abs(deviations[np.isfinite(deviations)]))
        if sizes.size < _FEWEST:
            return cls(_CAUTIOUS, 1.0)
        if sizes.size > _MOST_VALUES:
            sizes = sizes[np.linspace(0, sizes.size - 1, _MOST_VALUES).astype(np.intp)]
        beyond = int(np.ceil(_CENSORED * sizes.size))
        normal, *heavy = (_fit(sizes[:-beyond], beyond, freedom) for freedom in _FREEDOMS)
        likelihood, tail = max(heavy, key=lambda fit: fit[0])
        return tail if likelihood > normal[0] + _WORTH else normal[1]

    def chance(self, deviations: FloatArray) -> FloatArray:
        """The chance of a deviation at least as far up."""
        return np.asarray(special.stdtr(self.freedom, -deviations / self.scale), dtype=np.float64)


def _fit(sizes: FloatArray, beyond: int, freedom: float) -> tuple[float, Tail]:
    """Log-likelihood and scale at some degrees of freedom; ``beyond`` more deviations exceed the largest size."""
    constant = special.gammaln((freedom + 1) / 2) - special.gammaln(freedom / 2) - 0.5 * np.log(freedom)
    edge, squares = sizes[-1], sizes * sizes

    def surprise(log_scale: float) -> float:
        density = sizes.size * (constant - log_scale)
        density -= (freedom + 1) / 2 * float(np.log1p(squares * (np.exp(-2 * log_scale) / freedom)).sum())
        return float(-density - beyond * np.log(special.stdtr(freedom, -edge * np.exp(-log_scale))))

    best = optimize.minimize_scalar(surprise, bounds=_SCALES, method="bounded", options={"xatol": 1e-2})
    return -float(best.fun), Tail(freedom, max(1.0, float(np.exp(best.x))))
