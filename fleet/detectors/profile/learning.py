"""Profiles learnt from pasts as plain arrays, in pieces of rows, on all processors."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from fleet.detectors.contract import FloatArray
from fleet.detectors.profile.blocks import day_folds, finite, median_last, sorted_quantile
from fleet.detectors.profile.pieces import in_pieces
from fleet.detectors.profile.robust_fit import resolution_of, seasons_of, spreads_of
from fleet.detectors.profile.weekdays import WEEK, weekdays_of

MIN_SEASON_DAYS = 3
MIN_WEEKDAY_DAYS = 21
_LEAST_DAYS_TO_SPARE_ONE = 4
BAND = (0.005, 0.995)
"""The quantiles of the past that bound the usual range."""
QUARTILES = (0.25, 0.75)
REACHED = (0.002, 0.998)
"""The quantiles between which the past's values lie, whatever the time of day."""


@dataclass(frozen=True)
class Learnt:
    """What was learnt of each series: ``SeasonalProfile`` and ``Past`` say what the arrays hold."""

    season: FloatArray
    spread: FloatArray
    level: FloatArray
    band: FloatArray
    quartiles: FloatArray
    reached: FloatArray
    samples: FloatArray
    deviations: FloatArray

    @classmethod
    def empty(cls, count: int, days: int, slots: int, cycle: int) -> Learnt:
        """Room for so many series, whose season has ``cycle`` slots."""
        shapes: list[tuple[int, ...]] = [(cycle,), (slots,), (), (2,), (2,), (2,), (), (days, slots)]
        return cls(*(np.empty((count, *shape), dtype=np.float32) for shape in shapes))

    def view(self, rows: slice) -> Learnt:
        """The room for some rows."""
        return Learnt(*(getattr(self, field.name)[rows] for field in fields(self)))


def learn(values: FloatArray, slots: int, *, seasonal: bool) -> Learnt:
    """What is usual for series of shape (series, points), whose days have so many slots and end with the last point.

    Args:
        seasonal: whether seasons are learnt where there are days enough.
    """
    count, points = values.shape
    days = max(1, -(-points // slots))
    seasonal = seasonal and points >= MIN_SEASON_DAYS * slots
    weekly = seasonal and points >= MIN_WEEKDAY_DAYS * slots
    learnt = Learnt.empty(count, days, slots, (WEEK if weekly else 1) * slots if seasonal else 1)

    def work(rows: slice) -> None:
        _learn_rows(finite(values[rows]), learnt.view(rows), seasonal=seasonal, weekly=weekly)

    in_pieces(count, work)
    return learnt


def _learn_rows(values: FloatArray, into: Learnt, *, seasonal: bool, weekly: bool) -> None:
    from fleet.detectors.profile.day_loops import standardise
    from fleet.detectors.profile.level_loops import foretell

    rows, days, slots = into.deviations.shape
    folded = day_folds(values, slots)
    next_day = _NextDay.after(folded)
    into.season[:] = 0
    if seasonal:
        season, of_others = seasons_of(folded)
        into.season[:] = np.tile(next_day.chosen(season, of_others), into.season.shape[1] // slots)
        folded -= of_others
    if weekly:
        weekdays, of_others = weekdays_of(folded)
        into.season[:] += next_day.chosen_weekdays(weekdays, of_others).reshape(rows, WEEK * slots)
        folded -= of_others
    by_day = median_last(folded)
    levels, strays = np.empty((2, rows, days + 1), dtype=np.float32)
    foretold = np.empty((rows, days), dtype=np.bool_)
    foretell(by_day, levels, foretold, strays)
    spread, of_others = spreads_of(folded - by_day[:, :, None], levels, resolution_of(values), seasonal=seasonal)
    into.level[:] = levels[:, days]
    own = next_day.chosen(spread, of_others)
    into.spread[:] = np.hypot(own, strays[:, days:])
    folded -= levels[:, :days, None]
    flat = (rows * days, slots)
    scale = np.repeat(np.sqrt(np.square(own).mean(axis=1)), days)
    standardise(
        folded.reshape(flat), of_others.reshape(flat), strays[:, :days].ravel(), scale, into.deviations.reshape(flat)
    )
    ordered = np.sort(into.deviations.reshape(rows, days * slots), axis=1)
    into.deviations[~foretold] = np.nan
    for shares, pair in ((BAND, into.band), (QUARTILES, into.quartiles)):
        pair[:] = _quantiles(ordered, shares)
    into.reached[:] = _quantiles(np.sort(values, axis=1), REACHED)
    into.samples[:] = np.isfinite(values).sum(axis=1)


@dataclass(frozen=True)
class _NextDay:
    """Which of the profiles that were learnt judges the day after the past: the one without the oldest day.

    It was learnt from as many days as those that judge the days of the past, and, of whole weeks, from as many of the
    judged day's weekday: a profile of all days would be a little better than those that it is compared with. Of less
    than 4 days none can be spared.
    """

    oldest: npt.NDArray[np.intp]
    spares: npt.NDArray[np.bool_]

    @classmethod
    def after(cls, folded: FloatArray) -> _NextDay:
        seen = np.isfinite(folded).any(axis=2)
        return cls(seen.argmax(axis=1), seen.sum(axis=1) >= _LEAST_DAYS_TO_SPARE_ONE)

    def chosen(self, of_all: FloatArray, of_others: FloatArray) -> FloatArray:
        """Of what was learnt from all days, (rows, slots), and without each day, (rows, days, slots)."""
        without_oldest = of_others[np.arange(len(self.oldest)), self.oldest]
        return np.where(self.spares[:, None], without_oldest, of_all)

    def chosen_weekdays(self, weekdays: FloatArray, of_others: FloatArray) -> FloatArray:
        """The same of (rows, 7, slots), where the oldest day is one of a weekday's alone."""
        weekday = (self.oldest - of_others.shape[1]) % WEEK
        rows = np.arange(len(weekday))
        result = weekdays.copy()
        result[rows, weekday] = self.chosen(weekdays[rows, weekday], of_others)
        return result


def _quantiles(ordered: FloatArray, shares: tuple[float, float]) -> FloatArray:
    return np.stack([sorted_quantile(ordered, share) for share in shares], axis=1)
