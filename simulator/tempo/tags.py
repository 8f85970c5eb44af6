"""Names and values of attributes, in both versions of Tempo's API, as recorded from Tempo 3.1."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any
from urllib.parse import unquote

from simulator.answers import Answer, Request, json_answer
from simulator.cluster import SimulatedCluster
from simulator.tempo.conditions import Field, TraceQlError
from simulator.tempo.found import stored_traces
from simulator.tempo.parameters import refused, whole_number, window
from simulator.tempo.spans import Kind, Span, Status, Trace
from simulator.tempo.traceql import parse, parse_field

_SCOPES = frozenset({"", "none", "resource", "span", "event", "link", "instrumentation", "intrinsic"})
_LOOKED_AT = 2000
"""Traces, the newest ones: Tempo, too, bounds what it looks through for this."""
INTRINSIC = (
    "duration",
    "event:name",
    "event:timeSinceStart",
    "instrumentation:name",
    "instrumentation:version",
    "kind",
    "link:spanID",
    "link:traceID",
    "name",
    "rootName",
    "rootServiceName",
    "span:duration",
    "span:id",
    "span:kind",
    "span:name",
    "span:parentID",
    "span:status",
    "span:statusMessage",
    "status",
    "statusMessage",
    "trace:duration",
    "trace:id",
    "trace:rootName",
    "trace:rootService",
    "traceDuration",
)
_KEYWORDS = {
    "status": tuple(status.name.lower() for status in Status),
    "kind": tuple(kind.name.lower() for kind in Kind),
}
Metrics = dict[str, str]


def tag_names(cluster: SimulatedCluster, request: Request) -> Answer:
    """The first version's names of attributes, of all scopes or one."""
    scope = _scope(request)
    names, metrics = _names(cluster, request)
    shown = {name for each, found in names.items() if scope in {"", "none", each} for name in found}
    return json_answer({"tagNames": sorted(shown), "metrics": metrics})


def tags_by_scope(cluster: SimulatedCluster, request: Request) -> Answer:
    """The second version's names of attributes; the intrinsic ones are there whatever was stored."""
    scope = _scope(request)
    names, metrics = _names(cluster, request)
    held = {**{each: sorted(found) for each, found in names.items() if found}, "intrinsic": list(INTRINSIC)}
    limit = whole_number(request, "limit")
    scopes = [
        {"name": each, "tags": found if each == "intrinsic" or not limit else found[:limit]}
        for each, found in held.items()
        if scope in {"", "none", each}
    ]
    return json_answer({"scopes": scopes, "metrics": metrics})


def tag_values(cluster: SimulatedCluster, request: Request, tag: str) -> Answer:
    """The first version's values of an attribute of whatever scope, or of ``name``."""
    tag = unquote(tag)
    field = Field("intrinsic", "name") if tag == "name" else Field("", tag)
    values, metrics = _values(cluster, request, field)
    return json_answer({"tagValues": sorted({str(value) for value in values if value != ""}), "metrics": metrics})


def typed_tag_values(cluster: SimulatedCluster, request: Request, tag: str) -> Answer:
    """The second version's values of a field of TraceQL, with their types.

    Raises:
        RefusedError: it is no field (400).
    """
    tag = unquote(tag)
    try:
        field = parse_field(tag)
    except TraceQlError as error:
        words = str(error).replace("col 1:", "col 2:").replace(f": {tag}", f": {tag.partition('.')[0]}")
        text = f"please provide a valid tagName: failed to parse identifier {tag}: {words}"
        raise refused(text) from error
    if field.scope == "intrinsic" and field.name in _KEYWORDS:
        values: list[dict[str, str]] = [{"type": "keyword", "value": each} for each in _KEYWORDS[field.name]]
        return json_answer({"tagValues": values, "metrics": {}})
    if field.scope == "intrinsic" and field.name.lower().endswith("duration"):
        return json_answer({"tagValues": [], "metrics": {}})
    found, metrics = _values(cluster, request, field)
    typed = [_typed(value) for value in found]
    return json_answer({"tagValues": typed[: whole_number(request, "limit") or len(typed)], "metrics": metrics})


def _typed(value: Any) -> dict[str, str]:
    if isinstance(value, bool):
        return {"type": "bool", "value": "true" if value else "false"}
    if isinstance(value, int | float):
        return {"type": "int" if isinstance(value, int) else "float", "value": str(value)}
    return {"type": "string", "value": value} if value else {"type": "string"}


def _scope(request: Request) -> str:
    scope = request.one("scope")
    if scope not in _SCOPES:
        raise refused(f"invalid scope: {scope}")
    return scope


def _names(cluster: SimulatedCluster, request: Request) -> tuple[dict[str, set[str]], Metrics]:
    found: dict[str, set[str]] = {"span": set(), "event": set(), "resource": set()}
    count = 0
    for _, span in _matched(cluster, request):
        count += 1
        found["span"].update(span.attributes)
        found["resource"].update(span.resource)
        for event in span.events:
            found["event"].update(event.attributes)
    return found, _metrics(count)


def _values(cluster: SimulatedCluster, request: Request, field: Field) -> tuple[list[Any], Metrics]:
    """Different values in order of coming; lists, maps and bytes are not told."""
    found: dict[tuple[type, Any], None] = {}
    count = 0
    for trace, span in _matched(cluster, request):
        count += 1
        value = field.value(trace, span)
        if isinstance(value, str | int | float):
            found[type(value), value] = None
    return [value for _, value in found], _metrics(count)


def _matched(cluster: SimulatedCluster, request: Request) -> Iterator[tuple[Trace, Span]]:
    """Spans that match ``q``; a query that cannot be parsed is passed over, as the real server does."""
    start, end = window(request, cluster)
    try:
        holds = parse(request.one("q")).holds if request.one("q") else None
    except TraceQlError:
        holds = None
    for trace in islice(stored_traces(cluster, start, end), _LOOKED_AT):
        for span in trace.spans:
            if holds is None or holds(trace, span):
                yield trace, span


def _metrics(spans: int) -> Metrics:
    return {"inspectedBytes": str(180 * spans)} if spans else {}
