"""Escapes in the strings of a JSON text, found and cut out by vector operations (RFC 8259, section 7)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

_BACKSLASH, _QUOTE, _U, _ZERO = ord("\\"), ord('"'), ord("u"), ord("0")
_MOST_PER_BYTE = 1 / 40
"""With more escapes than this, cutting costs more than decoding one string after the other."""
_UNICODE_LENGTH = 6
_Places = npt.NDArray[np.int64]
_Codes = npt.NDArray[np.uint8]


def _meanings() -> _Codes:
    """What the character behind a backslash stands for; 0 where it is none of those of two characters."""
    meanings = np.zeros(256, dtype=np.uint8)
    for written, meant in zip(b'"\\/bfnrt', b'"\\/\b\f\n\r\t', strict=True):
        meanings[written] = meant
    return meanings


def _hexadecimal() -> _Codes:
    """The value of a hexadecimal digit; 255 for what is none."""
    values = np.full(256, 255, dtype=np.uint8)
    for digits, first in ((b"0123456789", 0), (b"abcdef", 10), (b"ABCDEF", 10)):
        for value, digit in enumerate(digits, first):
            values[digit] = value
    return values


_MEANINGS, _HEX = _meanings(), _hexadecimal()


@dataclass(frozen=True)
class Cuts:
    """What of a text is not its strings' content.

    Attributes:
        codes: of the text; where an escape ended, its meaning stands.
        starts: where escapes begin.
        ends: the character that is kept of each, its last.
        quotes: those of ``starts`` that were quotation marks.
    """

    codes: _Codes
    starts: _Places
    ends: _Places
    quotes: _Places

    def escaped(self, places: _Places) -> npt.NDArray[np.bool_]:
        """Which of the characters at some places are what an escape stands for."""
        behind: npt.NDArray[np.bool_] = self.codes[places - 1] == _BACKSLASH
        if not behind.any():
            # Few lines end with an escape.
            return behind
        flags = np.zeros(len(self.codes), dtype=np.bool_)
        flags[self.ends] = True
        found: npt.NDArray[np.bool_] = flags[places]
        return found

    def quotes_before(self, end: int) -> int:
        """How many escaped quotation marks there are before a place."""
        return int(np.searchsorted(self.quotes, end))

    def lines(self, firsts: _Places, lasts: _Places, end: int) -> Any:
        """Texts from ``firsts`` until before ``lasts``, without their escapes, as an Arrow array.

        None where a cut before ``end`` is in none of them.
        """
        cuts = int(np.searchsorted(self.starts, end))
        starts = np.concatenate([firsts, self.ends[:cuts]])
        stops = np.concatenate([lasts, self.starts[:cuts]])
        if cuts:
            starts.sort()
            stops.sort()
        if not (starts <= stops).all() or not (starts[1:] >= stops[:-1]).all():
            return None
        offsets = np.empty(2 * len(starts) + 1, dtype=np.int64)
        offsets[0:-1:2], offsets[1::2], offsets[-1] = starts, stops, stops[-1]
        pieces = pa.LargeStringArray.from_buffers(len(offsets) - 1, pa.py_buffer(offsets), pa.py_buffer(self.codes))
        kept = taken(pieces, np.arange(0, len(offsets) - 1, 2))
        if not cuts:
            return kept
        # The pieces of one text lie side by side now: it is from its first piece until before the next one's.
        sizes = np.concatenate([[0], np.cumsum(stops - starts)])
        bounds = np.append(sizes[np.searchsorted(starts, firsts)], sizes[-1])
        return pa.LargeStringArray.from_buffers(len(firsts), pa.py_buffer(bounds), kept.buffers()[2])


def taken(texts: Any, places: _Places) -> Any:
    """Some of an Arrow array's texts, in memory of the C library's.

    Arrow's own pool hands memory back to the kernel and takes it anew for each page, which costs more than the copy.
    """
    return pc.take(texts, pa.array(places), memory_pool=pa.system_memory_pool())


def cuts_of(codes: _Codes) -> Cuts | None:
    """The escapes of a JSON text; None where there are many, or one stands for a character beyond ASCII."""
    marks = codes == _BACKSLASH
    count = int(np.count_nonzero(marks))
    if not count:
        nothing = np.empty(0, dtype=np.int64)
        return Cuts(codes, nothing, nothing, nothing)
    if count > len(codes) * _MOST_PER_BYTE or marks[-_UNICODE_LENGTH:].any():
        return None
    starts = _escapers(np.flatnonzero(marks))
    ends = starts + 1
    kinds = codes[ends]
    if (kinds == _QUOTE).all():
        # Nearly all escapes of nearly all logs.
        return Cuts(codes, starts, ends, starts)
    meanings = _MEANINGS[kinds]
    unicode = np.flatnonzero(kinds == _U)
    if len(unicode):
        meanings[unicode] = _ascii(codes, starts[unicode])
        ends[unicode] += _UNICODE_LENGTH - 2
    if not meanings.all():
        return None
    changed = codes[ends] != meanings
    if changed.any():
        codes = codes.copy()
        codes[ends[changed]] = meanings[changed]
    return Cuts(codes, starts, ends, starts[kinds == _QUOTE])


def _escapers(backslashes: _Places) -> _Places:
    """Those backslashes that begin an escape: the first of a run, the third, and so on."""
    alone = np.diff(backslashes, prepend=-2) != 1
    if alone.all():
        return backslashes
    runs = np.maximum.accumulate(np.where(alone, backslashes, 0))
    first: _Places = backslashes[(backslashes - runs) % 2 == 0]
    return first


def _ascii(codes: _Codes, starts: _Places) -> _Codes:
    r"""The characters of escapes ``\u00xx``; 0 for what is not ASCII, for NUL, and for what is no escape."""
    digits = _HEX[np.lib.stride_tricks.sliding_window_view(codes, 4)[starts + 2]]
    found = (digits[:, :2] == 0).all(axis=1) & (digits[:, 2] <= 7) & (digits[:, 3] <= 15)
    return np.where(found, digits[:, 2] * 16 + digits[:, 3], 0).astype(np.uint8)
