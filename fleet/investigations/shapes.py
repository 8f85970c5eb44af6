"""Shapes of single series that hypotheses look for: a sustained ramp, a stretch without samples."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

_FALL = 0.4
"""A drop by this share of the range within one block is a restart or a clean-up: a ramp ends there."""
_MIN_BLOCKS = 12
"""Shorter than an hour, noise can climb as well."""
_CLIMBING = 0.7
"""Share of the ramp's eighths that must be higher than the one before."""
_ABOVE_NOISE = 6.0
"""The least rise, in standard deviations of the noise: the range of a day of pure noise is about that."""


@dataclass(frozen=True)
class Ramp:
    """A sustained rise of one series.

    Attributes:
        first, last: blocks, both inclusive.
        low, high: the fitted level at the start, the observed level at the end.
        fit: share of the variance that a straight line explains (0..1).
        ended: whether the series fell sharply after ``last``.
    """

    first: int
    last: int
    low: float
    high: float
    fit: float
    ended: bool


def block_medians(values: npt.NDArray[np.float32], points: int) -> FloatArray:
    """Medians over blocks of ``points`` columns; NaN where a block has no sample."""
    count = -(-values.size // points)
    padded = np.full(count * points, np.nan)
    padded[: values.size] = values
    blocks = padded.reshape(count, points)
    result = np.full(count, np.nan)
    seen = np.isfinite(blocks).any(axis=1)
    result[seen] = np.nanmedian(np.where(np.isfinite(blocks), blocks, np.nan)[seen], axis=1)
    return result


def find_ramps(levels: FloatArray) -> list[Ramp]:
    """The series' sustained rises in order of time: at most one before each sharp fall, and one before the end.

    A rise ends at the highest level before the fall. Its start is the break of a flat stretch followed by a straight
    line that leaves the least squared error (segmented regression with one break).

    Args:
        levels: block medians in order of time; NaN for blocks without a sample.
    """
    blocks = np.flatnonzero(np.isfinite(levels))
    known = levels[blocks]
    if known.size < 2 * _MIN_BLOCKS or np.ptp(known) == 0:
        return []
    falls = np.flatnonzero(np.diff(known) < -_FALL * np.ptp(known))
    edges = [0, *(falls + 1).tolist(), known.size]
    return [
        ramp
        for begin, end in pairwise(edges)
        if (ramp := _rise(blocks, known, begin, end, ended=end < known.size)) is not None
    ]


def gap_stretches(missing: npt.NDArray[np.bool_], min_points: int) -> list[tuple[int, int]]:
    """Stretches of at least ``min_points`` columns without a sample that follow a sample; both ends inclusive."""
    edges = np.diff(np.concatenate(([0], missing.astype(np.int8), [0])))
    starts, ends = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1) - 1
    return [
        (int(start), int(end))
        for start, end in zip(starts, ends, strict=True)
        if start > 0 and end - start + 1 >= min_points
    ]


def _rise(blocks: npt.NDArray[np.intp], known: FloatArray, begin: int, end: int, *, ended: bool) -> Ramp | None:
    if end - begin < _MIN_BLOCKS:
        return None
    peak = begin + int(np.argmax(known[begin:end]))
    values, times = known[begin : peak + 1], blocks[begin : peak + 1].astype(np.float64)
    if values.size < _MIN_BLOCKS:
        return None
    start = _break_point(times, values)
    times, values = times[start:], values[start:]
    slope, middle = np.polyfit(times - times.mean(), values, 1)
    low = float(middle + slope * (times[0] - times.mean()))
    spread = float(np.var(values))
    residual = float(np.var(values - middle - slope * (times - times.mean())))
    if slope <= 0 or spread == 0 or not _climbs(values) or values[-1] - low < _ABOVE_NOISE * _noise(known):
        return None
    return Ramp(
        first=int(blocks[begin + start]),
        last=int(blocks[peak]),
        low=low,
        high=float(values[-1]),
        fit=max(0.0, 1 - residual / spread),
        ended=ended or bool(known[peak:end].min() < values[-1] - _FALL * (values[-1] - low)),
    )


def _break_point(times: FloatArray, values: FloatArray) -> int:
    """The index at which a line begins to fit better than a flat level, by least squares over all breaks."""
    y, t = values - values.mean(), times - times.mean()
    n = np.arange(1, y.size + 1, dtype=np.float64)
    flat = np.cumsum(y**2) - np.cumsum(y) ** 2 / n
    tail_y, tail_t = y[::-1], t[::-1]
    sum_y, sum_t = np.cumsum(tail_y), np.cumsum(tail_t)
    var_y = np.cumsum(tail_y**2) - sum_y**2 / n
    var_t = np.cumsum(tail_t**2) - sum_t**2 / n
    both = np.cumsum(tail_y * tail_t) - sum_y * sum_t / n
    with np.errstate(divide="ignore", invalid="ignore"):
        line = (var_y - np.where(var_t > 0, both**2 / var_t, 0.0))[::-1]
    latest = y.size - _MIN_BLOCKS
    errors = np.concatenate(([0.0], flat[:-1]))[: latest + 1] + line[: latest + 1]
    return int(np.argmin(errors))


def _noise(known: FloatArray) -> float:
    """Standard deviation from one block to the next, by the median of differences: a ramp leaves it as it is."""
    return float(np.median(np.abs(np.diff(known)))) * 1.4826 / 2**0.5


def _climbs(values: FloatArray) -> bool:
    parts = [float(np.median(part)) for part in np.array_split(values, 8) if part.size]
    return float(np.mean(np.diff(parts) > 0)) >= _CLIMBING
