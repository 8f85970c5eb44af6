"""Times until a falling series reaches zero, by robust slopes, as machine code."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from fleet.detectors.compiled import compiled
from fleet.detectors.contract import FloatArray

Doubles = npt.NDArray[np.float64]
_PLACES = 13
"""Values of a window that are paired: 78 slopes."""
_LEAST_PLACES = 9
_BAND = 3.29
"""Of Kendall's statistic, in standard deviations: 99.9% if errors were independent, which they are not quite."""
_STEP_SHARE = 0.5
_NARROW = 0.5
"""Of a clear slope the lower edge is more than this share of the middle."""
_BEYOND_PAST = 1.5
"""A loss over a window is news that is larger than any of the past by this factor."""


@compiled
def times_to_zero(
    levels: FloatArray, first: int, strides: tuple[int, int], least: FloatArray, past: FloatArray, times: FloatArray
) -> None:
    """When levels reach zero if they go on as they fall: earliest, middle and latest, in columns.

    Args:
        levels: (series, columns), NaN for gaps.
        first: the column of the first answer.
        strides: distances of a window's 13 values, in columns; the second window is a day.
        least: the smallest loss over a window that matters, (series,).
        past: (series, 6): the level below which it never was; the largest loss over each window; lower edge, median and
            upper edge of the losses from day to day. NaN where nothing is known.
        times: written, (series, columns from the first, 3): infinite where a series does not clearly fall, NaN where
            that is unknown.
    """
    a_day = (_PLACES - 1) * strides[1]
    slopes = np.empty(_PLACES * (_PLACES - 1) // 2, dtype=np.float64)
    band = np.empty(3, dtype=np.float64)
    for row in range(levels.shape[0]):
        for answer in range(times.shape[1]):
            column = first + answer
            level = levels[row, column]
            unknown = math.isnan(level) or math.isnan(past[row, 0])
            for place in range(3):
                times[row, answer, place] = math.nan if unknown else math.inf
            if not level < past[row, 0]:
                continue
            for window in range(2):
                start = column - (_PLACES - 1) * strides[window]
                loss = levels[row, start] - level if start >= 0 else math.nan
                if loss > max(least[row], _BEYOND_PAST * past[row, 1 + window]):
                    known = _slope_band(levels[row, start : column + 1 : strides[window]], loss, slopes, band)
                    if known >= _LEAST_PLACES:
                        _take_sooner(level, band, strides[window], times[row, answer])
            if column >= a_day and levels[row, column - a_day] - level > past[row, 3]:
                for place in range(3):
                    band[place] = past[row, 3 + place]
                _take_sooner(level, band, a_day, times[row, answer])


@compiled
def _take_sooner(level: float, band: Doubles, columns: int, times: FloatArray) -> None:
    """The times that a band of falls over so many columns gives, where it is narrow and ends sooner than known."""
    level = max(level, 0.0)
    if band[0] > _NARROW * band[1] > 0 and level / band[0] * columns < times[2]:
        for place in range(3):
            times[place] = level / band[2 - place] * columns


@compiled
def _slope_band(values: FloatArray, loss: float, slopes: Doubles, band: Doubles) -> int:
    """Lower edge, median and upper edge of the falls from value to value, and how many values are known.

    Where a single fall makes up most of the loss, that was a step, and there are no edges: none is known.
    """
    known, count, before = 0, 0, values[0]
    for later in range(values.size):
        if math.isnan(values[later]):
            continue
        if before - values[later] > _STEP_SHARE * loss:
            return 0
        before = values[later]
        known += 1
        for earlier in range(later):
            if not math.isnan(values[earlier]):
                _insert((values[earlier] - values[later]) / (later - earlier), slopes, count)
                count += 1
    reach = _BAND * math.sqrt(known * (known - 1) * (2 * known + 5) / 18)
    band[0] = slopes[max(int((count - reach) / 2), 0)]
    band[1] = (slopes[(count - 1) // 2] + slopes[count // 2]) / 2
    band[2] = slopes[min(int((count + reach) / 2) + 1, count - 1)]
    return known


@compiled
def _insert(slope: float, ordered: Doubles, count: int) -> None:
    """Put a slope in its place among the first ones."""
    place = count
    while place > 0 and ordered[place - 1] > slope:
        ordered[place] = ordered[place - 1]
        place -= 1
    ordered[place] = slope
