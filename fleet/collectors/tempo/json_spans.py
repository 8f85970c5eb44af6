"""Spans out of Tempo's JSON. Format: recorded from Tempo 3.1; int64 come as text, ids as base64."""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Iterator
from typing import Any

import msgspec

from fleet.collectors.tempo.rows import SpanRow, json_text, resource_of
from fleet.collectors.tempo.wire import LATEST_NS, MalformedTrace
from fleet.collectors.transport.decoding import decoder_of, strictly
from fleet.errors import WrongService
from fleet.frames.trace_frame import KINDS, STATUSES

_HEX = re.compile(r"[0-9a-fA-F]+")
_SMALLEST_INT, _LARGEST_INT = -(1 << 63), (1 << 64) - 1


class _KeyValue(msgspec.Struct):
    key: str = ""
    value: dict[str, Any] = {}


class _Event(msgspec.Struct):
    name: str = ""
    time: str | int = msgspec.field(name="timeUnixNano", default="0")
    attributes: list[_KeyValue] = []


class _Status(msgspec.Struct):
    code: str | int = 0
    message: str = ""


class _Span(msgspec.Struct, rename="camel"):
    trace_id: str = ""
    span_id: str = ""
    parent_span_id: str = ""
    name: str = ""
    kind: str | int = 0
    start: str | int = msgspec.field(name="startTimeUnixNano", default="0")
    end: str | int = msgspec.field(name="endTimeUnixNano", default="0")
    attributes: list[_KeyValue] = []
    events: list[_Event] = []
    status: _Status | None = None


class _ScopeSpans(msgspec.Struct):
    spans: list[_Span] = []


class _Resource(msgspec.Struct):
    attributes: list[_KeyValue] = []


class _ResourceSpans(msgspec.Struct, rename="camel"):
    resource: _Resource | None = None
    scope_spans: list[_ScopeSpans] = []
    instrumentation_library_spans: list[_ScopeSpans] = []


class _Trace(msgspec.Struct, rename="camel"):
    resource_spans: list[_ResourceSpans] = []
    batches: list[_ResourceSpans] = []


class _TraceById(msgspec.Struct, rename="camel"):
    """Both versions' answers: the first has ``batches`` at the top."""

    trace: _Trace | None = None
    batches: list[_ResourceSpans] = []
    resource_spans: list[_ResourceSpans] = []
    status: str | int = ""
    message: str = ""


_trace_decoder = decoder_of(_TraceById)


def decode_trace(body: bytearray, url: str) -> tuple[list[SpanRow], str]:
    """The spans of a trace by id, and why they are not all, in the server's words ("" where they are).

    Raises:
        AnswerTruncated, WrongService: the body is cut, or something else.
    """
    answer = strictly(_trace_decoder, body, url)
    held = answer.batches + answer.resource_spans
    if answer.trace is not None:
        held += answer.trace.resource_spans + answer.trace.batches
    try:
        rows = [row for each in held for row in _rows(each)]
    except (ValueError, TypeError, AttributeError) as error:
        raise WrongService(f"{url} answered a trace that cannot be read: {error}.", endpoint=url) from None
    partial = answer.status in {"PARTIAL", 1}
    return rows, (answer.message or "the server says that the trace is not whole") if partial else ""


def _rows(held: _ResourceSpans) -> Iterator[SpanRow]:
    service, resource = resource_of(_attributes(held.resource.attributes if held.resource else []))
    for scoped in (*held.scope_spans, *held.instrumentation_library_spans):
        for span in scoped.spans:
            yield _row(span, service, resource)


def _row(span: _Span, service: str, resource: str) -> SpanRow:
    start, end = _nanoseconds(span.start), _nanoseconds(span.end)
    status = span.status or _Status()
    parent = _id(span.parent_span_id, 16)
    events = [
        {"name": each.name, "time_ns": _nanoseconds(each.time), "attributes": _attributes(each.attributes)}
        for each in span.events
    ]
    return SpanRow(
        trace_id=_id(span.trace_id, 32),
        span_id=_id(span.span_id, 16),
        parent_id=parent if parent.strip("0") else None,
        start_ns=start,
        duration_ns=max(0, end - start),
        service=service,
        name=span.name,
        kind=_word(span.kind, KINDS, "SPAN_KIND_"),
        status=_word(status.code, STATUSES, "STATUS_CODE_"),
        status_message=status.message or None,
        attributes=json_text(_attributes(span.attributes)),
        resource=resource,
        events=json_text(events) if events else None,
    )


def _nanoseconds(at: str | int) -> int:
    """A time of 64 bits without a sign."""
    time_ns = int(at)
    if not 0 <= time_ns < 1 << 64:
        raise MalformedTrace(f"{str(at)[:40]!r} is no time")
    return min(time_ns, LATEST_NS)


def _word(code: str | int, words: tuple[str, ...], prefix: str) -> str:
    if isinstance(code, int):
        return words[code] if 0 <= code < len(words) else words[0]
    word = code.removeprefix(prefix).lower()
    return word if word in words else words[0]


def _id(text: str, digits: int) -> str:
    """An id in hexadecimal digits, whether it came so or, as Tempo sends it, as base64."""
    if len(text) == digits and _HEX.fullmatch(text):
        return text.lower()
    try:
        raw = b64decode(text, validate=True)
    except Base64Error:
        raise MalformedTrace(f"{text[:40]!r} is no id") from None
    if 2 * len(raw) > digits:
        raise MalformedTrace(f"an id of {len(raw)} bytes")
    return raw.hex().rjust(digits, "0")


def _attributes(pairs: list[_KeyValue]) -> dict[str, Any]:
    return {pair.key: _value(pair.value) for pair in pairs}


def _value(value: dict[str, Any]) -> Any:
    for kind, content in value.items():
        if kind == "intValue":
            number = int(content)
            return number if _SMALLEST_INT <= number <= _LARGEST_INT else str(number)
        if kind == "arrayValue":
            return [_value(each) for each in content.get("values", [])]
        if kind == "kvlistValue":
            return {each.get("key", ""): _value(each.get("value", {})) for each in content.get("values", [])}
        if kind == "bytesValue":
            # URL-safe and unpadded forms are legal in protobuf's JSON, too; ours is the plain one.
            return b64encode(b64decode(content.replace("-", "+").replace("_", "/") + "==")).decode()
        return float(content) if kind == "doubleValue" else content
    return None
