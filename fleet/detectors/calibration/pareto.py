"""Tails by generalised Pareto distributions, fitted so that a past incident moves them little.

The chance that an excess is above y, given that there is an excess, is (1 + shape × y / scale)^(−1/shape).

The few highest excesses enter the likelihood only as "at least that high" (they are censored): an incident of the past
counts as one high day, however high it was. The shape has a prior, because it decides about chances that are
far smaller than what the data show: that of like series, or that of everything.

Sources: J. Pickands, Annals of Statistics 3, 1975 (peaks over threshold); S. D. Grimshaw, Technometrics 35, 1993 (the
likelihood in one parameter); S. Coles and M. Dixon, Extremes 2, 1999 (penalised shape).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Excesses = npt.NDArray[np.float64]

_CURVES = np.geomspace(0.005, 20, 36)
"""Shapes over scales that are tried, in units of one over the mean excess: from exponential tails, nearly, upwards."""
_LEAST_EXCESSES = 10
_PRIOR_EXCESSES = 10.0
"""What a scale is expected to be counts as much as so many excesses."""


@dataclass(frozen=True)
class Pareto:
    """A tail beyond a start: excesses are above y with the chance (1 + shape × y / scale)^(−1/shape)."""

    scale: float
    shape: float

    def log_chance(self, excess: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Logarithm of the chance of a higher excess."""
        if abs(self.shape) < 1e-6:
            return -excess / self.scale
        return np.asarray(-np.log1p(self.shape * excess / self.scale) / self.shape)

    def excess(self, log_chance: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """The excess that is passed with a chance."""
        if abs(self.shape) < 1e-6:
            return -self.scale * log_chance
        return np.asarray(self.scale * np.expm1(-self.shape * log_chance) / self.shape)


@dataclass(frozen=True)
class Prior:
    """What a tail is believed to be before any of it is seen.

    Attributes:
        spread: standard deviation of shapes around that of ``pareto``.
    """

    pareto: Pareto
    spread: float = 0.15


def fit_pareto(excesses: Excesses, prior: Prior, censored_share: float = 0.05) -> Pareto:
    """The tail that fits excesses above a start best.

    Args:
        excesses: above zero, in any order.
        prior: the fewer excesses there are, the more it counts.
        censored_share: of the excesses, the highest; of one at least it is not told how high it is.
    """
    expected = prior.pareto
    ordered = np.sort(excesses)
    weight = ordered.size / (ordered.size + _PRIOR_EXCESSES)
    if ordered.size < _LEAST_EXCESSES:
        mean = float(ordered.mean()) if ordered.size else 0.0
        return Pareto(weight * mean + (1 - weight) * expected.scale, expected.shape)
    censored = max(1, int(censored_share * ordered.size))
    exact, edge = ordered[:-censored], float(ordered[-censored - 1])
    mean = (float(exact.sum()) + censored * edge) / exact.size
    rates = _CURVES / mean
    logs = np.log1p(rates[:, None] * exact[None, :]).sum(axis=1)
    shapes = (logs + censored * np.log1p(rates * edge)) / exact.size
    likelihood = exact.size * (np.log(rates / shapes) - 1) - logs
    likelihood -= 0.5 * ((shapes - expected.shape) / prior.spread) ** 2
    best = int(np.argmax(likelihood))
    scale = weight * shapes[best] / rates[best] + (1 - weight) * expected.scale
    return Pareto(float(scale), float(shapes[best]))
