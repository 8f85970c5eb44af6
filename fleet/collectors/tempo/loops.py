"""Loops over OTLP's protobuf that are compiled: where fields lie, what they say, and attributes as JSON.

They read what ``wire`` reads, with the same result; what is not text, whole number or truth value among attributes, and
events, are only marked, for ``wire`` to read. Compiling takes seconds and is kept on disk; even loading them costs a
third of a second and 60 MiB, so that nothing imports this before there is a lot to read. All of it is in one file:
compiled code on disk is made anew only when the file of its outermost loop changes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numba
import numpy as np
import numpy.typing as npt
from numba.extending import register_jitable

Bytes = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

TRACE_ID, SPAN_ID, PARENT_ID, NAME, KIND, START, END, EVENTS, STATUS = range(0, 18, 2)
"""Columns of a span's places: where a field begins (or its number), and in the next column where it ends."""
BEGIN, AFTER, RESOURCE = 18, 19, 20
WIDTH = 21
_COLUMNS = np.full(16, -1, dtype=np.int64)
_WIRES = np.zeros(16, dtype=np.int64)
for _number, _wire, _column in (
    (1, 2, TRACE_ID),
    (2, 2, SPAN_ID),
    (4, 2, PARENT_ID),
    (5, 2, NAME),
    (6, 0, KIND),
    (7, 1, START),
    (8, 1, END),
    (11, 2, EVENTS),
    (15, 2, STATUS),
):
    _WIRES[_number], _COLUMNS[_number] = _wire, _column
SPAN_ATTRIBUTES, RESOURCE_ATTRIBUTES = 9, 1
LONGEST_ESCAPE = 6
ZERO = np.uint8(ord("0"))
_HEX = np.frombuffer(b"0123456789abcdef", dtype=np.uint8)
_SHORT_ESCAPES = np.zeros(32, dtype=np.uint8)
for _code, _letter in ((8, b"b"), (9, b"t"), (10, b"n"), (12, b"f"), (13, b"r")):
    _SHORT_ESCAPES[_code] = _letter[0]
_SERVICE_NAME = np.frombuffer(b"service.name", dtype=np.uint8)
_TRUE, _FALSE, _NULL = (np.frombuffer(word, dtype=np.uint8) for word in (b"true", b"false", b"null"))


@dataclass(frozen=True)
class Loops:
    """The loops that are called from outside."""

    count: Callable[..., Any]
    locate: Callable[..., Any]
    read: Callable[..., Any]
    name: Callable[..., Any]
    write: Callable[..., Any]
    gather: Callable[..., Any]
    hexadecimal: Callable[..., Any]


@cache
def compiled_loops() -> Loops:
    """The loops; where no directory can be written their machine code is not kept for the next process."""
    loops = (_count, _locate, _read, _name, _write, _gather, _hexadecimal)
    try:
        return Loops(*(numba.njit(cache=True, nogil=True)(loop) for loop in loops))
    except RuntimeError:
        return Loops(*(numba.njit(nogil=True)(loop) for loop in loops))


@register_jitable
def _varint(data: Bytes, at: int, end: int) -> tuple[Any, int]:
    """A number and where it ends; -1 for the place where it has no end."""
    value, shift = np.uint64(0), np.uint64(0)
    while at < end and shift < 70:
        byte = np.uint64(data[at])
        at += 1
        value |= (byte & np.uint64(127)) << shift
        if byte < 128:
            return np.int64(value), at
        shift += np.uint64(7)
    return np.int64(0), -1


@register_jitable
def _field(data: Bytes, at: int, end: int) -> tuple[int, int, int, int]:
    """A field's number, its wire type, where its content begins (or its number) and where it ends; -1 for malformed."""
    key, at = _varint(data, at, end)
    wire = key & 7
    if at < 0:
        return 0, 0, 0, -1
    if wire == 0:
        value, at = _varint(data, at, end)
        return key >> 3, wire, value, at
    length = 8
    if wire == 2:
        length, at = _varint(data, at, end)
    elif wire == 5:
        length = 4
    elif wire != 1:
        return 0, 0, 0, -1
    if at < 0 or length < 0 or length > end - at:
        return 0, 0, 0, -1
    return key >> 3, wire, at, at + length


@register_jitable
def _fixed(data: Bytes, at: int) -> Any:
    value = np.uint64(0)
    for place in range(8):
        value |= np.uint64(data[at + place]) << np.uint64(8 * place)
    return np.int64(value)


@register_jitable
def _put_text(data: Bytes, begin: int, end: int, out: Bytes, to: int) -> int:
    """Writes a JSON string."""
    out[to] = 34
    to += 1
    for place in range(begin, end):
        byte = data[place]
        if byte == 34 or byte == 92:
            out[to] = 92
            out[to + 1] = byte
            to += 2
        elif byte >= 32:
            out[to] = byte
            to += 1
        elif _SHORT_ESCAPES[byte]:
            out[to] = 92
            out[to + 1] = _SHORT_ESCAPES[byte]
            to += 2
        else:
            out[to] = 92
            out[to + 1] = 117
            out[to + 2] = 48
            out[to + 3] = 48
            out[to + 4] = _HEX[byte >> 4]
            out[to + 5] = _HEX[byte & 15]
            to += 6
    out[to] = 34
    return to + 1


@register_jitable
def _put_number(value: int, out: Bytes, to: int) -> int:
    """Writes a whole number."""
    left = np.uint64(value)
    if value < 0:
        out[to] = 45
        to += 1
        left = np.uint64(0) - left
    first = to
    while left or to == first:
        out[to] = 48 + np.uint8(left % np.uint64(10))
        left //= np.uint64(10)
        to += 1
    for step in range((to - first) // 2):
        out[first + step], out[to - 1 - step] = out[to - 1 - step], out[first + step]
    return to


@register_jitable
def _put_word(word: Bytes, out: Bytes, to: int) -> int:
    for byte in word:
        out[to] = byte
        to += 1
    return to


@register_jitable
def _put_value(data: Bytes, at: int, end: int, out: Bytes, to: int) -> int:
    """Writes an ``AnyValue``; -1 for malformed, -2 for one that is no text, whole number or truth value."""
    if at == end:
        return _put_word(_NULL, out, to)
    number, wire, begin, after = _field(data, at, end)
    if after < 0:
        return -1
    if after != end or not ((number == 1 and wire == 2) or (2 <= number <= 3 and wire == 0)):
        return -2
    if number == 1:
        return _put_text(data, begin, after, out, to)
    if number == 2:
        return _put_word(_TRUE if begin else _FALSE, out, to)
    return _put_number(begin, out, to)


@register_jitable
def _pair(data: Bytes, at: int, end: int) -> tuple[int, int, int, int]:
    """Where key and value of a ``KeyValue`` begin and end; -1 first for malformed."""
    key_begin = key_end = value_begin = value_end = 0
    while at < end:
        number, wire, begin, at = _field(data, at, end)
        if at < 0 or (number <= 2 and wire != 2):
            return -1, 0, 0, 0
        if number == 1:
            key_begin, key_end = begin, at
        elif number == 2:
            value_begin, value_end = begin, at
    return key_begin, key_end, value_begin, value_end


@register_jitable
def _put_pair(data: Bytes, at: int, end: int, out: Bytes, to: int) -> int:
    """Writes a ``KeyValue``; -1 and -2 as of its value."""
    key_begin, key_end, value_begin, value_end = _pair(data, at, end)
    if key_begin < 0:
        return -1
    to = _put_text(data, key_begin, key_end, out, to)
    out[to] = 58
    return _put_value(data, value_begin, value_end, out, to + 1)


@register_jitable
def _put_object(data: Bytes, at: int, end: int, field: int, out: Bytes, to: int) -> int:
    """Writes the ``KeyValue`` fields of a message as an object; -1 and -2 as of its values."""
    first = to
    out[to] = 123
    to += 1
    while at < end:
        number, wire, begin, at = _field(data, at, end)
        if at < 0:
            return -1
        if number != field or wire != 2:
            continue
        if to > first + 1:
            out[to] = 44
            to += 1
        to = _put_pair(data, begin, at, out, to)
        if to < 0:
            return to
    out[to] = 125
    return to + 1


@register_jitable
def _next(data: Bytes, at: int, end: int, wanted: int) -> tuple[int, int]:
    """Where the next message with this number begins and ends; ends -1 for malformed, begins -1 where there is none."""
    while at < end:
        number, wire, begin, at = _field(data, at, end)
        if at < 0 or (number == wanted and wire != 2):
            return 0, -1
        if number == wanted:
            return begin, at
    return -1, end


def _count(data: Bytes) -> tuple[int, int]:
    """Spans and resources; -1 for malformed bytes."""
    spans = resources = 0
    begin, end = _next(data, 0, len(data), 1)
    while begin >= 0 and end >= 0:
        resources += 1
        scoped, after = _next(data, begin, end, 2)
        while scoped >= 0 and after >= 0:
            span, last = _next(data, scoped, after, 2)
            while span >= 0 and last >= 0:
                spans += 1
                span, last = _next(data, last, after, 2)
            if last < 0:
                return -1, 0
            scoped, after = _next(data, after, end, 2)
        if after < 0:
            return -1, 0
        begin, end = _next(data, end, len(data), 1)
    return (-1, 0) if end < 0 else (spans, resources)


def _locate(data: Bytes, spans: Ints, resources: Ints) -> None:
    """Where spans and resources lie; the bytes were found well formed so far by ``_count``."""
    count = number = 0
    begin, end = _next(data, 0, len(data), 1)
    while begin >= 0:
        held, after = _next(data, begin, end, 1)
        if held >= 0 and after >= 0:
            resources[number, 0], resources[number, 1] = held, after
        scoped, after = _next(data, begin, end, 2)
        while scoped >= 0:
            span, last = _next(data, scoped, after, 2)
            while span >= 0:
                spans[count, BEGIN], spans[count, AFTER], spans[count, RESOURCE] = span, last, number
                count += 1
                span, last = _next(data, last, after, 2)
            scoped, after = _next(data, after, end, 2)
        number += 1
        begin, end = _next(data, end, len(data), 1)


@register_jitable
def _places(data: Bytes, row: Ints) -> bool:
    """Finds the fields of one span."""
    at = row[BEGIN]
    while at < row[AFTER]:
        number, wire, begin, at = _field(data, at, row[AFTER])
        if at < 0:
            return False
        if 0 <= number < len(_COLUMNS) and _COLUMNS[number] >= 0 and wire == _WIRES[number]:
            row[_COLUMNS[number]], row[_COLUMNS[number] + 1] = begin, at
    return bool(row[TRACE_ID + 1] - row[TRACE_ID] <= 16 and row[SPAN_ID + 1] - row[SPAN_ID] <= 8)


@register_jitable
def _status(data: Bytes, at: int, end: int, status: Ints) -> bool:
    while at < end:
        number, wire, begin, at = _field(data, at, end)
        if at < 0:
            return False
        if number == 3 and wire == 0:
            status[0] = begin
        elif number == 2 and wire == 2:
            status[1], status[2] = begin, at
    return True


def _read(data: Bytes, spans: Ints, times: Ints, statuses: Ints) -> bool:
    """Everything of the spans but their attributes."""
    for each in range(len(spans)):
        row = spans[each]
        if not _places(data, row) or row[PARENT_ID + 1] - row[PARENT_ID] > 8:
            return False
        for side in range(2):
            if row[START + 2 * side + 1]:
                times[each, side] = _fixed(data, row[START + 2 * side])
        if not _status(data, row[STATUS], row[STATUS + 1], statuses[each]):
            return False
    return True


def _name(data: Bytes, resources: Ints, services: Ints) -> bool:
    """Where the text of each resource's service name lies."""
    for each in range(len(resources)):
        begin, at = _next(data, resources[each, 0], resources[each, 1], RESOURCE_ATTRIBUTES)
        while begin >= 0 and at >= 0:
            key_begin, key_end, value_begin, value_end = _pair(data, begin, at)
            if key_begin < 0:
                return False
            named = key_end - key_begin == len(_SERVICE_NAME) and value_end > value_begin
            for place in range(len(_SERVICE_NAME) if named else 0):
                named = named and data[key_begin + place] == _SERVICE_NAME[place]
            if named:
                number, wire, text, after = _field(data, value_begin, value_end)
                if number == 1 and wire == 2 and after >= 0:
                    services[each, 0], services[each, 1] = text, after
            begin, at = _next(data, at, resources[each, 1], RESOURCE_ATTRIBUTES)
        if at < 0:
            return False
    return True


def _write(data: Bytes, messages: Ints, field: int, out: Bytes, offsets: Ints, special: Flags) -> bool:
    """The attributes of messages as objects; an empty text for one that has to be read otherwise."""
    to = 0
    for each in range(len(messages)):
        written = _put_object(data, messages[each, 0], messages[each, 1], field, out, to)
        if written == -1:
            return False
        special[each] = written < 0
        to = to if written < 0 else written
        offsets[each + 1] = to
    return True


def _gather(data: Bytes, begins: Ints, ends: Ints, out: Bytes, offsets: Ints) -> None:
    to = 0
    for each in range(len(begins)):
        for place in range(begins[each], ends[each]):
            out[to] = data[place]
            to += 1
        offsets[each + 1] = to


def _hexadecimal(data: Bytes, spans: Ints, column: int, out: Bytes, digits: int) -> None:
    for each in range(len(spans)):
        to = digits * (each + 1)
        for place in range(spans[each, column + 1] - 1, spans[each, column] - 1, -1):
            out[to - 1] = _HEX[data[place] & 15]
            out[to - 2] = _HEX[data[place] >> 4]
            to -= 2
