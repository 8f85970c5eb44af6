"""Log lines out of the bytes of an answer as Loki writes it, by vector operations over all lines at once.

``{"stream":{…},"values":[["1795265641000000003","line"],["1795265641000000002","line"],…]}`` is what an answer is made
of, and decoding it is where a CPU spends the time. While no string in an answer has an escape, every quotation
mark is one of JSON's own: four of them a line, at known distances. What differs anywhere (an escape, a space, a third
element with metadata, a time of other than 19 digits) is left to the decoder that knows all of JSON.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa

_BEFORE = b'"result":['
_STREAM = b'{"stream":'
_VALUES = b',"values":['
_END = b'"]]}'
_QUOTE = ord('"')
_DIGITS = 19
_HIGH_WEIGHTS = 10.0 ** np.arange(8, -1, -1)
_LOW_WEIGHTS = 10.0 ** np.arange(9, -1, -1)
_HIGHEST = 922_337_203
"""The first nine digits of what no longer fits into 64 bits."""
_BETWEEN_LINES = np.frombuffer(b"],[", dtype=np.uint8)
_Places = npt.NDArray[np.int64]


class _Rest(msgspec.Struct):
    status: str
    data: dict[str, Any]
    warnings: list[str] | None = None


_labels_decoder = msgspec.json.Decoder(dict[str, str])
_rest_decoder = msgspec.json.Decoder(_Rest)


@dataclass(frozen=True)
class CompactLines:
    """Lines in the order of the answer: their times, how many each stream has, and where their texts are.

    ``pieces`` is an Arrow array whose even places are the texts.
    """

    timestamps_ns: _Places
    streams: list[dict[str, str]]
    counts: _Places
    pieces: Any
    warnings: list[str]


def compact_lines(body: bytes | bytearray) -> CompactLines | None:
    """The lines of a whole answer that is in Loki's own form throughout; None where it is not.

    The bytes have to be UTF-8: nothing here looks at more than quotation marks and digits.
    """
    if b"\\" in body or b'"resultType":"streams"' not in body[:200]:
        return None
    found = _segments(body)
    if found is None:
        return None
    streams, segments, warnings = found
    view = memoryview(body)
    text = b",".join([view[first:last] for first, last in segments])
    sizes = np.array([last - first + 1 for first, last in segments], dtype=np.int64)
    quotes = np.flatnonzero(np.frombuffer(text, dtype=np.uint8) == _QUOTE)
    if len(quotes) % 4:
        return None
    places = quotes.reshape(-1, 4)
    times = _times(text, places)
    if times is None:
        return None
    bounds = np.searchsorted(places[:, 0], np.concatenate([[0], np.cumsum(sizes)]))
    return CompactLines(times, streams, np.diff(bounds), _pieces(text, places), warnings)


def _segments(body: bytes | bytearray) -> tuple[list[dict[str, str]], list[tuple[int, int]], list[str]] | None:
    """Each stream's labels, where its lines are in the body, and the warnings behind them all."""
    place = body.find(_BEFORE) + len(_BEFORE)
    if place < len(_BEFORE):
        return None
    streams: list[dict[str, str]] = []
    segments: list[tuple[int, int]] = []
    while body.startswith(_STREAM, place):
        values = body.find(_VALUES, place)
        end = body.find(_END, values)
        first = values + len(_VALUES)
        if values < 0 or end < 0 or not body.startswith(b'["', first):
            return None
        try:
            streams.append(_labels_decoder.decode(memoryview(body)[place + len(_STREAM) : values]))
        except msgspec.MsgspecError:
            return None
        segments.append((first, end + 2))
        place = end + len(_END)
        if not body.startswith(b",", place):
            break
        place += 1
    try:
        rest = _rest_decoder.decode(b'{"status":"success","data":{"result":[' + body[place:])
    except msgspec.MsgspecError:
        return None
    whole = segments and body.startswith(b'{"status":"success"')
    return (streams, segments, rest.warnings or []) if whole else None


def _times(text: bytes, places: _Places) -> _Places | None:
    """The times of lines whose four quotation marks stand as they should; None when some do not."""
    codes = np.frombuffer(text, dtype=np.uint8)
    apart = np.diff(places, axis=1)
    between = places[1:, 0] - places[:-1, 3]
    if not ((apart[:, 0] == _DIGITS + 1).all() and (apart[:, 1] == 2).all() and (between == 4).all()):
        return None
    if not (codes[places[:, 1] + 1] == ord(",")).all():
        return None
    closings = np.lib.stride_tricks.sliding_window_view(codes, 3)[places[:-1, 3] + 1]
    digits = np.lib.stride_tricks.sliding_window_view(codes, _DIGITS)[places[:, 0] + 1] - np.uint8(ord("0"))
    if not ((closings == _BETWEEN_LINES).all() and (digits <= 9).all()):
        return None
    # In two halves, each of which a float64 holds exactly: multiplying floats is several times faster.
    high = digits[:, :9].astype(np.float64) @ _HIGH_WEIGHTS
    if (high >= _HIGHEST).any():
        return None
    low = digits[:, 9:].astype(np.float64) @ _LOW_WEIGHTS
    times: _Places = high.astype(np.int64) * 10**10 + low.astype(np.int64)
    return times


def _pieces(text: bytes, places: _Places) -> Any:
    """The text cut before and behind each line, as an Arrow array over the same bytes."""
    offsets = np.empty(2 * len(places) + 1, dtype=np.int64)
    offsets[0:-1:2] = places[:, 2] + 1
    offsets[1::2] = places[:, 3]
    offsets[-1] = places[-1, 3]
    return pa.LargeStringArray.from_buffers(len(offsets) - 1, pa.py_buffer(offsets), pa.py_buffer(text))
