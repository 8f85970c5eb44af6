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
_BAND = 2.576
"""Of Kendall's statistic, in standard deviations: 99% if errors were independent, which they are not quite."""
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
            times[row, answer] = np.inf if not math.isnan(level + past[row, 0]) else np.nan
            if not level < past[row, 0]:
                continue
            for window in range(2):
                start = column - (_PLACES - 1) * strides[window]
                loss = levels[row, start] - level if start >= 0 else np.float32(0)
                if loss > max(least[row], _BEYOND_PAST * past[row, 1 + window]):
                    _slope_band(levels[row, start : column + 1 : strides[window]], slopes, band)
                    _take_sooner(level, band / strides[window], times[row, answer])
            if column >= a_day and levels[row, column - a_day] - level > past[row, 3]:
                band[:] = past[row, 3:]
                _take_sooner(level, band / a_day, times[row, answer])


@compiled
def _take_sooner(level: float, band: Doubles, times: FloatArray) -> None:
    """The times that a band of slopes gives, where its lower edge is a fall that ends sooner than known so far."""
    level = max(level, 0.0)
    if band[0] > 0 and level / band[0] < times[2]:
        for place in range(3):
            times[place] = level / band[2 - place]


@compiled
def _slope_band(values: FloatArray, slopes: Doubles, band: Doubles) -> None:
    """Lower edge, median and upper edge of the falls from value to value; zeros where too few values are known."""
    known, count = 0, 0
    for later in range(values.size):
        if math.isnan(values[later]):
            continue
        known += 1
        for earlier in range(later):
            if not math.isnan(values[earlier]):
                slopes[count] = (values[earlier] - values[later]) / (later - earlier)
                count += 1
    band[:] = 0
    if known < _LEAST_PLACES:
        return
    ordered = np.sort(slopes[:count])
    reach = _BAND * math.sqrt(known * (known - 1) * (2 * known + 5) / 18)
    band[0] = ordered[max(int((count - reach) / 2), 0)]
    band[1] = (ordered[(count - 1) // 2] + ordered[count // 2]) / 2
    band[2] = ordered[min(int((count + reach) / 2) + 1, count - 1)]
