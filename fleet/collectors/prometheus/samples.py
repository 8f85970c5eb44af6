"""Sample arrays of a Prometheus matrix, from their JSON bytes straight onto a grid of float32.

``[[1795176030,"13.51"],[1795176060,"22.25"],…]`` is what every series of every answer is made of, so this is where
a collector's CPU time goes. Servers write it compactly and with whole seconds; that form is taken apart by
vector operations over the bytes of many series at once: quotation marks part values from what lies between, Arrow
turns the values into numbers, and what lies between must have, byte for byte, the form ``"],[dddddddddd,"``.
Whatever differs anywhere goes to a decoder that knows all of JSON, for the same result or a precise fault. Nothing
is dropped: a sample off the grid, out of order or not a number is an error.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from fleet.collectors.transport.decoding import decoder_of

Buffer = bytes | bytearray | memoryview | msgspec.Raw
FloatArray = npt.NDArray[np.float32]

_BLOCK_BYTES = 1 << 20
"""Of JSON taken at a time: small enough for the processor's caches, large enough for the vectors."""
_QUOTE = ord('"')
_SEPARATOR = np.frombuffer(b'"],[0000000000,"', dtype=np.uint8)
_WIDTH = len(_SEPARATOR)
_HIGHEST = np.frombuffer(b"\0\0\0\0\x09\x09\x09\x09\x09\x09\x09\x09\x09\x09\0\0", dtype=np.uint8)
_DIGITS = slice(4, 14)
_WEIGHTS = (10.0 ** np.arange(9, -1, -1)).astype(np.float64)
_TOLERANCE_SECONDS = 0.0015
"""Servers round timestamps to milliseconds."""


class MalformedSamples(ValueError):
    """A sample array is not what the API promises; the message says how."""


@dataclass(frozen=True)
class Grid:
    """Where samples belong: ``points`` columns from ``start`` (Unix seconds), ``step`` seconds apart."""

    start: float
    step: float
    points: int


_Samples = list[tuple[float, str]]
_decoder = decoder_of(_Samples)


def place_samples(arrays: Sequence[Buffer], grid: Grid) -> FloatArray:
    """Sample arrays on a grid: one row each, NaN where there is no sample.

    Args:
        arrays: JSON of ``[[time, "value"], …]``, times in Unix seconds ascending.
        grid: the columns.

    Raises:
        MalformedSamples: an array is no such JSON, or has samples off the grid, twice or out of order.
    """
    rows = np.full((len(arrays), grid.points), np.nan, dtype=np.float32)
    first, size = 0, 0
    for number, array in enumerate(arrays):
        size += len(memoryview(array))
        if size >= _BLOCK_BYTES or number == len(arrays) - 1:
            _place_block(arrays[first : number + 1], grid, rows[first : number + 1])
            first, size = number + 1, 0
    return rows


def _place_block(arrays: Sequence[Buffer], grid: Grid, rows: FloatArray) -> None:
    views = [memoryview(array) for array in arrays]
    # Values beyond float32's range become infinite, as they are to it.
    with np.errstate(over="ignore"):
        if _place_compact(views, grid, rows):
            return
        for view, row in zip(views, rows, strict=True):
            _put(row, *_decode(view), grid)


def _place_compact(views: list[memoryview], grid: Grid, rows: FloatArray) -> bool:
    """Place a block that has the compact form in all its bytes; False when some of it has another form."""
    if not all(bytes(view[:2]) == b"[[" and bytes(view[-3:]) == b'"]]' for view in views):
        return False
    # All series become one list, whose first sample has the closing of a sample before it like all others.
    text = b'"],' + b",".join([view[1:-1] for view in views])
    quotes = np.flatnonzero(np.frombuffer(text, dtype=np.uint8) == _QUOTE)[1:]
    if len(quotes) % 2:
        return False
    pieces = _pieces_between(text, quotes)
    separators = _separators(pieces)
    values = _numbers(pieces.take(pa.array(np.arange(1, len(pieces), 2, dtype=np.int32))))
    if separators is None or values is None:
        return False
    starts = 3 + np.cumsum([0] + [len(view) - 1 for view in views])
    bounds = np.searchsorted(quotes[0::2], starts)
    for row, first, last in zip(rows, bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
        between = separators[first * _WIDTH : last * _WIDTH]
        column = _run_at(between, grid)
        if column is not None:
            row[column : column + last - first] = values[first:last]
            continue
        times = _whole_seconds(between)
        if times is None:
            return False
        _put(row, times, values[first:last], grid)
    return True


def _pieces_between(text: bytes, quotes: npt.NDArray[np.int64]) -> Any:
    """The text cut at its quotation marks, as an Arrow string array over the same bytes.

    Separators stand at even places, with the quotation marks on their two sides, and values at odd ones.
    """
    offsets = np.empty(len(quotes) + 2, dtype=np.int32)
    offsets[0], offsets[1:-1], offsets[-1] = 0, quotes, len(text)
    offsets[1:-1:2] += 1
    return pa.StringArray.from_buffers(len(offsets) - 1, pa.py_buffer(offsets), pa.py_buffer(text))


def _separators(pieces: Any) -> bytes | None:
    """All separators but the last, which closes the text, one after the other; None unless all have one width."""
    separators = pieces.take(pa.array(np.arange(0, len(pieces) - 1, 2, dtype=np.int32)))
    _, offsets, data = separators.buffers()
    places = np.frombuffer(offsets, dtype=np.int32)[: len(separators) + 1]
    if not (np.diff(places) == _WIDTH).all():
        return None
    joined: bytes = data.slice(0, len(separators) * _WIDTH).to_pybytes()
    return joined


def _numbers(texts: Any) -> npt.NDArray[np.float64] | None:
    try:
        numbers: npt.NDArray[np.float64] = texts.cast(pa.float64()).to_numpy()
    except pa.ArrowInvalid:
        return None
    return numbers


@lru_cache(maxsize=8)
def _all_separators(grid: Grid) -> bytes:
    """What stands between the values of a series that has a sample in every column; empty for a grid of fractions."""
    if grid.start != int(grid.start) or grid.step != int(grid.step):
        return b""
    return b"".join(b'"],[%d,"' % (int(grid.start) + column * int(grid.step)) for column in range(grid.points))


def _run_at(between: bytes, grid: Grid) -> int | None:
    """The first column of samples that run to the grid's end, or from its start, without a gap; else None.

    Nearly all series do, and comparing bytes costs nothing beside reading digits.
    """
    whole = _all_separators(grid)
    if not between or len(whole) != grid.points * _WIDTH:
        return None
    if whole.endswith(between):
        return (len(whole) - len(between)) // _WIDTH
    return 0 if whole.startswith(between) else None


def _whole_seconds(between: bytes) -> npt.NDArray[np.float64] | None:
    """Unix seconds from separators; None where one has another form."""
    # Unsigned: a character below its place's lowest wraps to a large number.
    above = np.frombuffer(between, dtype=np.uint8).reshape(-1, _WIDTH) - _SEPARATOR
    if not (above <= _HIGHEST).all():
        return None
    seconds: npt.NDArray[np.float64] = above[:, _DIGITS].astype(np.float64) @ _WEIGHTS
    return seconds


def _decode(view: memoryview) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Times and values of one array in any form that JSON allows."""
    try:
        samples = _decoder.decode(view)
    except msgspec.MsgspecError as error:
        raise MalformedSamples(f'a series\' samples are no [[time, "value"], …]: {error}') from None
    times = np.array([time for time, _ in samples], dtype=np.float64)
    try:
        values = pa.array([value for _, value in samples], type=pa.string()).cast(pa.float64()).to_numpy()
    except pa.ArrowInvalid as error:
        raise MalformedSamples(f"a sample's value is no number: {str(error)[:100]}") from None
    return times, values


def _put(row: FloatArray, times: npt.NDArray[np.float64], values: npt.NDArray[np.float64], grid: Grid) -> None:
    """Write a series' samples to their columns, after all of them were found to have one."""
    if not len(times):
        return
    offsets = times - grid.start
    columns = np.rint(offsets / grid.step)
    if not np.abs(offsets - columns * grid.step).max() <= _TOLERANCE_SECONDS:
        raise MalformedSamples("samples lie beside the times that were asked for")
    if columns.min() < 0 or columns.max() >= grid.points:
        raise MalformedSamples("samples lie outside the time that was asked for")
    if len(columns) > 1 and np.diff(columns).min() <= 0:
        raise MalformedSamples("a series has two samples of one time, or samples out of order")
    row[columns.astype(np.int64)] = values
