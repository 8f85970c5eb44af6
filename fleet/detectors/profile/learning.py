"""Profiles learnt from pasts as plain arrays, in pieces of rows, on all processors."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from fleet.detectors.contract import FloatArray
from fleet.detectors.profile.blocks import day_folds, finite, median_last, sorted_quantile
from fleet.detectors.profile.pieces import in_pieces
from fleet.detectors.profile.robust_fit import levels_of, resolution_of, seasons_of, spreads_of
from fleet.detectors.profile.weekdays import WEEK, weekdays_of

MIN_SEASON_DAYS = 3
MIN_WEEKDAY_DAYS = 21
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
    rows, days, slots = into.deviations.shape
    residual = day_folds(values, slots)
    into.season[:] = 0
    if seasonal:
        season, of_others = seasons_of(residual)
        into.season[:] = np.tile(season, into.season.shape[1] // slots)
        residual -= of_others
    if weekly:
        weekdays, of_others = weekdays_of(residual)
        into.season[:] += weekdays.reshape(rows, WEEK * slots)
        residual -= of_others
    levels = levels_of(median_last(residual))
    residual -= levels.of_days[:, :, None]
    spread, of_others = spreads_of(residual, levels, resolution_of(values), seasonal=seasonal)
    into.spread[:] = spread
    into.level[:] = levels.next
    np.divide(residual, of_others, out=into.deviations)
    ordered = np.sort(into.deviations.reshape(rows, days * slots), axis=1)
    into.deviations[~levels.foretold] = np.nan
    for shares, pair in ((BAND, into.band), (QUARTILES, into.quartiles)):
        pair[:] = _quantiles(ordered, shares)
    into.reached[:] = _quantiles(np.sort(values, axis=1), REACHED)
    into.samples[:] = np.isfinite(values).sum(axis=1)


def _quantiles(ordered: FloatArray, shares: tuple[float, float]) -> FloatArray:
    return np.stack([sorted_quantile(ordered, share) for share in shares], axis=1)
