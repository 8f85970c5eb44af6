"""Log lines out of the bytes of an answer as Loki writes it, by vector operations over all lines at once.

``{"stream":{…},"values":[["1795265641000000003","line"],["1795265641000000002","line"],…]}`` is what an answer is
made of, and decoding it is where a log collector's CPU time goes. Every line ends with ``"]``, with a quotation mark
that is not escaped, and begins 24 bytes behind the bracket of its pair; escapes are cut out of the text. That there
are exactly as many quotation marks and commas as this form has shows that nothing else is between. What differs
anywhere (a space, a third element with metadata, a time of other than 19 digits, an escape beyond ASCII), and lines
with so many escapes that it would not pay, are left to the decoder that knows all of JSON.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from fleet.collectors.loki.escapes import cuts_of
from fleet.collectors.transport.decoding import decoder_of

_BEFORE = b'"resultType":"streams","result":['
_STREAM = b'{"stream":'
_VALUES = b',"values":['
_MOST_LABEL_BYTES = 1 << 16
_QUOTE, _CLOSE, _COMMA = ord('"'), ord("]"), ord(",")
_HEAD = np.frombuffer(b'["0000000000000000000","', dtype=np.uint8)
_HIGHEST_DIGIT = np.where(ord("0") == _HEAD, 9, 0).astype(np.uint8)
_SIZE = len(_HEAD)
_HIGH, _LOW = slice(2, 11), slice(11, 21)
_HIGH_WEIGHTS = 10.0 ** np.arange(8, -1, -1)
_LOW_WEIGHTS = 10.0 ** np.arange(9, -1, -1)
_HIGHEST = 922_337_203
"""The first nine digits of what no longer fits into 64 bits."""
_Places = npt.NDArray[np.int64]
_Codes = npt.NDArray[np.uint8]


class _Rest(msgspec.Struct):
    status: str
    data: dict[str, Any]
    warnings: list[str] | None = None


_labels_decoder = decoder_of(dict[str, str])
_rest_decoder = decoder_of(_Rest)


@dataclass(frozen=True)
class CompactLines:
    """Lines in the order of the answer: their times, how many each stream has, and their texts (an Arrow array)."""

    timestamps_ns: _Places
    streams: list[dict[str, str]]
    counts: _Places
    lines: Any
    warnings: list[str]


@dataclass(frozen=True)
class _Streams:
    """Streams as they stand in a body.

    Attributes:
        labels: of each.
        firsts: where each one's first pair begins.
        counts: how many pairs each one has.
        begin: of the first one.
        end: behind the last one.
        quotes: that are not those of pairs, before ``end``.
    """

    labels: list[dict[str, str]]
    firsts: list[int]
    counts: list[int]
    begin: int
    end: int
    quotes: int


def compact_lines(body: bytes | bytearray) -> CompactLines | None:
    """The lines of a whole answer that is in Loki's own form throughout; None where it is not.

    The bytes have to be UTF-8: nothing here looks at more than JSON's own characters.
    """
    codes = np.frombuffer(body, dtype=np.uint8)
    cuts = cuts_of(codes)
    if cuts is None:
        return None
    ends = np.flatnonzero(codes == _CLOSE)
    ends = ends[codes[ends - 1] == _QUOTE]
    ends = ends[~cuts.escaped(ends - 1)]
    streams = _streams(body, ends[codes[np.minimum(ends + 1, len(codes) - 1)] == _CLOSE], ends)
    if streams is None:
        return None
    count = sum(streams.counts)
    ends = ends[:count]
    starts = np.empty(count, dtype=np.int64)
    starts[1:] = ends[:-1] + 2
    starts[np.cumsum([0, *streams.counts[:-1]])] = streams.firsts
    if np.count_nonzero(codes[starts - 1] == _COMMA) != count - len(streams.firsts):
        return None
    quotes = int(np.count_nonzero(codes[: streams.end] == _QUOTE))
    if quotes != streams.quotes + 4 * count + cuts.quotes_before(streams.end):
        return None
    times = _times(codes, starts)
    warnings = _warnings(body, streams.begin, streams.end)
    lines = cuts.lines(starts + _SIZE, ends - 1, streams.end)
    if times is None or warnings is None or lines is None:
        return None
    return CompactLines(times, streams.labels, np.array(streams.counts, dtype=np.int64), lines, warnings)


def _streams(body: bytes | bytearray, last_ends: _Places, ends: _Places) -> _Streams | None:
    """The streams, one after the other: where the pairs of each begin, and that they end where the next one begins.

    Args:
        body: of the answer.
        last_ends: the closing brackets of pairs behind which another one stands.
        ends: those of all pairs.
    """
    place = begin = body.find(_BEFORE, 0, 200) + len(_BEFORE)
    if begin < len(_BEFORE) or not body.startswith(b'{"status":"success",'):
        return None
    labels: list[dict[str, str]] = []
    firsts: list[int] = []
    quotes = body.count(b'"', 0, place)
    for end in last_ends.tolist():
        values = body.find(_VALUES, place, place + _MOST_LABEL_BYTES)
        if values < 0 or not body.startswith(_STREAM, place):
            return None
        try:
            labels.append(_labels_decoder.decode(memoryview(body)[place + len(_STREAM) : values]))
        except msgspec.MsgspecError:
            return None
        firsts.append(values + len(_VALUES))
        quotes += body.count(b'"', place, firsts[-1])
        behind = body[end + 1 : end + 4]
        if behind == b"]}]":
            bounds = np.searchsorted(ends, [*firsts, end + 1])
            return _Streams(labels, firsts, np.diff(bounds).tolist(), begin, end + 3, quotes)
        if behind != b"]},":
            return None
        place = end + 4
    return None


def _times(codes: _Codes, starts: _Places) -> _Places | None:
    """The times of pairs, each of which begins as it should; None when some do not."""
    if len(codes) < _SIZE or int(starts[-1]) + _SIZE > len(codes):
        return None
    # Unsigned: a character below its place's lowest wraps to a large number.
    above = np.lib.stride_tricks.sliding_window_view(codes, _SIZE)[starts] - _HEAD
    if not (above <= _HIGHEST_DIGIT).all():
        return None
    # In two halves, each of which a float64 holds exactly: multiplying floats is several times faster.
    high = above[:, _HIGH].astype(np.float64) @ _HIGH_WEIGHTS
    if (high >= _HIGHEST).any():
        return None
    low = above[:, _LOW].astype(np.float64) @ _LOW_WEIGHTS
    times: _Places = high.astype(np.int64) * 10**10 + low.astype(np.int64)
    return times


def _warnings(body: bytes | bytearray, begin: int, end: int) -> list[str] | None:
    """What stands before and behind the streams has to be the rest of an answer; the warnings in it."""
    try:
        rest = _rest_decoder.decode(body[:begin] + body[end:])
    except msgspec.MsgspecError:
        return None
    return rest.warnings or []
