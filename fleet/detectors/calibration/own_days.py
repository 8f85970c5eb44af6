"""What is usual for a series' own days, for each of its days by the others.

A judged day is compared with as many days as each past day is compared with, so that on quiet data both have the
same distribution: the past days' others are one fewer than all, and the judged day leaves out the oldest.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fleet.detectors.contract import FloatArray
from fleet.detectors.profile.blocks import median_last

_WEEK = 7
_PRIOR_DAYS = 4.0
"""With so many days a series' own typical height and that of like series weigh the same."""


def without_oldest(heights: FloatArray) -> FloatArray:
    """Heights of shape (series, days) with NaN instead of each series' first known day."""
    known = np.isfinite(heights)
    first = known & (np.cumsum(known, axis=1) == 1)
    return np.where(first & (known.sum(axis=1) > 1)[:, None], np.float32(np.nan), heights)


def medians_of_others(heights: FloatArray) -> FloatArray:
    """For each day the median of the series' other days: (series, days)."""
    ordered, ranks, others = _ordered(heights)
    low = _without(ordered, ranks, (np.maximum(others - 1, 0)) // 2)
    high = _without(ordered, ranks, np.maximum(others, 0) // 2)
    return np.where(others > 0, (low + high) / 2, np.nan).astype(np.float32)


def second_of_others(heights: FloatArray) -> FloatArray:
    """For each day the second highest of the series' other days; −inf where there are not two."""
    ordered, ranks, others = _ordered(heights)
    second = _without(ordered, ranks, np.maximum(others - 2, 0))
    return np.where(others >= 2, second, -np.inf).astype(np.float32)


def second_highest(heights: FloatArray) -> FloatArray:
    """The second highest day of each series; −inf where there are not two."""
    known = np.where(np.isfinite(heights), heights, -np.inf)
    if known.shape[1] < 2:
        return np.full(known.shape[0], -np.inf, dtype=np.float32)
    return np.partition(known, -2, axis=1)[:, -2].astype(np.float32)


def same_weekday(heights: FloatArray) -> FloatArray:
    """For each day the one a week before it, or where that is unknown the one a week after; NaN where both are."""
    week = np.full((2, *heights.shape), np.nan, dtype=np.float32)
    week[0, :, _WEEK:] = heights[:, :-_WEEK]
    week[1, :, :-_WEEK] = heights[:, _WEEK:]
    return np.asarray(np.where(np.isfinite(week[0]), week[0], week[1]))


def typical(medians: FloatArray, days: FloatArray, pools: npt.NDArray[np.intp], least: float) -> FloatArray:
    """Typical heights of series: their own median, or, where that of their pool is higher, shrunk towards it.

    Args:
        medians: of the days that count, (series, …).
        days: how many these were, of the same shape.
        pools: number of the group of like series to which each series belongs.
        least: the smallest typical height that is believed.
    """
    own = np.log(np.fmax(medians, least))
    weight = days / (days + _PRIOR_DAYS)
    seen = np.where(np.isfinite(medians), own, np.float32(np.nan))
    of_pool = np.full(int(pools.max()) + 1 if pools.size else 0, np.log(least), dtype=np.float32)
    order = np.argsort(pools, kind="stable")
    for members in np.split(order, np.flatnonzero(np.diff(pools[order])) + 1):
        if np.isfinite(seen[members]).any():
            of_pool[pools[members[0]]] = median_last(seen[members].reshape(1, -1))[0]
    shape = (-1,) + (1,) * (own.ndim - 1)
    shrunk = weight * own + (1 - weight) * of_pool[pools].reshape(shape)
    # Shrinking may only raise what is typical: else the restless among a pool would have all its findings.
    return np.exp(np.fmax(shrunk, own)).astype(np.float32)


def _ordered(heights: FloatArray) -> tuple[FloatArray, npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Sorted heights (unknown last), the rank of each day, and the number of known other days."""
    order = np.argsort(heights, axis=1, kind="stable")
    ranks = np.empty_like(order)
    np.put_along_axis(ranks, order, np.arange(heights.shape[1])[None, :], axis=1)
    known = np.isfinite(heights)
    others = known.sum(axis=1, keepdims=True) - known
    return np.take_along_axis(heights, order, axis=1), ranks, others.astype(np.intp)


def _without(ordered: FloatArray, ranks: npt.NDArray[np.intp], place: npt.NDArray[np.intp]) -> FloatArray:
    """The value at a place among the sorted others of each day."""
    moved = np.minimum(place + (place >= ranks), ordered.shape[1] - 1)
    return np.asarray(np.take_along_axis(ordered, moved, axis=1), dtype=np.float32)
