"""Season, level and spread of many series at once, by medians: the arithmetic of the seasonal profile."""

from __future__ import annotations

import numpy as np

from fleet.detectors.contract import FloatArray
from fleet.detectors.profile.blocks import median_last, smoothed, sorted_quantile

_RECENT_DAYS = 3
_MIN_DAYS_TO_COMPARE = 6
_RECENT_ADVANTAGE = 0.7
"""The recent level is taken where its errors are at most this share of the whole history's."""
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


def season_of(folded: FloatArray) -> FloatArray:
    """The time-of-day profile, zero on average: slot medians over the days, smoothed and shrunk."""
    days = np.isfinite(folded).sum(axis=1).clip(min=1).mean(axis=1)
    from_day = folded - median_last(folded)[:, :, None]
    by_slot = np.ascontiguousarray(from_day.transpose(0, 2, 1))
    profile = median_last(by_slot)
    noise = _MAD_TO_SIGMA * median_last(np.abs(by_slot - profile[:, :, None]).reshape(folded.shape[0], -1))
    centred = profile - median_last(profile)[:, None]
    known = np.isfinite(centred)
    variance = np.where(known, centred, 0).var(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        told = 1 - _MEDIAN_NOISE * noise**2 / days / variance
    told = np.where(np.isfinite(told) & (days >= _MIN_DAYS), told.clip(0, 1), 0)
    smooth = smoothed(centred, _SEASON_WEIGHTS)
    return np.asarray(np.where(np.isfinite(smooth), smooth, 0) * told[:, None], dtype=np.float32)


def levels_of(deseasoned: FloatArray) -> tuple[FloatArray, FloatArray]:
    """For each day the level that would have been foretold for it, and the level that is foretold for the next."""
    by_day = median_last(deseasoned)
    days = by_day.shape[1]
    whole = median_last(by_day)
    recent = np.repeat(whole[:, None], days + 1, axis=1)
    for day in range(1, days + 1):
        recent[:, day] = median_last(by_day[:, max(0, day - _RECENT_DAYS) : day])
    recent = np.where(np.isfinite(recent), recent, whole[:, None])
    if days < _MIN_DAYS_TO_COMPARE:
        return np.repeat(whole[:, None], days, axis=1), whole
    judged = by_day[:, _RECENT_DAYS:]
    recent_error = median_last(np.abs(judged - recent[:, _RECENT_DAYS:days]))
    whole_error = median_last(np.abs(judged - whole[:, None]))
    drifts = recent_error < _RECENT_ADVANTAGE * whole_error
    recent[:, :1] = np.where(np.isfinite(by_day[:, :1]), by_day[:, :1], recent[:, :1])
    levels = np.where(drifts[:, None], recent, whole[:, None])
    return np.asarray(levels[:, :days], dtype=np.float32), np.asarray(levels[:, days], dtype=np.float32)


def spread_of(residual: FloatArray, level: FloatArray, values: FloatArray, *, seasonal: bool) -> FloatArray:
    """The spread by slot of residuals of shape (series, days, slots); pooled over the day where not ``seasonal``."""
    rows, days, slots = residual.shape
    size = np.abs(residual)
    flat = size.reshape(rows, -1)
    typical = _MAD_TO_SIGMA * median_last(flat)
    seen = np.isfinite(flat).sum(axis=1)
    mean = np.where(seen > 0, np.nansum(flat, axis=1) / np.maximum(seen, 1), 0)
    floor = np.maximum.reduce([_resolution(values), _LEVEL_FLOOR * np.abs(level), 0.5 * _MEAN_TO_SIGMA * mean])
    pooled = np.fmax(typical, floor).astype(np.float32)
    result = np.repeat(pooled[:, None], slots, axis=1)
    if seasonal:
        by_slot = _MAD_TO_SIGMA * median_last(np.ascontiguousarray(size.transpose(0, 2, 1)))
        local = smoothed(by_slot, _SPREAD_WEIGHTS)
        local = np.where(np.isfinite(local), local, pooled[:, None])
        weight = days / (days + _SPREAD_PRIOR_DAYS)
        result = np.sqrt(weight * local**2 + (1 - weight) * pooled[:, None] ** 2)
        result = np.maximum(result, floor[:, None])
    return np.asarray(np.fmax(result, _SMALLEST), dtype=np.float32)


def _resolution(values: FloatArray) -> FloatArray:
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
