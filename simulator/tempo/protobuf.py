"""Traces in OTLP's protobuf form.

Field numbers are those of opentelemetry/proto/trace/v1/trace.proto and, for the answer by id, of Tempo's tempo.proto;
they were compared with recorded bytes.
"""

from __future__ import annotations

import struct
from itertools import groupby
from typing import Any

from simulator.tempo.spans import Attributes, Event, Span, Trace

_VARINT, _FIXED64, _BYTES = 0, 1, 2
EMPTY_RESPONSE = b"\x0a\x00\x12\x00"
"""A TraceByIDResponse of a trace that is not there."""


def trace_message(trace: Trace) -> bytes:
    """The trace as ``TracesData``, which is what the first version of the API answers."""
    parts = []
    for _, spans in groupby(trace.spans, key=lambda span: (id(span.resource), span.scope)):
        group = list(spans)
        scope = _text(1, group[0].scope.name) + _text(2, group[0].scope.version)
        held = _field(1, scope) + b"".join(_field(2, _span(trace.trace_id, span)) for span in group)
        parts.append(_field(1, _field(1, _attributes(1, group[0].resource)) + _field(2, held)))
    return b"".join(parts)


def response_message(trace: Trace) -> bytes:
    """The trace as ``TraceByIDResponse``, which is what the second version answers."""
    return _field(1, trace_message(trace)) + _field(2, b"")


def _span(trace_id: bytes, span: Span) -> bytes:
    parent = _field(4, span.parent_id) if span.parent_id else b""
    return b"".join(
        (
            _field(1, trace_id),
            _field(2, span.span_id),
            parent,
            _text(5, span.name),
            _number(6, int(span.kind)),
            _fixed(7, span.start_ns),
            _fixed(8, span.end_ns),
            _attributes(9, span.attributes),
            *(_field(11, _event(event)) for event in span.events),
            _field(15, _text(2, span.message) + _number(3, int(span.status))),
        )
    )


def _event(event: Event) -> bytes:
    return _fixed(1, event.time_ns) + _text(2, event.name) + _attributes(3, event.attributes)


def status_message(code: int, message: str) -> bytes:
    """A ``google.rpc.Status``, as refusals of pushes have it."""
    return _number(1, code) + _text(2, message)


def _attributes(number: int, attributes: Attributes) -> bytes:
    return b"".join(_field(number, _text(1, name) + _field(2, _any_value(value))) for name, value in attributes.items())


def _any_value(value: Any) -> bytes:
    if isinstance(value, bool):
        return _tag(2, _VARINT) + (b"\x01" if value else b"\x00")
    if isinstance(value, int):
        return _tag(3, _VARINT) + _varint(value & 0xFFFFFFFFFFFFFFFF)
    if isinstance(value, float):
        return _tag(4, _FIXED64) + struct.pack("<d", value)
    if isinstance(value, list):
        return _field(5, b"".join(_field(1, _any_value(each)) for each in value))
    if isinstance(value, dict):
        return _field(6, _attributes(1, value))
    if isinstance(value, bytes):
        return _field(7, value)
    return _field(1, str(value).encode())


def _field(number: int, content: bytes) -> bytes:
    return _tag(number, _BYTES) + _varint(len(content)) + content


def _text(number: int, text: str) -> bytes:
    return _field(number, text.encode()) if text else b""


def _number(number: int, value: int) -> bytes:
    return _tag(number, _VARINT) + _varint(value) if value else b""


def _fixed(number: int, value: int) -> bytes:
    return _tag(number, _FIXED64) + struct.pack("<Q", value) if value else b""


def _tag(number: int, wire: int) -> bytes:
    return _varint(number << 3 | wire)


def _varint(value: int) -> bytes:
    if value < 128:
        return bytes((value,))
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)
