"""Frames reduced to blocks of time, and robust statistics along an axis that knows gaps.

A block's value is the median of its samples: at least half of a block has to be beyond a bound for its median to be.
By Markov's inequality the chance of that is at most twice the chance that one sample is, whatever the dependence
between samples.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fleet.detectors.contract import FloatArray
from fleet.frames.frame import Frame

ROWS_AT_ONCE = 256
"""Rows that are worked on together: bounds memory, and keeps a piece of work near the processor's cache."""
_MIN_SHARE = 0.5
"""A block with fewer of its samples than this says nothing."""


def finite(values: FloatArray) -> FloatArray:
    """Values with infinities as gaps: detectors judge numbers."""
    return np.where(np.isfinite(values), values, np.float32(np.nan))


def median_last(values: FloatArray) -> FloatArray:
    """Median along the last axis without the gaps; NaN where there is nothing but gaps. Much faster than nanmedian."""
    if values.shape[-1] == 0:
        return np.full(values.shape[:-1], np.nan, dtype=np.float32)
    return sorted_quantile(np.sort(values, axis=-1), 0.5)


def median_without_each(values: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Medians along the last axis, and for each value the median of the others; a gap has the median of all.

    NaN where there is no value, or no other.
    """
    ordered = np.sort(values, axis=-1)
    count = _known_of_sorted(ordered)[..., None]
    half, odd = count // 2, count % 2 == 1
    places = [np.clip(half + offset, 0, ordered.shape[-1] - 1) for offset in (-1, 0, 1)]
    low, middle, high = (np.take_along_axis(ordered, place, axis=-1) for place in places)
    median = np.where(odd, middle, (low + middle) / 2)
    without_low = np.where(odd, (middle + high) / 2, middle)
    without_high = np.where(odd, (low + middle) / 2, low)
    without = np.where(values < median, without_low, np.where(values > median, without_high, (low + high) / 2))
    without = np.where(odd | (values != median), without, median)
    without = np.where(np.isnan(values), median, np.where(count > 1, without, np.float32(np.nan)))
    return np.asarray(median[..., 0], dtype=np.float32), np.asarray(without, dtype=np.float32)


def sorted_quantile(ordered: FloatArray, share: float) -> FloatArray:
    """A quantile (linear between order statistics) along the last axis of values sorted with their gaps last."""
    count = _known_of_sorted(ordered)
    position = share * np.maximum(count - 1, 0)
    below = np.floor(position).astype(np.intp)
    above = np.minimum(below + 1, np.maximum(count - 1, 0))
    low = np.take_along_axis(ordered, below[..., None], axis=-1)[..., 0]
    high = np.take_along_axis(ordered, above[..., None], axis=-1)[..., 0]
    weight = (position - below).astype(np.float32)
    return np.asarray(low + (high - low) * weight, dtype=np.float32)


def _known_of_sorted(ordered: FloatArray) -> npt.NDArray[np.intp]:
    """How many values there are along the last axis, where gaps stand last: most often no value is one."""
    count = np.full(ordered.shape[:-1], ordered.shape[-1], dtype=np.intp)
    gappy = np.isnan(ordered[..., -1])
    count[gappy] -= np.count_nonzero(np.isnan(ordered[gappy]), axis=-1)
    return count


def to_blocks(frame: Frame, block_seconds: int) -> Frame:
    """The frame as medians over blocks of about ``block_seconds``, counted from its start.

    A step that is longer than half a block leaves the frame as it is. The last block may hold fewer columns.
    """
    width = max(1, round(block_seconds / frame.step_seconds))
    if width == 1:
        return Frame(frame.start, frame.step_seconds, frame.keys, finite(frame.values))
    blocks = -(-frame.points // width)
    values = np.full((len(frame.keys), blocks), np.nan, dtype=np.float32)
    for first in range(0, len(frame.keys), ROWS_AT_ONCE):
        part = finite(frame.values[first : first + ROWS_AT_ONCE])
        values[first : first + ROWS_AT_ONCE] = _block_medians(part, width, blocks)
    return Frame(frame.start, frame.step_seconds * width, frame.keys, values)


def _block_medians(part: FloatArray, width: int, blocks: int) -> FloatArray:
    missing = blocks * width - part.shape[1]
    padded = np.pad(part, ((0, 0), (0, missing)), constant_values=np.nan) if missing else part
    folded = padded.reshape(part.shape[0], blocks, width)
    medians = median_last(folded)
    sizes = np.full(blocks, width)
    sizes[-1] -= missing
    seen = width - np.isnan(folded).sum(axis=2)
    return np.where(seen >= np.maximum(1, _MIN_SHARE * sizes), medians, np.float32(np.nan))


def day_folds(values: FloatArray, slots: int) -> FloatArray:
    """Values of shape (rows, points) as (rows, days, slots): days counted back from the end, NaN before the start."""
    rows, points = values.shape
    days = max(1, -(-points // slots))
    folded = np.full((rows, days * slots), np.nan, dtype=np.float32)
    folded[:, days * slots - points :] = values
    return folded.reshape(rows, days, slots)
