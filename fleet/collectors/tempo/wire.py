"""Spans out of OTLP's protobuf, field by field.

Field numbers are those of opentelemetry/proto/trace/v1/trace.proto and common/v1/common.proto and, for what Tempo puts
around a trace, those of its tempo.proto; they were compared with recorded bytes. Unknown fields are passed over.
"""

from __future__ import annotations

import struct
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from fleet.collectors.tempo.rows import SpanRow, json_text, resource_of
from fleet.frames.trace_frame import KINDS, STATUSES

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
LATEST_NS = (1 << 63) - 1
_NUMBERS = {6: VARINT, 7: FIXED64, 8: FIXED64}
_DEEPEST = 32
_PARTIAL = 1


class MalformedTrace(ValueError):
    """Bytes that are no trace; the message says how."""


@dataclass(frozen=True)
class Response:
    """What Tempo answers by id: a trace (``TracesData``), and where it is not whole, the server's words for why."""

    trace: bytes
    incomplete: str = ""


def read_response(data: bytes | bytearray) -> Response:
    """A ``TraceByIDResponse``.

    Raises:
        MalformedTrace: it is none.
    """
    trace, partial, words = b"", False, ""
    for number, _, value in fields(bytes(data)):
        if number == 1 and isinstance(value, bytes):
            trace += value
        elif number == 3:
            partial = value == _PARTIAL
        elif number == 4 and isinstance(value, bytes):
            words = value.decode("utf-8", "replace")
    return Response(trace, (words or "the server says that the trace is not whole") if partial else "")


def read_trace(data: bytes) -> Iterator[SpanRow]:
    """The spans of a ``TracesData`` in its order.

    Raises:
        MalformedTrace: it is none.
    """
    for number, _, held in fields(data):
        if number == 1:
            parts = [(each, _message(content)) for each, _, content in fields(_message(held)) if each in {1, 2}]
            attributes = next((resource_attributes(content) for each, content in parts if each == 1), {})
            resource = resource_of(attributes)
            for each, scoped in parts:
                for inner, _, span in fields(scoped) if each == 2 else ():
                    if inner == 2:
                        yield read_span(_message(span), *resource)


def resource_attributes(data: bytes) -> dict[str, Any]:
    """The attributes of a ``Resource``."""
    return dict(_pair(_message(content), 0) for number, _, content in fields(data) if number == 1)


def read_span(data: bytes, service: str, resource: str) -> SpanRow:
    """A ``Span`` of a resource whose service and attributes (JSON) are given."""
    texts: dict[int, bytes] = {}
    numbers: dict[int, int] = {}
    for number, wire, value in fields(data):
        if wire == BYTES and number in {1, 2, 4, 5, 15}:
            texts[number] = _message(value)
        elif isinstance(value, int) and wire == _NUMBERS.get(number):
            numbers[number] = value
    attributes, events = span_details(data)
    code, words = _status(texts.get(15, b""))
    start, end = (min(numbers.get(number, 0), LATEST_NS) for number in (7, 8))
    return SpanRow(
        trace_id=_id(texts.get(1, b""), 32),
        span_id=_id(texts.get(2, b""), 16),
        parent_id=_id(texts[4], 16) if texts.get(4, b"").strip(b"\0") else None,
        start_ns=start,
        duration_ns=max(0, end - start),
        service=service,
        name=texts.get(5, b"").decode("utf-8", "replace"),
        kind=KINDS[numbers.get(6, 0)] if numbers.get(6, 0) < len(KINDS) else KINDS[0],
        status=STATUSES[code] if code < len(STATUSES) else STATUSES[0],
        status_message=words or None,
        attributes=attributes,
        resource=resource,
        events=events,
    )


def span_details(data: bytes) -> tuple[str, str | None]:
    """Attributes and events of a ``Span`` as JSON; None without events."""
    attributes: dict[str, Any] = {}
    events: list[dict[str, Any]] = []
    for number, wire, value in fields(data):
        if wire == BYTES and number == 9:
            name, content = _pair(_message(value), 0)
            attributes[name] = content
        elif wire == BYTES and number == 11:
            events.append(_event(_message(value)))
    return json_text(attributes), json_text(events) if events else None


def fields(data: bytes) -> Iterator[tuple[int, int, int | bytes]]:
    """Number, wire type and value of each field of a message.

    Raises:
        MalformedTrace: the bytes are no message.
    """
    at, end = 0, len(data)
    while at < end:
        key, at = _varint(data, at)
        wire = key & 7
        if wire == VARINT:
            value, at = _varint(data, at)
            yield key >> 3, wire, value
            continue
        if wire == BYTES:
            length, at = _varint(data, at)
        else:
            length = {FIXED64: 8, FIXED32: 4}.get(wire, -1)
        if length < 0 or at + length > end:
            raise MalformedTrace(f"a field of {length} bytes at {at} of {end}")
        piece = data[at : at + length]
        at += length
        yield key >> 3, wire, piece if wire == BYTES else int.from_bytes(piece, "little")


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while at < len(data) and shift < 70:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value & 0xFFFFFFFFFFFFFFFF, at
        shift += 7
    raise MalformedTrace(f"a number without an end at {at} of {len(data)}")


def _message(value: int | bytes) -> bytes:
    if isinstance(value, int):
        raise MalformedTrace("a number where a message belongs")
    return value


def _id(data: bytes, digits: int) -> str:
    if 2 * len(data) > digits:
        raise MalformedTrace(f"an id of {len(data)} bytes")
    return data.hex().rjust(digits, "0")


def _status(data: bytes) -> tuple[int, str]:
    code, words = 0, ""
    for number, wire, value in fields(data):
        if number == 3 and wire == VARINT and isinstance(value, int):
            code = value
        elif number == 2 and wire == BYTES:
            words = _message(value).decode("utf-8", "replace")
    return code, words


def _event(data: bytes) -> dict[str, Any]:
    event: dict[str, Any] = {"name": "", "time_ns": 0, "attributes": {}}
    for number, wire, value in fields(data):
        if number == 1 and isinstance(value, int):
            event["time_ns"] = min(value, LATEST_NS)
        elif number == 2 and wire == BYTES:
            event["name"] = _message(value).decode("utf-8", "replace")
        elif number == 3 and wire == BYTES:
            name, content = _pair(_message(value), 0)
            event["attributes"][name] = content
    return event


def _pair(data: bytes, depth: int) -> tuple[str, Any]:
    """A ``KeyValue``."""
    name, content = "", None
    for number, wire, value in fields(data):
        if wire == BYTES and number == 1:
            name = _message(value).decode("utf-8", "replace")
        elif wire == BYTES and number == 2:
            content = _any_value(_message(value), depth)
    return name, content


def _any_value(data: bytes, depth: int) -> Any:
    """An ``AnyValue``; None for an empty one."""
    if depth > _DEEPEST:
        raise MalformedTrace(f"values within values, more than {_DEEPEST} deep")
    found: Any = None
    for number, wire, value in fields(data):
        if isinstance(value, int):
            found = _scalar(number, wire, value)
        elif number == 1:
            found = value.decode("utf-8", "replace")
        elif number == 5:
            found = [_any_value(_message(each), depth + 1) for inner, _, each in fields(value) if inner == 1]
        elif number == 6:
            found = dict(_pair(_message(each), depth + 1) for inner, _, each in fields(value) if inner == 1)
        elif number == 7:
            found = b64encode(value).decode()
    return found


def _scalar(number: int, wire: int, value: int) -> bool | int | float | None:
    if number == 2:
        return value != 0
    if number == 3:
        return value - (1 << 64) if value >> 63 else value
    if number == 4 and wire == FIXED64:
        number_: float = struct.unpack("<d", value.to_bytes(8, "little"))[0]
        return number_
    return None
