"""Answers to Tempo's searches, decoded. Format: recorded from Tempo 3.1; int64 come as text."""

from __future__ import annotations

import re
from dataclasses import dataclass

import msgspec

from fleet.collectors.transport.decoding import decoder_of, strictly
from fleet.errors import WrongService

NO_ROOT = "<root span not yet received>"
_HEX = re.compile(r"[0-9a-fA-F]+")


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


_search_decoder = decoder_of(_Search)
_values_decoder = decoder_of(_Values)
_plain_values_decoder = decoder_of(_PlainValues)


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
