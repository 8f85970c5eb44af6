"""What a weekday differs by from its week."""

from __future__ import annotations

import numpy as np

from fleet.detectors.contract import FloatArray
from fleet.detectors.profile.blocks import median_last

WEEK = 7
_WEIGHTS = np.ones(25, dtype=np.float32)
"""Weekdays differ by hours, not by minutes: three weeks hold each of them only three times."""
_MAD_TO_SIGMA = np.float32(1.4826)
_MEDIAN_NOISE = np.float32(1.5708)


def weekdays_of(residual: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The weekday season: medians over the weeks of what each day differs by from its week, smoothed and shrunk.

    Args:
        residual: values without the time-of-day season, (rows, days, slots), 21 days or more.

    Returns:
        The season of all days by weekday, the first being that of the day after the last one, (rows, 7, slots), and
        for each day that of the other days on its weekday, (rows, days, slots).
    """
    from fleet.detectors.profile.day_loops import shrink_slots, slot_medians, smooth_slots

    rows, days, slots = residual.shape
    from_week = residual - _levels_of_weeks(median_last(residual))[:, :, None]
    smooth_slots(from_week.reshape(rows * days, slots), _WEIGHTS)
    weekdays, of_others = np.empty((rows, WEEK, slots), dtype=np.float32), np.empty_like(residual)
    for weekday in range(WEEK):
        which = slice((days + weekday) % WEEK, None, WEEK)
        medians, others = np.empty((rows, slots), dtype=np.float32), np.empty_like(residual[:, which])
        slot_medians(np.ascontiguousarray(from_week[:, which]), medians, others)
        weekdays[:, weekday], of_others[:, which] = medians, others
    told, told_by_others = _told(from_week, weekdays, of_others)
    shrink_slots(weekdays.reshape(rows * WEEK, slots), np.repeat(told, WEEK))
    shrink_slots(of_others.reshape(rows * days, slots), told_by_others.ravel())
    return weekdays, of_others


def _levels_of_weeks(by_day: FloatArray) -> FloatArray:
    """For each day the median of the seven days around it, so that each weekday is in it once; (rows, days)."""
    days = by_day.shape[1]
    starts = np.clip(np.arange(days) - WEEK // 2, 0, days - WEEK)
    return np.stack([median_last(by_day[:, start : start + WEEK]) for start in starts], axis=1)


def _told(from_week: FloatArray, weekdays: FloatArray, of_others: FloatArray) -> tuple[FloatArray, FloatArray]:
    """How much of the weekday season is told from noise: as all days tell, (rows,), and as the others do, (rows, days).

    Noise is told by how far days lie from the other days on their weekday.
    """
    rows, days, slots = from_week.shape
    weeks = days / WEEK
    distances = np.abs(from_week - of_others).reshape(rows, days * slots)
    noise = np.square(_MAD_TO_SIGMA * median_last(distances)) / (1 + 1 / (weeks - 1))
    power = _mean_squares(weekdays)
    signal = power.mean(axis=1)
    of_weekday = np.resize(np.roll(np.arange(WEEK), days % WEEK), days)
    signal_of_others = signal[:, None] + (_mean_squares(of_others) - power[:, of_weekday]) / WEEK
    noise_of_others = (WEEK - 1 + weeks / (weeks - 1)) / WEEK * noise[:, None]
    with np.errstate(invalid="ignore", divide="ignore"):
        told = 1 - _MEDIAN_NOISE / weeks * noise / signal
        told_by_others = 1 - _MEDIAN_NOISE / weeks * noise_of_others / signal_of_others
    return _share(told), _share(told_by_others)


def _mean_squares(values: FloatArray) -> FloatArray:
    known = np.isfinite(values)
    squares = np.square(np.where(known, values, 0)).sum(axis=-1)
    return np.asarray(squares / np.maximum(known.sum(axis=-1), 1), dtype=np.float32)


def _share(told: FloatArray) -> FloatArray:
    return np.where(np.isfinite(told), told.clip(0, 1), 0).astype(np.float32)
