"""Running medians and running robust scales of many series, by sorting networks over many windows side by side.

A window's values are sorted by a fixed sequence of exchanges, the same for all windows, so that the exchanges of
hundreds of windows run in one vector loop without a branch. Exchanges that do not bear on the middle are left out.
Gaps stand in a window as plus and minus infinity in turn: as many lie below the median as above it, within one, so
that what is left keeps its median within half a rank.

Source: K. E. Batcher, AFIPS 1968 (sorting networks); D. E. Knuth, The Art of Computer Programming 3, algorithm 5.2.2M.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

from fleet.detectors.compiled import compiled
from fleet.detectors.contract import FloatArray

Ints = npt.NDArray[np.int64]
_LANES = 256
"""Windows that are sorted side by side; with up to 40 values each they stay in the nearest cache."""
_INFINITY = np.float32(np.inf)
_NAN = np.float32(np.nan)


def running_median(values: FloatArray, width: int, *, ahead: int = 0, spacing: int = 1) -> FloatArray:
    """The median of the ``width`` values (an odd number) that end ``ahead`` columns after each column.

    Args:
        values: float32 of shape (series, points), NaN for gaps.
        width: values in a window; columns before the first and after the last count as gaps.
        ahead: 0 for windows of the past; for centred ones half of their length, in columns.
        spacing: a window takes every so many columns.

    Returns:
        Medians of the same shape; NaN where less than half of a window is known.
    """
    medians = np.empty(values.shape, dtype=np.float32)
    _median_rows(np.ascontiguousarray(values), middle_exchanges(width), (width, spacing, ahead), medians, medians[:0])
    return medians


def running_scale(values: FloatArray, width: int, *, ahead: int = 0, spacing: int = 1) -> tuple[FloatArray, FloatArray]:
    """Running medians as ``running_median`` gives them, and each window's median distance from its median (MAD)."""
    medians, distances = np.empty(values.shape, dtype=np.float32), np.empty(values.shape, dtype=np.float32)
    _median_rows(np.ascontiguousarray(values), middle_exchanges(width), (width, spacing, ahead), medians, distances)
    return medians, distances


@cache
def middle_exchanges(width: int) -> Ints:
    """Exchanges (the smaller to the first place) after which the median of ``width`` values stands in the middle.

    Batcher's merge exchange, which takes any number of values, less the exchanges that do not reach the middle.
    """
    exchanges: list[tuple[int, int]] = []
    # One value, the window of a grid as coarse as it, stands in the middle already.
    top = (1 << (width - 1).bit_length()) >> 1
    stride = top
    while stride > 0:
        step, part, distance = top, 0, stride
        while distance > 0:
            exchanges += [(low, low + distance) for low in range(width - distance) if low & stride == part]
            distance, step, part = step - stride, step >> 1, stride
        stride >>= 1
    needed, kept = {width // 2}, []
    for pair in reversed(exchanges):
        if needed & set(pair):
            needed |= set(pair)
            kept.append(pair)
    return np.array(kept[::-1], dtype=np.int64).reshape(-1, 2)


@compiled
def _median_rows(
    values: FloatArray, exchanges: Ints, window: tuple[int, int, int], medians: FloatArray, distances: FloatArray
) -> None:
    """Running medians of all rows; median distances from them, too, where there is room for them."""
    width, spacing, ahead = window
    rows, points = values.shape
    lanes = np.empty((width, _LANES), dtype=np.float32)
    seen = np.empty(_LANES, dtype=np.float32)
    padded = np.empty(points + (width - 1) * spacing, dtype=np.float32)
    for row in range(rows):
        _pad(values[row], (width - 1) * spacing - ahead, padded)
        for first in range(0, points, _LANES):
            count = min(_LANES, points - first)
            seen[:] = 0
            for place in range(width):
                start = first + place * spacing
                _load(padded[start : start + count], lanes[place], seen)
            _exchange(lanes, exchanges, count)
            middle = medians[row, first : first + count]
            for lane in range(count):
                middle[lane] = lanes[width // 2, lane] if 2 * seen[lane] >= width else _NAN
            if distances.shape[0]:
                for place in range(width):
                    start = first + place * spacing
                    _distances(padded[start : start + count], middle, lanes[place])
                _exchange(lanes, exchanges, count)
                for lane in range(count):
                    distances[row, first + lane] = lanes[width // 2, lane] if 2 * seen[lane] >= width else _NAN


@compiled
def _pad(row: FloatArray, before: int, padded: FloatArray) -> None:
    """A row with infinities of alternating sign around it and in its gaps."""
    after = before + row.size
    gaps = 0
    # Value by value: the check of shapes in assigning them all at once takes two seconds to compile.
    for column in range(row.size):
        padded[before + column] = row[column]
        gaps += 0 if abs(row[column]) < _INFINITY else 1
    filler = _INFINITY
    for place in range(padded.size if gaps else before):
        if place < before or place >= after or not abs(padded[place]) < _INFINITY:
            padded[place] = filler
            filler = -filler
    for place in range(after, padded.size):
        padded[place] = filler
        filler = -filler


@compiled
def _load(values: FloatArray, place: FloatArray, seen: FloatArray) -> None:
    """One place of all windows, and how many of their values are known so far."""
    for lane in range(values.size):
        place[lane] = values[lane]
        seen[lane] += np.float32(1) if abs(values[lane]) < _INFINITY else np.float32(0)


@compiled
def _exchange(lanes: FloatArray, exchanges: Ints, count: int) -> None:
    for number in range(exchanges.shape[0]):
        smaller, larger = lanes[exchanges[number, 0]], lanes[exchanges[number, 1]]
        for lane in range(count):
            one, other = smaller[lane], larger[lane]
            smaller[lane] = one if one < other else other
            larger[lane] = other if one < other else one


@compiled
def _distances(places: FloatArray, middle: FloatArray, distances: FloatArray) -> None:
    """Distances from the middle; gaps stay where they are, below and above all others."""
    for lane in range(places.size):
        distance = abs(places[lane] - middle[lane])
        distances[lane] = distance if places[lane] > -_INFINITY else -_INFINITY
