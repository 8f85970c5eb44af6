"""Several detectors' daily maxima as one chance, calibrated on the past days of the same series.

1. A maximum is put in units of the series' own typical one, or of that of the same weekday a week before, where that
   was higher, for itself or for all like series (``own_days``): a weekend is compared with weekends. How many times as
   high it is counts the less, the more the series' days differ: twice as much is news of a calm series, and none of a
   restless one.
2. The tails of like series (those of the same query) are pooled, by detector and side: digits of a chance.
3. Detectors and sides are joined by the smallest chance. A detector that sees no news for its series counts as nothing:
   the series' second highest day, or the same weekday a week before, was about as improbable.
4. What remains is calibrated once more over all series. Whatever detectors have in common, whatever a filter takes
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
    same_weekday,
    second_highest,
    second_of_others,
    typical,
    variations,
    variations_of_others,
    with_days_of_all,
    without_oldest,
)
from fleet.detectors.calibration.pareto import Pareto, Prior
from fleet.detectors.calibration.pooled_tails import digits_of, members_of, tails_of_pools
from fleet.detectors.calibration.tail import Expected, Tail, fit_tail, without_incident_days
from fleet.detectors.contract import FloatArray
from fleet.detectors.profile.blocks import median_last

Flags = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.intp]

MIN_MAXIMA = 60
"""Daily maxima, of all series together, below which no tail is fitted to them."""
_DIGITS = Expected(0.0, Prior(Pareto(scale=1 / float(np.log(10)), shape=0.05), spread=0.03), observed=10)
"""The tail of digits: each is ten times rarer than the one before, but for what the tails of step 2 get wrong, which is
the more the further they reach. Measured on quiet data of many kinds."""
_LEAST_DIGITS = 1.0
"""However seldom a day brings news, what happens on every tenth day is no finding."""
_NO_NEWS_MARGIN = 0.3
"""A day is news that is by so many digits (a factor of two) less probable than the series' second highest."""
_HIGHEST = 1e20
"""In units of the typical maximum: of a series with wild days, no height may be news at all."""
_WEEK = 7
_FOLDS = 5


@dataclass(frozen=True)
class Ensemble:
    """What is usual for the daily maxima of a family of series under a family of detectors.

    Attributes:
        unit: typical maxima, (series, detectors, 2); the last dimension is above and below.
        pools: number of each series' pool, (series,).
        variation: by how much maxima differ from day to day, (series, detectors, 2): that power of a height in the
            tails is how many units high a maximum is.
        last_week: maxima of the latest day of each weekday (Monday first), or what like series had in common on it,
            (series, detectors × 2, 7); NaN where there is nothing to compare with.
        second_day: digits of the series' second highest day, (series,), −inf where unknown.
        weekdays: digits of the latest day of each weekday, (series, 7), −inf where unknown.
        tails: by pool, detector and side; pool 0 is all series together.
        joined: tail of the joined digits of all series.
    """

    unit: FloatArray
    variation: FloatArray
    last_week: FloatArray
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
            variation=wide(self.variation, np.nan),
            last_week=wide(self.last_week, np.nan),
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
            variation=self.variation[rows],
            last_week=self.last_week[rows],
            pools=self.pools[rows],
            second_day=self.second_day[rows],
            weekdays=self.weekdays[rows],
        )

    def needed(self, chance: float) -> float:
        """The highest digits over detectors and sides that a quiet day of a series reaches with this chance."""
        return max(_LEAST_DIGITS, float(self.joined.height(np.array(-np.log10(chance)))))

    def thresholds(self, chance: float, weekdays: Sequence[int]) -> FloatArray:
        """The scores by detector and side, one of which a quiet day on these weekdays passes with this chance."""
        needed = np.full(len(self.unit), self.needed(chance), dtype=np.float32)
        usual = np.maximum(self.second_day, self.weekdays[:, list(weekdays)].max(axis=1))
        news = self._heights(usual + np.float32(_NO_NEWS_MARGIN)) * self.unit
        return np.asarray(np.fmax(self._heights(needed) * self._unit_on(weekdays), news), dtype=np.float32)

    def chances(self, scores: FloatArray, weekdays: Sequence[int]) -> FloatArray:
        """The chances that a quiet day reaches scores, (series, detectors, 2), with any detector on any side."""
        relative = np.asarray((scores / self._unit_on(weekdays)) ** (1 / self.variation), dtype=np.float32)
        digits = digits_of(relative, self.pools, self.tails)
        return np.asarray(10 ** -self.joined.digits(digits), dtype=np.float32)

    def _unit_on(self, weekdays: Sequence[int]) -> FloatArray:
        reached = np.fmax.reduce(self.last_week[:, :, list(weekdays)], axis=2).reshape(self.unit.shape)
        return np.where(reached > self.unit, reached, self.unit)

    def _heights(self, digits: FloatArray) -> FloatArray:
        """The units that have so many digits (series,), by detector and side: (series, detectors, 2)."""
        result = np.full_like(self.unit, np.nan)
        members = members_of(self.pools)
        for (pool, detector, side), tail in self.tails.items():
            rows = members.get(pool)
            if rows is not None:
                result[rows, detector, side] = tail.height(np.maximum(digits[rows], 0))
        return np.asarray(np.minimum(np.float64(result) ** self.variation, _HIGHEST), dtype=np.float32)


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
    of_typical, of_week, reached, unit, variation = _in_units(maxima, pools, least, sides)
    numbers, tails = tails_of_pools(of_week, pools)
    past, quiet = _calibrated(of_typical, of_week, pools)
    if not quiet.size:
        # One day, or days that no others can tell of.
        return None
    comparable = np.where(_compares_weeks(maxima)[:, None], reached, np.nan).reshape(*past.shape, -1)
    latest = _latest(past, weekdays)
    return Ensemble(
        unit,
        variation,
        _latest(comparable, weekdays).transpose(0, 2, 1),
        numbers,
        second_highest(without_oldest(past)),
        np.where(np.isfinite(latest), latest, -np.inf).astype(np.float32),
        tails,
        fit_tail(quiet, _DIGITS),
    )


def _latest(days: FloatArray, weekdays: Sequence[int]) -> FloatArray:
    """Of the days of shape (series, days, …) the latest known one of each weekday: (series, 7, …)."""
    latest = np.full((days.shape[0], _WEEK, *days.shape[2:]), np.nan, dtype=np.float32)
    for day, weekday in enumerate(weekdays):
        latest[:, weekday] = np.where(np.isfinite(days[:, day]), days[:, day], latest[:, weekday])
    return latest


def _calibrated(of_typical: FloatArray, of_week: FloatArray, pools: Ints) -> tuple[FloatArray, FloatArray]:
    """Joined digits of the past's days, each by tails that were fitted to other days, and known ones of their news.

    Args:
        of_typical: maxima in units of typical ones; ``of_week``: also in units of the same weekday's.
    """
    own = np.full_like(of_typical, np.nan)
    folds = [np.arange(own.shape[1]) % _FOLDS == fold for fold in range(_FOLDS)]
    learnt = [tails_of_pools(of_week[:, ~chosen], pools) for chosen in folds]
    for chosen, (numbers, tails) in zip(folds, learnt, strict=True):
        own[:, chosen] = digits_of(of_typical[:, chosen], numbers, tails)
    past = highest(own)
    usual = np.fmax(second_of_others(past), same_weekday(past))
    with np.errstate(invalid="ignore"):
        is_news = own >= (usual + _NO_NEWS_MARGIN)[:, :, None, None]
    news = np.where(is_news | np.isnan(own) | np.isnan(of_week), np.float32(np.nan), np.float32(0))
    relative = np.where(is_news, of_week, np.float32(np.nan))
    for chosen, (numbers, tails) in zip(folds, learnt, strict=True):
        news[:, chosen] = np.fmax(news[:, chosen], digits_of(relative[:, chosen], numbers, tails))
    quiet = without_incident_days(highest(news))
    return past, quiet[np.isfinite(quiet)]


def _in_units(
    maxima: FloatArray, pools: Ints, least: Sequence[float], sides: Flags
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray, FloatArray]:
    """Past maxima in units of what is typical of the series' other days, or also of the same weekday.

    Returns:
        Both, as heights in the tails; what a day has to be compared with a week later; and what is typical for the
        judged day, with its variation.
    """
    of_typical, of_week, reached = (np.full(maxima.shape, np.nan, dtype=np.float32) for _ in range(3))
    unit = np.full((maxima.shape[0], *maxima.shape[2:]), np.nan, dtype=np.float32)
    variation = np.full_like(unit, np.nan)
    compares = _compares_weeks(maxima)
    for detector, side in np.ndindex(*maxima.shape[2:]):
        rows = np.flatnonzero(sides[:, side])
        if not rows.size:
            continue
        heights = np.ascontiguousarray(maxima[rows, :, detector, side])
        known = np.isfinite(heights)
        others = known.sum(axis=1, keepdims=True) - known
        usual = typical(medians_of_others(heights), others, pools[rows], least[detector])
        reached[rows, :, detector, side] = days = with_days_of_all(heights, usual, pools[rows])
        # Where the judged day has a week before to compare with, days that have none are not like it.
        week = np.where(compares[rows, None, detector, side], np.maximum(usual, same_weekday(days)), usual)
        varying = variations_of_others(heights, least[detector])
        of_typical[rows, :, detector, side] = (heights / usual) ** (1 / varying)
        of_week[rows, :, detector, side] = (heights / week) ** (1 / varying)
        last = without_oldest(heights)
        count = np.isfinite(last).sum(axis=1)
        unit[rows, detector, side] = typical(median_last(last), count, pools[rows], least[detector])
        variation[rows, detector, side] = variations(last, least[detector])
    return of_typical, of_week, reached, unit, variation


def _compares_weeks(maxima: FloatArray) -> Flags:
    """Where the day after the past has one a week before it, and some past days have, too: (series, detectors, 2)."""
    if maxima.shape[1] <= _WEEK:
        return np.zeros((maxima.shape[0], *maxima.shape[2:]), dtype=np.bool_)
    known = np.isfinite(maxima)
    return np.asarray(known[:, -_WEEK] & (known[:, _WEEK:] & known[:, :-_WEEK]).any(axis=1))
