"""How seldom a quiet day is as high: quantiles where days are many, a generalised Pareto tail beyond them.

A past holds real incidents, too, and those of one day are seen in many series at once. Days that have many more high
series than other days are therefore left out before a tail is fitted (``without_incident_days``): on quiet days
there are none. Incidents that a few series had are seen by a tail that was fitted without telling how high the highest
were: where what was observed goes far beyond it, that tail is believed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fleet.detectors.calibration.pareto import Pareto, Prior, fit_pareto
from fleet.detectors.contract import FloatArray

Values = npt.NDArray[np.float64]

SMALLEST_CHANCE = 1e-9
"""A fortnight's data support no smaller figure, whatever the fitted tail says."""
_LEVELS_A_DECADE = 8
_CENSORED_SHARES = (0.4, 0.05)
"""Of a tail with incidents among its highest, and of one without."""
_MOST_RARER = 3.0
"""What is observed is so many times more frequent, at most, than the fitted tail says; what is more are incidents."""
_FITTED_SHARE = 0.02
_LEAST_FITTED = 60
_MOST_FITTED_SHARE = 0.25
_LEAST_SEEN = 10
"""High days from which on their heights are believed."""
_INCIDENT_FACTOR = 3.0
_INCIDENT_DAYS = 2
"""So many days may be left out as those of incidents; what happens more often is usual."""
_SMALLEST_STEP = 1e-9


@dataclass(frozen=True)
class Tail:
    """Chances of heights.

    Attributes:
        levels, heights: chances, falling, and the heights that are passed with them, rising.
        pareto: the tail of excesses over ``start``; it goes on from the last of the heights.
    """

    levels: Values
    heights: Values
    start: float
    pareto: Pareto

    def digits(self, heights: FloatArray | Values) -> Values:
        """Minus the decimal logarithm of the chance that a quiet day is at least as high; NaN stays unknown."""
        given = np.asarray(heights, dtype=np.float64)
        digits = np.atleast_1d(np.interp(given, self.heights, -np.log10(self.levels)))
        beyond = np.atleast_1d(given > self.heights[-1])
        if beyond.any():
            excess = np.maximum(np.atleast_1d(given)[beyond] - self.start, self._last_excess)
            digits[beyond] -= (self.pareto.log_chance(excess) - self._log_last) / np.log(10)
        return np.asarray(np.minimum(digits, -np.log10(SMALLEST_CHANCE)).reshape(given.shape))

    def height(self, digits: FloatArray | Values) -> Values:
        """The height that is passed with a chance of so many digits."""
        wanted = np.asarray(digits, dtype=np.float64)
        known = -np.log10(self.levels)
        inside = np.interp(wanted, known, self.heights)
        more = np.maximum(wanted - known[-1], 0) * np.log(10)
        beyond = self.start + self.pareto.excess(self._log_last - more)
        return np.where(wanted > known[-1], np.maximum(beyond, inside), inside)

    @property
    def _last_excess(self) -> float:
        return max(float(self.heights[-1]) - self.start, 0.0)

    @property
    def _log_last(self) -> float:
        return float(self.pareto.log_chance(np.array(self._last_excess)))


@dataclass(frozen=True)
class Expected:
    """What a tail is believed to be as long as little is seen of it: excesses over an origin that every day reaches.

    Attributes:
        observed: quantiles are those of the data as long as so many days lie beyond them.
    """

    origin: float
    prior: Prior
    observed: int = 40

    def heights(self, levels: Values) -> Values:
        """The heights that are passed with these chances."""
        return self.origin + self.prior.pareto.excess(np.log(levels))


def fit_tail(heights: FloatArray | Values, expected: Expected) -> Tail:
    """The tail of quiet days' heights, in any order, without unknown ones; there must be one at least."""
    ordered = np.sort(heights)[::-1].astype(np.float64)
    count = ordered.size
    above_zero = count - int(np.searchsorted(ordered[::-1], 0, side="right"))
    # Many days may have no height at all: those that have one begin somewhere, and that is no part of a tail.
    fitted = min(_MOST_FITTED_SHARE * count, above_zero / 2, max(_FITTED_SHARE * count, _LEAST_FITTED))
    fitted = max(1, round(fitted))
    start = float(ordered[min(fitted, count - 1)])
    excesses = ordered[:fitted] - start
    last = min(1.0, max(min(expected.observed, fitted) / count, 1 / count))
    steps = max(2, round(-np.log10(last) * _LEVELS_A_DECADE) + 1)
    levels = last ** (np.arange(steps) / (steps - 1))
    quantiles = ordered[np.clip(np.ceil(levels * count).astype(np.intp) - 1, 0, count - 1)]
    within = levels * count < fitted
    for share in _CENSORED_SHARES:
        pareto = fit_pareto(excesses[excesses > 0], expected.prior, share)
        highest = start + pareto.excess(np.log(levels[within] * count / fitted / _MOST_RARER))
        if (quantiles[within] > highest).any():
            quantiles[within] = np.minimum(quantiles[within], highest)
            break
    if fitted < _LEAST_SEEN:
        # Days without any height say that heights are seldom, and not that low ones are as seldom as high ones.
        quantiles = np.maximum(quantiles, expected.heights(levels))
    # Equal heights have the chance of the most frequent among them.
    quantiles = np.maximum.accumulate(quantiles + _SMALLEST_STEP * np.arange(steps))
    return Tail(levels, quantiles, start, pareto)


def without_incident_days(heights: FloatArray) -> FloatArray:
    """Heights of shape (series, days) with NaN on days of incidents: those with far more high series than others."""
    known = heights[np.isfinite(heights)]
    if not known.size:
        return heights
    share = max(_FITTED_SHARE, min(_MOST_FITTED_SHARE, _LEAST_FITTED / known.size))
    place = min(int((1 - share) * known.size), known.size - 1)
    edge = np.partition(known, place)[place]
    days = heights.shape[1]
    with np.errstate(invalid="ignore"):
        high = np.bincount(np.flatnonzero(heights > edge) % days, minlength=days)
    # A day that nobody saw is no quiet one.
    seen = high[np.isfinite(heights).any(axis=0)]
    usual = np.sort(seen)[::-1][min(_INCIDENT_DAYS, seen.size - 1)]
    noise = 3 * np.sqrt(usual + 1)
    incident = high > _INCIDENT_FACTOR * usual + noise
    return np.where(incident[None, :], np.float32(np.nan), heights) if incident.any() else heights
