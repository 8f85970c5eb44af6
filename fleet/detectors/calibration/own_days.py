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
_PRIOR_DAYS_OF_VARIATION = 8.0
_USUAL_VARIATION = 0.4
"""Any series may have days that are half as high again: calmer ones have not shown that they never will."""
_LEAST_LIKE = 20
"""Like series without which it is not told what they have in common."""
_STANDS_OUT = 1.35
"""Times as high as usual, from which on like series have a day in common: all days differ a little."""


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


def with_days_of_all(heights: FloatArray, usual: FloatArray, pools: npt.NDArray[np.intp]) -> FloatArray:
    """Heights of days, no lower than usual times what like series have in common on days on which they stand out.

    One weekend of one series may have been low by chance. That weekends are high is told by all that are like it.

    Args:
        heights: (series, days), NaN unknown.
        usual: what is usual for each of these days, of the same shape.
        pools: number of the group of like series to which each series belongs.
    """
    times = heights / usual
    common = np.ones_like(times)
    order = np.argsort(pools, kind="stable")
    for members in np.split(order, np.flatnonzero(np.diff(pools[order])) + 1):
        enough = np.isfinite(times[members]).sum(axis=0) >= _LEAST_LIKE
        of_days = median_last(np.ascontiguousarray(times[members].T))
        common[members] = np.where(enough & (of_days > _STANDS_OUT), of_days, 1)
    return np.asarray(np.where(common > 1, np.maximum(heights, usual * common), heights), dtype=np.float32)


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
    of_pool = _medians_of_pools(seen, pools)
    shrunk = weight * own + (1 - weight) * np.where(np.isfinite(of_pool), of_pool, np.log(least))
    # Shrinking may only raise what is typical: else the restless among a pool would have all its findings.
    return np.asarray(np.exp(np.fmax(shrunk, own)), dtype=np.float32)


def variations(heights: FloatArray, least: float) -> FloatArray:
    """By how much series' days differ, in units of what is usual and at least 1: (series,).

    It is the root mean square of the logarithms of how many times as high days are as the median one, of those above
    it, shrunk towards what is usual. A wild day raises it, so that the next one is less of a surprise.

    Args:
        heights: (series, days), NaN unknown.
        least: the smallest typical height that is believed.
    """
    squares, known = _squared_excesses(heights, least)
    return _believed(squares.sum(axis=1), known.sum(axis=1))


def variations_of_others(heights: FloatArray, least: float) -> FloatArray:
    """For each day the variation of the series' other days: (series, days)."""
    squares, known = _squared_excesses(heights, least)
    return _believed(squares.sum(axis=1, keepdims=True) - squares, known.sum(axis=1, keepdims=True) - known)


def _squared_excesses(heights: FloatArray, least: float) -> tuple[FloatArray, FloatArray]:
    """Squared logarithms of how many times as high as the median days are, 0 for lower ones; and what is known."""
    middle = np.fmax(median_last(heights), np.float32(least))[:, None]
    excess = np.log(np.fmax(heights, middle) / middle)
    # Half of the days lie below the median, and say nothing of those above it.
    return np.asarray(2 * np.square(excess)), np.isfinite(heights).astype(np.float32)


def _believed(squares: FloatArray, days: FloatArray) -> FloatArray:
    usual = np.float32(_USUAL_VARIATION**2)
    shrunk = (squares + _PRIOR_DAYS_OF_VARIATION * usual) / (days + _PRIOR_DAYS_OF_VARIATION)
    return np.asarray(np.sqrt(np.maximum(shrunk / usual, 1)), dtype=np.float32)


def _medians_of_pools(values: FloatArray, pools: npt.NDArray[np.intp]) -> FloatArray:
    """The median of all values of each series' pool, (series, 1 …), of as many dimensions as the values; or NaN."""
    of_pool = np.full(int(pools.max()) + 1 if pools.size else 0, np.nan, dtype=np.float32)
    order = np.argsort(pools, kind="stable")
    for members in np.split(order, np.flatnonzero(np.diff(pools[order])) + 1):
        if np.isfinite(values[members]).any():
            of_pool[pools[members[0]]] = median_last(values[members].reshape(1, -1))[0]
    return of_pool[pools].reshape((-1,) + (1,) * (values.ndim - 1))


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
