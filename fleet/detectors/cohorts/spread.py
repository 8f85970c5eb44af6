"""Spreads of cohorts of few members, shrunk to what the spreads of like cohorts are.

Source: G. K. Smyth, Statistical Applications in Genetics and Molecular Biology 3, 2004 (moderated t), with the
spreads of the pool winsorised, so that a few wide ones do not undo it (after B. Phipson and others, Annals of Applied
Statistics 10, 2016).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from fleet.detectors.cohorts.trimmed import FloatArray, inverse_trigamma, log_bias

_WINSORISED = (0.05, 0.95)
_FEWEST = 3
"""Spreads below which nothing can be said of how spreads vary."""
_CERTAIN = 1e4
"""Degrees of freedom that are as good as infinitely many."""


@dataclass(frozen=True)
class SpreadPrior:
    """What the variance of a cohort is before its members are seen: worth ``freedom`` members, at ``variance``."""

    freedom: float
    variance: float

    @classmethod
    def of(cls, variances: Sequence[float], freedoms: Sequence[float]) -> SpreadPrior:
        """Learnt from the variances of a pool and their degrees of freedom; worth nothing where they are few."""
        if len(variances) < _FEWEST:
            return cls(0.0, 0.0)
        worth = np.asarray(freedoms)
        logs = np.log(variances) - log_bias(worth)
        logs = np.clip(logs, *np.quantile(logs, _WINSORISED))
        by_chance = float(special.polygamma(1, worth / 2).mean())
        between = float(logs.var(ddof=1)) - by_chance
        freedom = min(2 * inverse_trigamma(between), _CERTAIN) if between > 1 / _CERTAIN else _CERTAIN
        return cls(freedom, float(np.exp(logs.mean() + log_bias(np.array(freedom)))))

    def shrunk(self, variance: FloatArray, freedom: float) -> tuple[FloatArray, float]:
        """Variances with so many degrees of freedom together with the prior, and what both are worth."""
        worth = self.freedom + freedom
        return (self.freedom * self.variance + freedom * variance) / worth, worth
