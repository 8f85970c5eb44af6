"""Centre and spread of the other members of a cohort, robustly, and how far such estimates stray by chance.

For each member the mean of the others without their lowest and highest fifth, and their winsorised variance. Both
come from sums over the sorted members, so that leaving each one out costs no more than sorting once.

Source: J. W. Tukey and D. H. McLaughlin, Sankhyā A 25, 1963 (trimmed t); leave-one-out as in externally studentised
residuals (R. D. Cook and S. Weisberg, Residuals and Influence in Regression, 1982).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy import special

FloatArray = npt.NDArray[np.float64]

MIN_MEMBERS = 5
"""With fewer, nothing tells a member that is unlike from a spread that is wide: no statement is made."""
_TRIM = 0.2
_DRAWS = 4000
_LARGEST_SIMULATED = 100
"""Beyond it, figures follow from the size alone."""


@dataclass(frozen=True)
class Reference:
    """How the estimates from the others behave in cohorts of one size whose members are normal.

    Attributes:
        freedom: degrees of freedom of the chi-squared distribution that the winsorised variance follows.
        shrinkage: the winsorised variance over the members' own.
        centre_variance: variance of the trimmed mean over the members' own.
    """

    freedom: float
    shrinkage: float
    centre_variance: float


@dataclass(frozen=True)
class Others:
    """For each member of a cohort the centre and the variance of the others; both of shape (members,)."""

    centre: FloatArray
    variance: FloatArray

    @classmethod
    def of(cls, values: FloatArray) -> Others:
        """The others of each of at least ``MIN_MEMBERS`` finite values."""
        order = np.argsort(values, kind="stable")
        centre, variance = _without_each(values[order][:, None])
        back = np.empty_like(order)
        back[order] = np.arange(order.size)
        unwinsorised = reference(values.size).shrinkage
        return cls(centre[back, 0], variance[back, 0] / unwinsorised)


@lru_cache(maxsize=256)
def reference(members: int) -> Reference:
    """The reference for a cohort of so many members: simulated once, always with the same draws."""
    if members > _LARGEST_SIMULATED:
        largest = reference(_LARGEST_SIMULATED)
        growth = (members - 1) / (_LARGEST_SIMULATED - 1)
        return Reference(largest.freedom * growth, largest.shrinkage, largest.centre_variance / growth)
    others = np.sort(np.random.default_rng(members).standard_normal((members - 1, _DRAWS)), axis=0)
    # The highest of all is left out: what remains are the draws.
    centres, variances = _without_each(np.vstack([others, np.full((1, _DRAWS), 1e3)]))
    logs = np.log(variances[-1])
    freedom = 2 * inverse_trigamma(float(logs.var()))
    return Reference(freedom, float(np.exp(logs.mean() - log_bias(np.array(freedom)))), float(centres[-1].var()))


def log_bias(freedom: FloatArray) -> FloatArray:
    """Expected logarithm of a chi-squared variable over its degrees of freedom."""
    return np.asarray(special.digamma(freedom / 2) - np.log(freedom / 2))


def inverse_trigamma(value: float) -> float:
    """The x > 0 with ψ′(x) = value, by Newton's iteration on 1/ψ′ (Smyth 2004, appendix)."""
    x = 0.5 + 1 / value
    for _ in range(50):
        trigamma = float(special.polygamma(1, x))
        step = trigamma * (1 - trigamma / value) / float(special.polygamma(2, x))
        x += step
        if abs(step) < 1e-8 * x:
            break
    return x


def _without_each(ordered: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Trimmed mean and winsorised variance of the others, for each row left out of columns in ascending order."""
    members = ordered.shape[0]
    others = members - 1
    cut = max(1, int(_TRIM * others))
    kept = others - 2 * cut
    middle = np.median(ordered, axis=0)
    values = ordered - middle
    sums, squares = _running(values), _running(values * values)
    left_out = np.arange(members)
    first = np.where(cut < left_out, cut, cut + 1)
    last = np.where(others - 1 - cut < left_out, others - 1 - cut, others - cut)
    inside = ((left_out > first) & (left_out < last))[:, None]
    total = sums[last + 1] - sums[first] - np.where(inside, values, 0)
    square = squares[last + 1] - squares[first] - np.where(inside, values * values, 0)
    low, high = values[first], values[last]
    winsorised = total + cut * (low + high)
    variance = (square + cut * (low * low + high * high) - winsorised * winsorised / others) / (others - 1)
    return middle + total / kept, np.maximum(variance, 0)


def _running(values: FloatArray) -> FloatArray:
    return np.concatenate([np.zeros((1, values.shape[1])), np.cumsum(values, axis=0)])
