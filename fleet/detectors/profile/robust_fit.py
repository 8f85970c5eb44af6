"""Season, level and spread of many series at once, by medians: the arithmetic of the seasonal profile.

Everything is learnt twice: from all days of the past, for the day that follows it, and for each day of the past from
the others, so that deviations inside the past are as large as those of a day never seen.
"""

from __future__ import annotations

from math import ceil

import numpy as np

from fleet.detectors.contract import FloatArray
from fleet.detectors.profile.blocks import median_last, median_without_each, sorted_quantile

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


def seasons_of(folded: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The time-of-day season, zero on average: slot medians over the days, smoothed and shrunk.

    Args:
        folded: (rows, days, slots).

    Returns:
        The season of all days, (rows, slots), and for each day that of the others, (rows, days, slots).
    """
    from fleet.detectors.profile.day_loops import count_known, slot_medians

    rows, days, slots = folded.shape
    from_day = folded - median_last(folded)[:, :, None]
    season = np.empty((rows, slots), dtype=np.float32)
    others = np.empty_like(folded)
    slot_medians(from_day, season, others)
    distances = np.abs(from_day - season[:, None, :]).reshape(rows, days * slots)
    noise = np.square(_MAD_TO_SIGMA * median_last(distances))
    by_slot, by_day = np.empty((rows, slots), dtype=np.float32), np.empty((rows, days), dtype=np.float32)
    count_known(folded, by_slot, by_day)
    count = by_slot.clip(min=1).mean(axis=1)
    count_of_others = count[:, None] - by_day / np.float32(slots)
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


def spreads_of(
    within: FloatArray, levels: FloatArray, resolution: FloatArray, *, seasonal: bool
) -> tuple[FloatArray, FloatArray]:
    """The spread by slot of deviations from the day's own median; pooled over the day where not ``seasonal``.

    Args:
        within: deviations, (rows, days, slots).
        levels: of the days and of the next one, (rows, days + 1).
        resolution: the step in which each row's values move.

    Returns:
        The spread of all days, (rows, slots), and for each day that of the others, (rows, days, slots).
    """
    _, days, slots = within.shape
    size = np.abs(within)
    typical, typical_of_others = median_without_each(median_last(size))
    typical_of_others = np.where(np.isfinite(typical_of_others), typical_of_others, typical[:, None])
    mean, mean_of_others = _means(size)
    floor = _floor(resolution, levels[:, days], mean)
    floor_of_others = _floor(resolution[:, None], levels[:, :days], mean_of_others)
    pooled = np.fmax(_MAD_TO_SIGMA * typical, floor)
    pooled_of_others = np.fmax(_MAD_TO_SIGMA * typical_of_others, floor_of_others)
    if not seasonal:
        return np.repeat(pooled[:, None], slots, axis=1), np.repeat(pooled_of_others[:, :, None], slots, axis=2)
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
    from fleet.detectors.profile.day_loops import add_up_days

    total, count = np.empty((2, *size.shape[:2]), dtype=np.float64)
    add_up_days(size, total, count)
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
    if moves.shape[1] == 0:
        return np.zeros(values.shape[0], dtype=np.float32)
    moves[moves == 0] = np.nan
    moves.sort(axis=1)
    moving = np.isfinite(moves[:, ceil(_MOVING_SHARE * moves.shape[1]) - 1])
    return np.where(moving, sorted_quantile(moves, 0.1), np.float32(0))
