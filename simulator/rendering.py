"""Matrices of values as the JSON of Prometheus' range answers, tens of nanoseconds a sample.

The loop over samples is compiled: it writes Go's plain decimal form ('f', shortest for the given decimals) and runs
without the interpreter's lock.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, lru_cache

import numba
import numpy as np
import numpy.typing as npt
from numba.extending import register_jitable

Bytes = npt.NDArray[np.uint8]
_MAX_DIGITS = 20
_TAIL = 4
"""Bytes after a value: ``"],`` and one to spare."""


@register_jitable
def _copy(source: Bytes, begin: int, end: int, out: Bytes, at: int) -> int:
    for position in range(begin, end):
        out[at] = source[position]
        at += 1
    return at


@register_jitable
def _write_number(value: float, decimals: int, digits: Bytes, out: Bytes, at: int) -> int:
    """Writes a number at ``at`` and says where it ends; ``digits`` is room to work in."""
    number = np.int64(np.rint(abs(value) * 10.0**decimals))
    if value < 0 and number:
        out[at] = 45
        at += 1
    left = decimals
    while left and number % 10 == 0:
        number //= 10
        left -= 1
    count = 0
    while number or count <= left:
        digits[count] = 48 + number % 10
        number //= 10
        count += 1
    for place in range(count - 1, -1, -1):
        out[at] = digits[place]
        at += 1
        if place == left and left:
            out[at] = 46
            at += 1
    return at


def _write_matrix(
    values: npt.NDArray[np.float32],
    decimals: int,
    stamps: Bytes,
    stamp_ends: npt.NDArray[np.int64],
    heads: Bytes,
    head_ends: npt.NDArray[np.int64],
    out: Bytes,
) -> int:
    digits = np.zeros(40, dtype=np.uint8)
    at = 0
    for row in range(values.shape[0]):
        row_start = at
        at = _copy(heads, head_ends[row - 1] if row else 0, head_ends[row], out, at)
        first_sample = at
        for column in range(values.shape[1]):
            value = np.float64(values[row, column])
            if value != value:
                continue
            at = _copy(stamps, stamp_ends[column - 1] if column else 0, stamp_ends[column], out, at)
            at = _write_number(value, decimals, digits, out, at)
            out[at] = 34
            out[at + 1] = 93
            out[at + 2] = 44
            at += 3
        if at == first_sample:
            at = row_start
            continue
        out[at - 1] = 93
        out[at] = 125
        out[at + 1] = 44
        at += 2
    return at


@cache
def _writer() -> Callable[..., int]:
    """The compiled loop; where no directory can be written its machine code is not kept for the next process."""
    try:
        return numba.njit(cache=True, nogil=True)(_write_matrix)
    except RuntimeError:
        return numba.njit(nogil=True)(_write_matrix)


def render_matrix(
    values: npt.NDArray[np.float32], decimals: int, stamps: tuple[Bytes, npt.NDArray[np.int64]], heads: list[bytes]
) -> bytes:
    """The series of a matrix, each followed by a comma: ``{"metric":{…},"values":[[1,"2"],…]},``.

    Args:
        values: series × times; NaN means no sample, and a series without samples is left out.
        decimals: digits after the point at most; trailing zeros are not written.
        stamps: what :func:`time_stamps` made of the times.
        heads: one a series: what :func:`series_head` made of its labels.
    """
    head_ends = np.cumsum([len(head) for head in heads], dtype=np.int64)
    stamp_bytes, stamp_ends = stamps
    width = int(stamp_ends[0]) + 8 + _MAX_DIGITS + _TAIL if len(stamp_ends) else 0
    out = np.empty(int(head_ends[-1]) + 3 * len(heads) + values.size * width, dtype=np.uint8)
    head_bytes = np.frombuffer(b"".join(heads), dtype=np.uint8)
    length = _writer()(values, decimals, stamp_bytes, stamp_ends, head_bytes, head_ends, out)
    return out[:length].tobytes()


@lru_cache(maxsize=64)
def time_stamps(start_ms: int, step_ms: int, points: int) -> tuple[Bytes, npt.NDArray[np.int64]]:
    """``[1795261666,"`` for each time, joined, and where each ends. Times are in milliseconds."""
    parts = [f'[{_seconds(start_ms + index * step_ms)},"'.encode() for index in range(points)]
    return np.frombuffer(b"".join(parts), dtype=np.uint8), np.cumsum([len(part) for part in parts], dtype=np.int64)


def _seconds(milliseconds: int) -> str:
    whole, rest = divmod(milliseconds, 1000)
    return f"{whole}.{rest:03d}".rstrip("0") if rest else str(whole)


def series_head(metric: str) -> bytes:
    """The opening of one series; ``metric`` is its labels' JSON."""
    return f'{{"metric":{metric},"values":['.encode()


def plain_number(value: float, decimals: int) -> str:
    """One value in the form that the compiled loop writes."""
    text = f"{value:.{decimals}f}"
    text = text.rstrip("0").rstrip(".") if decimals else text
    return "0" if text == "-0" else text


def warm_up() -> None:
    """Compiles the loop, or loads it, so that the first request does not wait for it."""
    render_matrix(np.zeros((1, 1), dtype=np.float32), 0, time_stamps(0, 1000, 1), [series_head("{}")])
