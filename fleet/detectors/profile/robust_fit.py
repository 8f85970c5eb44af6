"""Season, level and spread of many series at once, by medians: the arithmetic of the seasonal profile.

Everything is learnt twice: from all days of the past, for the day that follows it, and for each day of the past from
the others, so that deviations inside the past are as large as those of a day never seen.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fleet.detectors.contract import FloatArray
from fleet.detectors.profile.blocks import median_last, median_without_each, sorted_quantile
from fleet.detectors.profile.weekdays import WEEK

Flags = npt.NDArray[np.bool_]

FORETELLING_DAYS = 3
"""Seen days from which the level of the next one is foretold."""
_MIN_DAYS_TO_COMPARE = 6
_RECENT_ADVANTAGE = 0.7
"""The level of the last days is taken where its errors are at most this share of those of the last week's."""
_SEASON_WEIGHTS = np.array([1, 2, 3, 2, 1], dtype=np.float32)
_SPREAD_WEIGHTS = np.ones(25, dtype=np.float32)
_SPREAD_PRIOR_DAYS = 7.0
_MAD_TO_SIGMA = np.float32(1.4826)
_MEAN_TO_SIGMA = np.float32(1.2533)
_MIN_DAYS = 2
"""Seen days of a slot, on average, below which a season is not told from noise."""
_MEDIAN_NOISE = 1.5708
"""Variance of a median of normal values against that of their mean."""
_LEVEL_FLOOR = np.float32(0.01)
_MOVING_SHARE = 0.02
_SMALLEST = np.float32(1e-9)


@dataclass(frozen=True)
class Levels:
    """Levels of (rows, days) of the past, where they were foretold from the days before, and of the day after it."""

    of_days: FloatArray
    foretold: Flags
    next: FloatArray


def seasons_of(folded: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The time-of-day season, zero on average: slot medians over the days, smoothed and shrunk.

    Args:
        folded: (rows, days, slots).

    Returns:
        The season of all days, (rows, slots), and for each day that of the others, (rows, days, slots).
    """
    from fleet.detectors.profile.day_loops import slot_medians

    rows, days, slots = folded.shape
    from_day = folded - median_last(folded)[:, :, None]
    season = np.empty((rows, slots), dtype=np.float32)
    others = np.empty_like(folded)
    slot_medians(from_day, season, others)
    distances = np.abs(from_day - season[:, None, :]).reshape(rows, days * slots)
    noise = np.square(_MAD_TO_SIGMA * median_last(distances))
    seen = np.isfinite(folded)
    count = seen.sum(axis=1).clip(min=1).mean(axis=1, dtype=np.float32)
    count_of_others = count[:, None] - seen.mean(axis=2, dtype=np.float32)
    centre = median_last(season)
    _tell_from_noise(season, centre, noise, count)
    _tell_from_noise(
        others.reshape(rows * days, slots), np.repeat(centre, days), np.repeat(noise, days), count_of_others.ravel()
    )
    return season, others


def _tell_from_noise(medians: FloatArray, centre: FloatArray, noise: FloatArray, days: FloatArray) -> None:
    """Slot medians of (rows, slots) made to seasons, in place."""
    from fleet.detectors.profile.day_loops import centred_variance, shrink_slots, smooth_slots

    variance = np.empty_like(centre)
    centred_variance(medians, centre, variance)
    with np.errstate(invalid="ignore", divide="ignore"):
        told = 1 - _MEDIAN_NOISE * noise / days / variance
    told = np.where(np.isfinite(told) & (days >= _MIN_DAYS), told.clip(0, 1), 0).astype(np.float32)
    smooth_slots(medians, _SEASON_WEIGHTS)
    shrink_slots(medians, told)


def levels_of(by_day: FloatArray) -> Levels:
    """What would have been foretold for each day, from days before it alone, and what is foretold for the next.

    That is the median of the last week, or, for a series that drifts, that of the last 3 days: whichever would have
    foretold the series' other days better. The first days, for which nothing is foretold, have the level that
    the days after them would foretell backwards.

    Args:
        by_day: median of each day, (rows, days).
    """
    days = by_day.shape[1]
    backwards = by_day[:, ::-1]
    recent, week = _medians_before(by_day, FORETELLING_DAYS), _medians_before(by_day, WEEK)
    foretold = np.stack([_days_before(by_day, day) >= FORETELLING_DAYS for day in range(days + 1)], axis=1)
    errors = [np.where(foretold, each, np.nan)[:, :days] - by_day for each in (recent, week)]
    drifts = _drifts(*errors)
    levels = np.where(drifts & np.isfinite(recent), recent, week)
    after = np.where(
        drifts[:, :days],
        _medians_before(backwards, FORETELLING_DAYS)[:, days - 1 :: -1],
        _medians_before(backwards, WEEK)[:, days - 1 :: -1],
    )
    substitute = np.where(np.isfinite(after), after, by_day)
    return Levels(
        of_days=np.where(foretold[:, :days], levels[:, :days], substitute).astype(np.float32),
        foretold=foretold[:, :days],
        next=np.where(foretold[:, days], levels[:, days], median_last(by_day)).astype(np.float32),
    )


def _medians_before(by_day: FloatArray, memory: int) -> FloatArray:
    """For each day, and the one after the last, the median of up to ``memory`` days before it; (rows, days + 1)."""
    return np.stack([median_last(by_day[:, max(0, day - memory) : day]) for day in range(by_day.shape[1] + 1)], axis=1)


def _days_before(by_day: FloatArray, day: int) -> npt.NDArray[np.intp]:
    """How many days of the week before a day were seen."""
    return np.asarray(np.isfinite(by_day[:, max(0, day - WEEK) : day]).sum(axis=1))


def _drifts(recent_errors: FloatArray, week_errors: FloatArray) -> Flags:
    """Whether the last days foretell better than the last week, as the other days tell; the last column: as all do."""
    recent, recent_of_others = median_without_each(np.abs(recent_errors))
    week, week_of_others = median_without_each(np.abs(week_errors))
    enough = np.isfinite(recent_errors).sum(axis=1) >= _MIN_DAYS_TO_COMPARE - FORETELLING_DAYS
    ours = np.concatenate([recent_of_others, recent[:, None]], axis=1)
    theirs = np.concatenate([week_of_others, week[:, None]], axis=1)
    with np.errstate(invalid="ignore"):
        return np.asarray(enough[:, None] & (ours < _RECENT_ADVANTAGE * theirs))


def spreads_of(
    residual: FloatArray, levels: Levels, resolution: FloatArray, *, seasonal: bool
) -> tuple[FloatArray, FloatArray]:
    """The spread by slot of residuals of shape (rows, days, slots); pooled over the day where not ``seasonal``.

    Returns:
        The spread of all days, (rows, slots), and for each day that of the others, (rows, days, slots).
    """
    rows, days, slots = residual.shape
    size = np.abs(residual)
    typical, typical_of_others = median_without_each(median_last(size))
    typical_of_others = np.where(np.isfinite(typical_of_others), typical_of_others, typical[:, None])
    mean, mean_of_others = _means(size)
    floor = _floor(resolution, levels.next, mean)
    floor_of_others = _floor(resolution[:, None], levels.of_days, mean_of_others)
    pooled = np.fmax(_MAD_TO_SIGMA * typical, floor)
    pooled_of_others = np.fmax(_MAD_TO_SIGMA * typical_of_others, floor_of_others)
    if not seasonal:
        shape = (rows, days, slots)
        return np.repeat(pooled[:, None], slots, axis=1), np.broadcast_to(pooled_of_others[:, :, None], shape)
    return _spreads_by_slot(size, (pooled, floor), (pooled_of_others, floor_of_others))


def _spreads_by_slot(
    size: FloatArray, of_all: tuple[FloatArray, FloatArray], of_others: tuple[FloatArray, FloatArray]
) -> tuple[FloatArray, FloatArray]:
    """Spreads by slot, shrunk to pooled ones and above floors, both given as a pair."""
    from fleet.detectors.profile.day_loops import blend_spreads, slot_medians, smooth_slots

    rows, days, slots = size.shape
    spread, others = np.empty((rows, slots), dtype=np.float32), np.empty_like(size)
    slot_medians(size, spread, others)
    weight = days / (days + _SPREAD_PRIOR_DAYS)
    for local, (pooled, floor) in ((spread, of_all), (others.reshape(rows * days, slots), of_others)):
        smooth_slots(local, _SPREAD_WEIGHTS)
        blend_spreads(local, float(_MAD_TO_SIGMA), pooled.ravel(), floor.ravel(), weight)
    return spread, others


def _means(size: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The mean of each row, and for each day that of the other days; 0 where there is nothing."""
    seen = np.isfinite(size)
    count, total = seen.sum(axis=2), np.where(seen, size, 0).sum(axis=2, dtype=np.float64)
    counts, totals = count.sum(axis=1), total.sum(axis=1)
    mean = totals / np.maximum(counts, 1)
    others = counts[:, None] - count
    of_others = np.where(others > 0, (totals[:, None] - total) / np.maximum(others, 1), mean[:, None])
    return mean.astype(np.float32), np.maximum(of_others, 0).astype(np.float32)


def _floor(resolution: FloatArray, level: FloatArray, mean: FloatArray) -> FloatArray:
    by_mean = np.float32(0.5) * _MEAN_TO_SIGMA * mean
    return np.asarray(np.fmax(np.fmax(np.fmax(resolution, by_mean), _LEVEL_FLOOR * np.abs(level)), _SMALLEST))


def resolution_of(values: FloatArray) -> FloatArray:
    """The step in which a series' values move: a low quantile of its changes, the quantum where it is quantised.

    A series that hardly ever moves has no such step: its few moves are news, and not its grain.
    """
    moves = np.abs(np.diff(values, axis=1))
    moves = np.where(moves > 0, moves, np.float32(np.nan))
    moves.sort(axis=1)
    if moves.shape[1] == 0:
        return np.zeros(values.shape[0], dtype=np.float32)
    resolution = sorted_quantile(moves, 0.1)
    moving = np.isfinite(moves).mean(axis=1) >= _MOVING_SHARE
    return np.where(moving, resolution, np.float32(0))
