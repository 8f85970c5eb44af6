"""Several detectors' daily maxima as one chance, calibrated on the past days of the same series.

1. A maximum is put in units of the series' own typical one (``own_days``).
2. The tails of like series (those of the same query) are pooled, by detector and side: digits of a chance.
3. Detectors and sides are joined by the smallest chance.
4. A day that is no news for its series counts as nothing: its second highest day, or the same weekday, was as high.
5. What remains is calibrated once more over all series. Whatever detectors have in common, whatever a filter takes
   away, and whatever the tails of step 2 get wrong on average is inside.

Every step treats a past day as it treats the judged one. On quiet data the two are exchangeable, and the share of
past days beyond a threshold is what is to be expected of a judged day.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import numpy.typing as npt

from fleet.detectors.calibration.chances import Rows, highest
from fleet.detectors.calibration.own_days import (
    medians_of_others,
    second_highest,
    second_of_others,
    typical,
    without_oldest,
)
from fleet.detectors.calibration.pareto import Pareto
from fleet.detectors.calibration.tail import Expected, Tail, fit_tail, without_incident_days
from fleet.detectors.contract import FloatArray
from fleet.detectors.profile.blocks import median_last

Flags = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.intp]

MIN_MAXIMA = 60
"""Daily maxima, of all series together, below which no tail is fitted to them."""
_LEAST_OF_POOL = 500
"""Days of series that a pool needs for tails of its own."""
_MAXIMA = Expected(1.0, Pareto(scale=0.2, shape=0.1))
"""Tails of maxima in units of typical ones, before any is seen: those of 288 normal values have a scale of 0.1."""
_DIGITS = Expected(0.0, Pareto(scale=1 / float(np.log(10)), shape=0.0))
"""The tail of digits, were they what they say: each digit is ten times rarer than the one before."""
_NO_NEWS_MARGIN = 0.3
"""A day is news that is by so many digits (a factor of two) less probable than the series' comparable days."""
_WEEK = 7
_FOLDS = 5


@dataclass(frozen=True)
class Ensemble:
    """What is usual for the daily maxima of a family of series under a family of detectors.

    Attributes:
        unit: typical maxima, (series, detectors, 2); the last dimension is above and below.
        pools: number of each series' pool, (series,).
        second_day: digits of the series' second highest day, (series,), −inf where unknown.
        weekdays: digits of the latest day of each weekday (Monday first), (series, 7), −inf where unknown.
        tails: by pool, detector and side; pool 0 is all series together.
        joined: tail of the joined digits of all series.
    """

    unit: FloatArray
    pools: Ints
    second_day: FloatArray
    weekdays: FloatArray
    tails: dict[tuple[int, int, int], Tail]
    joined: Tail

    def scaled(self, factors: FloatArray) -> Self:
        """The same with other units: (series,) factors of them."""
        return replace(self, unit=self.unit * factors[:, None, None])

    def widened(self, rows: Ints, count: int) -> Self:
        """These series among ``count``, of whose others nothing is known."""

        def wide(column: FloatArray, unknown: float) -> FloatArray:
            result = np.full((count, *column.shape[1:]), unknown, dtype=np.float32)
            result[rows] = column
            return result

        pools = np.zeros(count, dtype=np.intp)
        pools[rows] = self.pools
        return replace(
            self,
            unit=wide(self.unit, np.nan),
            pools=pools,
            second_day=wide(self.second_day, -np.inf),
            weekdays=wide(self.weekdays, -np.inf),
        )

    @property
    def shape(self) -> tuple[int, int]:
        """Detectors and sides."""
        return self.unit.shape[1], self.unit.shape[2]

    def select(self, rows: Rows) -> Self:
        """The same of some series."""
        return replace(
            self,
            unit=self.unit[rows],
            pools=self.pools[rows],
            second_day=self.second_day[rows],
            weekdays=self.weekdays[rows],
        )

    def digits(self, maxima: FloatArray) -> FloatArray:
        """Digits of chance by detector and side of maxima of shape (series, detectors, 2)."""
        return digits_of(maxima / self.unit, self.pools, self.tails)

    def no_news(self, weekdays: Sequence[int]) -> FloatArray:
        """Joined digits that a day on these weekdays has to pass in order to be news, (series,)."""
        usual = np.maximum(self.second_day, self.weekdays[:, list(weekdays)].max(axis=1, initial=-np.inf))
        return np.asarray(usual + _NO_NEWS_MARGIN, dtype=np.float32)

    def needed(self, chance: float) -> float:
        """The highest digits over detectors and sides that a quiet day of a series reaches with this chance."""
        return float(self.joined.height(np.array(-np.log10(chance))))

    def chance(self, digits: float) -> float:
        """The chance that a quiet day of a series reaches these digits with any detector on any side."""
        return float(10 ** -self.joined.digits(np.array(digits)))

    def heights(self, digits: FloatArray) -> FloatArray:
        """The scores that have so many digits (series,), by detector and side: (series, detectors, 2)."""
        result = np.full_like(self.unit, np.nan)
        members = _members(self.pools)
        for (pool, detector, side), tail in self.tails.items():
            rows = members.get(pool)
            if rows is not None:
                result[rows, detector, side] = tail.height(digits[rows])
        return result * self.unit


def digits_of(relative: FloatArray, pools: Ints, tails: dict[tuple[int, int, int], Tail]) -> FloatArray:
    """Digits of relative maxima of shape (series, …, detectors, 2)."""
    result = np.full(relative.shape, np.nan, dtype=np.float32)
    members = _members(pools)
    for (pool, detector, side), tail in tails.items():
        rows = members.get(pool)
        if rows is not None:
            result[rows, ..., detector, side] = tail.digits(relative[rows, ..., detector, side])
    return result


def _members(pools: Ints) -> dict[int, Ints]:
    """The rows of each pool."""
    order = np.argsort(pools, kind="stable")
    starts = np.flatnonzero(np.diff(pools[order], prepend=-1))
    return {int(pools[rows[0]]): rows for rows in np.split(order, starts[1:]) if rows.size}


def learn_ensemble(
    maxima: FloatArray, pools: Ints, least: Sequence[float], weekdays: Sequence[int], sides: Flags
) -> Ensemble | None:
    """What a past of several days says of the maxima of days like them.

    Args:
        maxima: (series, days, detectors, 2), NaN for days that were not seen and for sides that do not count.
        pools: number of the group of like series to which each series belongs, from 0.
        least: for each detector the smallest typical maximum that is believed.
        weekdays: of each day, Monday 0.
        sides: which sides count, (series, 2).

    Returns:
        None where the past is too short to say anything.
    """
    if np.isfinite(maxima).any(axis=(2, 3)).sum() < MIN_MAXIMA:
        return None
    relative, unit = _in_units(maxima, pools, least, sides)
    numbers, tails = _tails_of_pools(relative, pools)
    past = _past_digits(relative, pools)
    news = without_incident_days(_news_of(past))
    latest = np.full((len(past), _WEEK), -np.inf, dtype=np.float32)
    for day, weekday in enumerate(weekdays):
        latest[:, weekday] = np.where(np.isfinite(past[:, day]), past[:, day], latest[:, weekday])
    joined = fit_tail(news[np.isfinite(news)].astype(np.float64), _DIGITS)
    return Ensemble(unit, numbers, second_highest(without_oldest(past)), latest, tails, joined)


def _past_digits(relative: FloatArray, pools: Ints) -> FloatArray:
    """Joined digits of the past's days, each by tails that were fitted to other days."""
    days = relative.shape[1]
    past = np.full(relative.shape[:2], np.nan, dtype=np.float32)
    folds = np.arange(days) % _FOLDS
    for fold in range(_FOLDS):
        numbers, tails = _tails_of_pools(relative[:, folds != fold], pools)
        chosen = folds == fold
        past[:, chosen] = highest(digits_of(relative[:, chosen], numbers, tails))
    return past


def _in_units(maxima: FloatArray, pools: Ints, least: Sequence[float], sides: Flags) -> tuple[FloatArray, FloatArray]:
    """Past maxima in units of what is typical of the series' other days, and what is typical for the judged day."""
    relative = np.full(maxima.shape, np.nan, dtype=np.float32)
    unit = np.full((maxima.shape[0], *maxima.shape[2:]), np.nan, dtype=np.float32)
    for detector, side in np.ndindex(*maxima.shape[2:]):
        rows = np.flatnonzero(sides[:, side])
        if not rows.size:
            continue
        heights = np.ascontiguousarray(maxima[rows, :, detector, side])
        known = np.isfinite(heights)
        others = known.sum(axis=1, keepdims=True) - known
        usual = typical(medians_of_others(heights), others, pools[rows], least[detector])
        relative[rows, :, detector, side] = heights / usual
        last = without_oldest(heights)
        unit[rows, detector, side] = typical(
            median_last(last), np.isfinite(last).sum(axis=1), pools[rows], least[detector]
        )
    return relative, unit


def _tails_of_pools(relative: FloatArray, pools: Ints) -> tuple[Ints, dict[tuple[int, int, int], Tail]]:
    """Tails of pools with enough days, numbered from 1, and of all series (0), on which the small ones lean."""
    days = np.bincount(pools, weights=np.isfinite(relative).any(axis=(2, 3)).sum(axis=1))
    large = np.flatnonzero(days >= _LEAST_OF_POOL)
    numbers = np.zeros(len(days), dtype=np.intp)
    numbers[large] = np.arange(1, large.size + 1)
    members = _members(pools)
    tails: dict[tuple[int, int, int], Tail] = {}
    for detector, side in np.ndindex(*relative.shape[2:]):
        heights = np.ascontiguousarray(relative[:, :, detector, side])
        everything = _tail(heights, _MAXIMA)
        if everything is None:
            continue
        tails[0, detector, side] = everything
        for pool in large.tolist():
            own = _tail(heights[members[pool]], Expected(_MAXIMA.origin, everything.pareto))
            tails[int(numbers[pool]), detector, side] = own or everything

    return numbers[pools], tails


def _tail(heights: FloatArray, expected: Expected) -> Tail | None:
    quiet = without_incident_days(heights)
    known = quiet[np.isfinite(quiet)]
    return fit_tail(known.astype(np.float64), expected) if known.size else None


def _news_of(past: FloatArray) -> FloatArray:
    """Joined digits of past days, 0 where the series' other days or the same weekday were about as improbable."""
    usual = second_of_others(past)
    week = np.full(past.shape, -np.inf, dtype=np.float32)
    week[:, _WEEK:] = np.where(np.isfinite(past[:, :-_WEEK]), past[:, :-_WEEK], -np.inf)
    later = np.full(past.shape, -np.inf, dtype=np.float32)
    later[:, :-_WEEK] = np.where(np.isfinite(past[:, _WEEK:]), past[:, _WEEK:], -np.inf)
    usual = np.maximum(usual, np.where(np.isfinite(week), week, later))
    return np.where(np.isnan(past), np.nan, np.where(past > usual + _NO_NEWS_MARGIN, past, 0)).astype(np.float32)
