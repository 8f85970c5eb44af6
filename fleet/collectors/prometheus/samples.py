"""Sample arrays of a Prometheus matrix, from their JSON bytes straight onto a grid of float32.

``[[1795176030,"13.51"],[1795176060,"22.25"],…]`` is what every series of every answer is made of, so this is where
a collector's CPU time goes. Servers write it compactly and with whole seconds; that form is taken apart by
vector operations over the bytes of many series at once: quotation marks part values from what lies between, Arrow
turns the values into numbers, and what lies between must have, byte for byte, the form ``],[dddddddddd,``.
Whatever differs anywhere goes to a decoder that knows all of JSON, for the same result or a precise fault. Nothing
is dropped: a sample off the grid, out of order or not a number is an error.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa

Buffer = bytes | bytearray | memoryview | msgspec.Raw
FloatArray = npt.NDArray[np.float32]

_BLOCK_BYTES = 1 << 20
"""Of JSON taken at a time: small enough for the processor's caches, large enough for the vectors."""
_QUOTE = ord('"')
_SEPARATOR = np.frombuffer(b'"],[0000000000,"', dtype=np.uint8)
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
_decoder = msgspec.json.Decoder(_Samples)


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
    if _place_compact(views, grid, rows):
        return
    for view, row in zip(views, rows, strict=True):
        times, values = _decode(view)
        _put(row.reshape(1, -1), np.zeros(len(times), dtype=np.int64), times, values, grid)


def _place_compact(views: list[memoryview], grid: Grid, rows: FloatArray) -> bool:
    """Place a block that has the compact form in all its bytes; False, with nothing placed, for any other."""
    if not all(bytes(view[:2]) == b"[[" and bytes(view[-3:]) == b'"]]' for view in views):
        return False
    # All series become one list, whose first sample has the closing of a sample before it like all others.
    text = b'"],' + b",".join([view[1:-1] for view in views])
    quotes = np.flatnonzero(np.frombuffer(text, dtype=np.uint8) == _QUOTE)[1:]
    if len(quotes) % 2:
        return False
    pieces = _pieces_between(text, quotes)
    times = _whole_seconds(pieces)
    if times is None:
        return False
    try:
        values = pieces.take(pa.array(np.arange(1, len(pieces), 2, dtype=np.int32))).cast(pa.float64())
    except pa.ArrowInvalid:
        return False
    lengths = np.array([len(view) - 1 for view in views])
    starts = 3 + np.concatenate([[0], np.cumsum(lengths)])
    counts = np.diff(np.searchsorted(quotes[0::2], starts))
    _put(rows, np.repeat(np.arange(len(views)), counts), times, values.to_numpy(), grid)
    return True


def _pieces_between(text: bytes, quotes: npt.NDArray[np.int64]) -> Any:
    """The text cut at its quotation marks, as an Arrow string array over the same bytes.

    Separators stand at even places, with the quotation marks on their two sides, and values at odd ones.
    """
    offsets = np.empty(len(quotes) + 2, dtype=np.int32)
    offsets[0], offsets[1:-1], offsets[-1] = 0, quotes, len(text)
    offsets[1:-1:2] += 1
    return pa.StringArray.from_buffers(len(offsets) - 1, pa.py_buffer(offsets), pa.py_buffer(text))


def _whole_seconds(pieces: Any) -> npt.NDArray[np.float64] | None:
    """Unix seconds from all separators but the last, which closes the text; None where one has another form."""
    separators = pieces.take(pa.array(np.arange(0, len(pieces) - 1, 2, dtype=np.int32)))
    _, offsets, data = separators.buffers()
    widths = np.diff(np.frombuffer(offsets, dtype=np.int32)[: len(separators) + 1])
    if not (widths == len(_SEPARATOR)).all():
        return None
    characters = np.frombuffer(data, dtype=np.uint8)[: len(separators) * len(_SEPARATOR)]
    # Unsigned: a character below its place's lowest wraps to a large number.
    above = characters.reshape(-1, len(_SEPARATOR)) - _SEPARATOR
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


def _put(
    rows: FloatArray,
    row: npt.NDArray[np.int64],
    times: npt.NDArray[np.float64],
    values: npt.NDArray[np.float64],
    grid: Grid,
) -> None:
    """Write samples to their row and column, after all of them were found to have one."""
    offsets = times - grid.start
    columns = np.rint(offsets / grid.step)
    if len(columns) and not np.abs(offsets - columns * grid.step).max() <= _TOLERANCE_SECONDS:
        raise MalformedSamples("samples lie beside the times that were asked for")
    if len(columns) and (columns.min() < 0 or columns.max() >= grid.points):
        raise MalformedSamples("samples lie outside the time that was asked for")
    columns = columns.astype(np.int64)
    places = row * grid.points + columns
    if len(places) > 1 and np.diff(places).min() <= 0:
        raise MalformedSamples("a series has two samples of one time, or samples out of order")
    with np.errstate(over="ignore"):
        rows.reshape(-1)[places] = values
