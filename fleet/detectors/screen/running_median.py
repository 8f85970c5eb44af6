"""Running medians and running robust scales of many series, many windows at a time.

Every window takes the same steps (``selection``), so that each of them runs over hundreds of windows in one vector loop
without a branch. Gaps stand in a window as plus and minus infinity in turn: as many lie below the median as above it,
within one, so that what is left keeps its median within half a rank.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fleet.detectors.compiled import compiled
from fleet.detectors.contract import FloatArray
from fleet.detectors.screen.selection import BOTH, LARGER, SMALLER, Plan, Table, plan_of_median, plan_of_scale

_LANES = 512
"""Windows that are worked on together: what is found of them stays in the nearest cache."""
_LAID_OUT = 4096
"""Values, of as many whole rows as hold them, that are laid out one after another."""
Counts = npt.NDArray[np.uint8]
_INFINITY = np.float32(np.inf)
_NAN = np.float32(np.nan)


def running_median(values: FloatArray, width: int, *, ahead: int = 0, spacing: int = 1) -> FloatArray:
    """The median of the ``width`` values (an odd number) that end ``ahead`` columns after each column.

    Args:
        values: float32 of shape (series, points), NaN for gaps.
        width: values in a window, at most 255; columns before the first and after the last count as gaps.
        ahead: 0 for windows of the past; for centred ones half of their length, in columns.
        spacing: a window takes every so many columns.

    Returns:
        Medians of the same shape; NaN where less than half of a window is known.
    """
    found = _found(values, plan_of_median(width), (width, spacing, ahead))
    return found.reshape(values.shape)


def running_scale(values: FloatArray, width: int, *, ahead: int = 0, spacing: int = 1) -> tuple[FloatArray, FloatArray]:
    """Running medians as ``running_median`` gives them, and each window's median distance from its median (MAD)."""
    medians, distances = _found(values, plan_of_scale(width), (width, spacing, ahead))
    return medians, distances


def _found(values: FloatArray, plan: Plan, window: tuple[int, int, int]) -> FloatArray:
    found = np.empty((len(plan.results), *values.shape), dtype=np.float32)
    buffers = np.zeros((plan.buffers, _LANES + (window[0] - 1) * window[1]), dtype=np.float32)
    _find(np.ascontiguousarray(values), plan.steps, plan.results, window, buffers, found)
    return found


@compiled
def _find(
    values: FloatArray,
    steps: Table,
    results: Table,
    window: tuple[int, int, int],
    buffers: FloatArray,
    found: FloatArray,
) -> None:
    """What a plan finds of all rows: (results, series, points)."""
    width, spacing, ahead = window
    rows, points = values.shape
    around = (width - 1) * spacing
    length = points + around
    at_once = max(1, min(rows, _LAID_OUT // length))
    laid_out, known = np.empty(at_once * length, dtype=np.float32), np.empty(at_once * length, dtype=np.uint8)
    in_line = np.empty((found.shape[0], at_once * length), dtype=np.float32)
    seen = np.empty(at_once * length, dtype=np.uint8)
    for start in range(0, rows, at_once):
        count = min(at_once, rows - start)
        for place in range(count):
            here = slice(place * length, (place + 1) * length)
            _lay_out(values[start + place], around - ahead, laid_out[here], known[here])
        for first in range(0, count * length, _LANES):
            last = min(first + _LANES, count * length)
            _take_steps(laid_out[first : count * length], steps, spacing, buffers)
            for result in range(results.size):
                _copy(buffers[results[result]], in_line[result, first:last])
        _count(known[: count * length], width, spacing, seen[: count * length - around])
        for place in range(count):
            here = slice(place * length, place * length + points)
            for result in range(results.size):
                _keep(in_line[result, here], seen[here], width, found[result, start + place])


@compiled
def _take_steps(values: FloatArray, steps: Table, spacing: int, buffers: FloatArray) -> None:
    """All steps for the windows that begin at the first values; beyond the last value there may be anything."""
    _copy(values, buffers[0, : min(values.size, buffers.shape[1])])
    for step in range(steps.shape[0]):
        kind, count = steps[step, 0], _LANES + steps[step, 6] * spacing
        one = buffers[steps[step, 1], steps[step, 2] * spacing :]
        other = buffers[steps[step, 3], steps[step, 4] * spacing :]
        into, larger = buffers[steps[step, 5]], buffers[steps[step, 7]]
        if kind == SMALLER:
            for lane in range(count):
                into[lane] = one[lane] if one[lane] < other[lane] else other[lane]
        elif kind == BOTH:
            for lane in range(count):
                first, second = one[lane], other[lane]
                into[lane] = first if first < second else second
                larger[lane] = second if first < second else first
        elif kind == LARGER:
            for lane in range(count):
                into[lane] = one[lane] if one[lane] > other[lane] else other[lane]
        else:
            # Gaps stay where they are, below and above all others.
            for lane in range(count):
                distance = abs(one[lane] - other[lane])
                into[lane] = distance if one[lane] > -_INFINITY else -_INFINITY


@compiled
def _lay_out(row: FloatArray, before: int, padded: FloatArray, known: Counts) -> None:
    """A row with infinities of alternating sign around it and in its gaps, and what of it is known."""
    after = before + row.size
    known[:] = 0
    _copy(row, padded[before:after])
    here, gaps = known[before:after], 0
    for column in range(row.size):
        here[column] = abs(row[column]) < _INFINITY
    for column in range(row.size):
        gaps += 1 - here[column]
    filler = _INFINITY
    for place in range(before):
        padded[place] = filler
        filler = -filler
    first, last = (before, after) if gaps else (after, after)
    while first < last and known[first]:
        first += 1
    while last > first and known[last - 1]:
        last -= 1
    for place in range(first, last):
        value = padded[place]
        padded[place] = value if known[place] else filler
        filler = filler if known[place] else -filler
    for place in range(after, padded.size):
        padded[place] = filler
        filler = -filler


@compiled
def _count(known: Counts, width: int, spacing: int, seen: Counts) -> None:
    """How many values of each window are known."""
    seen[:] = 0
    for place in range(width):
        here = known[place * spacing :]
        for column in range(seen.size):
            seen[column] += here[column]


@compiled
def _keep(values: FloatArray, seen: Counts, width: int, kept: FloatArray) -> None:
    for place in range(kept.size):
        kept[place] = values[place] if 2 * seen[place] >= width else _NAN


@compiled
def _copy(values: FloatArray, into: FloatArray) -> None:
    # Value by value: the check of shapes in assigning them all at once takes two seconds to compile.
    for place in range(into.size):
        into[place] = values[place]
