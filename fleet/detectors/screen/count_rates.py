"""How often events of each series come, and how crowded: learnt from a history, with the help of like series."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fleet.detectors.contract import FloatArray
from fleet.detectors.profile.blocks import ROWS_AT_ONCE, day_folds, finite
from fleet.frames.frame import Frame, SeriesKey

Doubles = npt.NDArray[np.float64]
_PRIOR_POINTS = 288.0
"""A series' own rate is believed after about this many counts; before that, the rate of like series."""
_BELIEVED_ERRORS = 2.0
"""A series' own crowding counts as far as it differs from that of its like by more than so many standard errors."""
_HALF_AN_EVENT = 0.5
_LEAST_CROWDING = 1e-3
"""Less than this is Poisson: a tenth of a percent of the rate's square."""


@dataclass(frozen=True)
class CountRates:
    """Expected counts of one point, and sizes of negative binomial distributions; infinite where a Poisson fits.

    Attributes:
        rate, size: (series,) for what comes after the history, or (series, days) with each day's from the other days.
    """

    rate: FloatArray
    size: FloatArray

    def select(self, rows: slice | npt.NDArray[np.intp]) -> CountRates:
        """The rates of some series."""
        return CountRates(self.rate[rows], self.size[rows])


@dataclass(frozen=True)
class Moments:
    """Number, sum and sum of squares of counts, each of one shape: (series, days), or (series,) for all of them."""

    seen: Doubles
    total: Doubles
    squares: Doubles

    @property
    def of_all_days(self) -> Moments:
        """Those of each series."""
        return Moments(self.seen.sum(axis=1), self.total.sum(axis=1), self.squares.sum(axis=1))


def learn_rates(history: Frame) -> CountRates:
    """Rates of each series after a history; one without a past gets the rate of like series (of the same query)."""
    return rates_of(moments_of(history, history.points), history.keys)


def learn_rates_without_each_day(history: Frame, points_a_day: int) -> CountRates:
    """For each day (counted back from the end) the rates that the other days give: (series, days)."""
    return rates_without_each_day(moments_of(history, points_a_day), history.keys)


def rates_of(by_day: Moments, keys: list[SeriesKey]) -> CountRates:
    """Rates of each series after a history, from its days; what they lean on is pooled over all that are given."""
    whole = by_day.of_all_days
    return _rates(whole, _pooled(whole, keys))


def rates_without_each_day(by_day: Moments, keys: list[SeriesKey]) -> CountRates:
    """For each day the rates that the other days give: (series, days).

    A burst is judged by rates that it is part of much milder than one that is yet to come. Where days of the past are
    to be compared with a day never seen, they have to be judged by these rates.
    """
    whole = by_day.of_all_days
    others = Moments(
        whole.seen[:, None] - by_day.seen, whole.total[:, None] - by_day.total, whole.squares[:, None] - by_day.squares
    )
    return _rates(others, _pooled(whole, keys)[:, :, None])


def counts_of(values: FloatArray) -> FloatArray:
    """Values as whole numbers that are not negative; gaps stay gaps."""
    return np.round(np.maximum(finite(values), 0)).astype(np.float32)


def moments_of(history: Frame, points_a_day: int) -> Moments:
    """Moments of the days of a history, counted back from its end."""
    days = max(1, -(-history.points // points_a_day))
    moments = Moments(*(np.zeros((len(history.keys), days)) for _ in range(3)))
    for first in range(0, len(history.keys), ROWS_AT_ONCE):
        rows = slice(first, first + ROWS_AT_ONCE)
        counts = day_folds(counts_of(history.values[rows]), points_a_day)
        known = np.isfinite(counts)
        filled = np.where(known, counts, np.float32(0)).astype(np.float64)
        moments.seen[rows] = known.sum(axis=2)
        moments.total[rows] = filled.sum(axis=2)
        moments.squares[rows] = np.square(filled).sum(axis=2)
    return moments


def _pooled(moments: Moments, keys: list[SeriesKey]) -> Doubles:
    """Rate and crowding of the series of the same query, by row: (2, series)."""
    numbers = {query_id: number for number, query_id in enumerate(dict.fromkeys(key.query_id for key in keys))}
    pools = np.array([numbers[key.query_id] for key in keys], dtype=np.intp)

    def sums(values: Doubles) -> Doubles:
        return np.asarray(np.bincount(pools, weights=values, minlength=len(numbers))[pools], dtype=np.float64)

    rate = (sums(moments.total) + _HALF_AN_EVENT) / np.maximum(1, sums(moments.seen))
    own, error = _crowding(moments)
    weight = 1 / (1 + error**2)
    return np.stack([rate, np.maximum(sums(weight * own) / sums(weight), 0)])


def _rates(moments: Moments, pooled: Doubles) -> CountRates:
    pooled_rate, pooled_crowding = pooled
    rate = (moments.total + _PRIOR_POINTS * pooled_rate) / (moments.seen + _PRIOR_POINTS)
    own, error = _crowding(moments)
    apart = own - pooled_crowding
    believed = np.maximum(1 - np.square(_BELIEVED_ERRORS * error / np.where(apart == 0, np.inf, apart)), 0)
    crowding = pooled_crowding + believed * apart
    size = np.where(crowding > _LEAST_CROWDING, 1 / np.maximum(crowding, _LEAST_CROWDING), np.inf)
    return CountRates(rate.astype(np.float32), size.astype(np.float32))


def _crowding(moments: Moments) -> tuple[Doubles, Doubles]:
    """What the variance has beyond that of a Poisson distribution, in squares of the rate, and its standard error.

    It is one over the size of a negative binomial distribution; the error is that of a Poisson's index of dispersion.
    """
    seen = np.maximum(1, moments.seen)
    rate = np.maximum(moments.total, _HALF_AN_EVENT) / seen
    variance = moments.squares / seen - np.square(moments.total / seen)
    return (variance - moments.total / seen) / rate**2, np.sqrt(2 / seen) / rate
