"""Tempo's answers in JSON, decoded. Format: recorded from Tempo 3.1; int64 come as text, ids in bodies as base64."""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec

from fleet.collectors.tempo.rows import SpanRow, json_text, resource_of
from fleet.collectors.tempo.wire import LATEST_NS, MalformedTrace
from fleet.collectors.transport.decoding import strictly
from fleet.errors import WrongService
from fleet.frames.trace_frame import KINDS, STATUSES

NO_ROOT = "<root span not yet received>"
_HEX = re.compile(r"[0-9a-fA-F]+")
_SMALLEST_INT, _LARGEST_INT = -(1 << 63), (1 << 64) - 1


@dataclass(frozen=True)
class FoundTrace:
    """A trace as a search shows it.

    Attributes:
        trace_id: padded to 32 hexadecimal digits.
        root_service: "" where the root was not received.
        root_name: likewise.
        start_ns: Unix nanoseconds of its first span.
        duration_ms: whole milliseconds; 0 for less than one.
        matched: how many of its spans match; 0 where the server does not say.
        spans: by service, where the server says it.
        errors: likewise, without services that have none.
    """

    trace_id: str
    root_service: str
    root_name: str
    start_ns: int
    duration_ms: int
    matched: int
    spans: dict[str, int]
    errors: dict[str, int]


class _Stats(msgspec.Struct, rename="camel"):
    span_count: int = 0
    error_count: int = 0


class _SpanSet(msgspec.Struct):
    matched: int = 0


class _Found(msgspec.Struct):
    trace_id: str = msgspec.field(name="traceID")
    start: str = msgspec.field(name="startTimeUnixNano", default="0")
    root_service: str = msgspec.field(name="rootServiceName", default="")
    root_name: str = msgspec.field(name="rootTraceName", default="")
    duration_ms: int = msgspec.field(name="durationMs", default=0)
    span_sets: list[_SpanSet] | None = msgspec.field(name="spanSets", default=None)
    span_set: _SpanSet | None = msgspec.field(name="spanSet", default=None)
    stats: dict[str, _Stats] | None = msgspec.field(name="serviceStats", default=None)


class _Search(msgspec.Struct):
    """Tempo leaves out what is empty, but never both."""

    traces: list[_Found] | None = None
    metrics: dict[str, msgspec.Raw] | None = None


class _Value(msgspec.Struct):
    value: str = ""


class _Values(msgspec.Struct, rename="camel"):
    tag_values: list[_Value] | None = None
    metrics: dict[str, msgspec.Raw] | None = None


class _PlainValues(msgspec.Struct, rename="camel"):
    tag_values: list[str] | None = None
    metrics: dict[str, msgspec.Raw] | None = None


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


_search_decoder = msgspec.json.Decoder(_Search)
_values_decoder = msgspec.json.Decoder(_Values)
_plain_values_decoder = msgspec.json.Decoder(_PlainValues)
_trace_decoder = msgspec.json.Decoder(_TraceById)


def decode_search(body: bytearray, url: str) -> list[FoundTrace]:
    """The answer to a search, in the server's order.

    Raises:
        AnswerTruncated, WrongService: the body is cut, or something else.
    """
    answer = strictly(_search_decoder, body, url)
    if answer.traces is None and answer.metrics is None:
        raise WrongService(f"{url} answered a search with something else than traces.", endpoint=url)
    try:
        return [_found(each) for each in answer.traces or []]
    except ValueError:
        raise WrongService(f"{url} answered a search with ids or times that are none.", endpoint=url) from None


def decode_values(body: bytearray, url: str) -> list[str]:
    """Values of an attribute, in both versions' forms, sorted.

    Raises:
        AnswerTruncated, WrongService: the body is cut, or something else.
    """
    if body.find(b'"value"') >= 0:
        typed = strictly(_values_decoder, body, url)
        return sorted({each.value for each in typed.tag_values or []})
    plain = strictly(_plain_values_decoder, body, url)
    if plain.tag_values is None and plain.metrics is None:
        raise WrongService(f"{url} answered a list of values with something else.", endpoint=url)
    return sorted(set(plain.tag_values or []))


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


def padded(trace_id: str) -> str:
    """A trace's id with the leading zeros that searches leave out.

    Raises:
        ValueError: it is no id.
    """
    if not _HEX.fullmatch(trace_id) or len(trace_id) > 32:
        raise ValueError(f"{trace_id[:40]!r} is no trace id")
    return trace_id.lower().rjust(32, "0")


def _found(each: _Found) -> FoundTrace:
    # Tempo sends the first set twice, as ``spanSet`` and in ``spanSets``.
    sets = each.span_sets or ([each.span_set] if each.span_set else [])
    stats = each.stats or {}
    return FoundTrace(
        trace_id=padded(each.trace_id),
        root_service="" if each.root_service == NO_ROOT else each.root_service,
        root_name=each.root_name,
        start_ns=int(each.start),
        duration_ms=each.duration_ms,
        matched=sum(one.matched for one in sets),
        spans={name: one.span_count for name, one in stats.items()},
        errors={name: one.error_count for name, one in stats.items() if one.error_count},
    )


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
