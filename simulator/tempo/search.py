"""``/api/search``: traces that match TraceQL or tags, newest first, in the forms recorded from Tempo 3.1."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

from simulator.answers import Answer, Request, json_answer
from simulator.cluster import SimulatedCluster
from simulator.tempo.conditions import Field, duration_ns
from simulator.tempo.documents import any_value
from simulator.tempo.found import stored_traces
from simulator.tempo.parameters import query, refused, whole_number, window
from simulator.tempo.spans import Kind, Span, Status, Trace
from simulator.tempo.traceql import Query

_DEFAULT_LIMIT = 20
_MAX_LIMIT = 262_144
_DEFAULT_SPANS = 3
_MAX_SPANS = 100
_NO_ROOT = "<root span not yet received>"
_OWN_PLACE = frozenset({"name", "duration", "rootName", "rootServiceName", "traceDuration"})
"""Fields that a found span shows in a place of its own, or not at all."""
_FAILED = re.compile(r"\s*\{\s*status\s*=\s*error\s*\}")
Metrics = dict[str, Any]


def search(cluster: SimulatedCluster, request: Request) -> Answer:
    """The answer to a search.

    Raises:
        RefusedError: a parameter is wrong (400).
    """
    text = request.one("q") if request.method == "GET" else ""
    if text and request.one("tags"):
        raise refused("invalid request: can't specify tags and q in the same query")
    parsed = query(text) if text else None
    limit, spans = _limits(request)
    start, end = window(request, cluster)
    looked = _Looked(stored_traces(cluster, start, end, failed_only=bool(_FAILED.match(text))))
    if parsed is not None:
        found = [_with_spans(trace, parsed, spans) for trace in islice(_matching(looked, parsed), limit)]
        return json_answer({"traces": found, "metrics": looked.metrics(by_tags=False)})
    holds = _tags(request)
    found = [_summary(trace) for trace in islice((trace for trace in looked if holds(trace)), limit)]
    return json_answer({"traces": found, "metrics": looked.metrics(by_tags=True)})


class _Looked:
    """Counts the traces that a search looks at."""

    def __init__(self, traces: Iterator[Trace]) -> None:
        self._traces = traces
        self._count = 0
        self._spans = 0

    def __iter__(self) -> Iterator[Trace]:
        for trace in self._traces:
            self._count += 1
            self._spans += len(trace.spans)
            yield trace

    def metrics(self, *, by_tags: bool) -> Metrics:
        if not self._count:
            return {}
        counted: Metrics = {"inspectedTraces": self._count} if by_tags else {}
        return counted | {"inspectedBytes": str(180 * self._spans), "completedJobs": 3, "totalJobs": 3}


def _limits(request: Request) -> tuple[int, int]:
    """Traces and spans a trace at most."""
    limit = whole_number(request, "limit")
    if limit == 0:
        raise refused("invalid limit: must be a positive number")
    if limit is not None and limit > _MAX_LIMIT:
        raise refused(f"limit {limit} exceeds max limit {_MAX_LIMIT}")
    spans = whole_number(request, "spss") or _DEFAULT_SPANS
    if spans > _MAX_SPANS:
        raise refused(f"spans per span set exceeds {_MAX_SPANS}. received {spans}")
    return limit or _DEFAULT_LIMIT, spans


def _matching(traces: _Looked, parsed: Query) -> Iterator[Trace]:
    return (trace for trace in traces if any(parsed.holds(trace, span) for span in trace.spans))


def _summary(trace: Trace) -> dict[str, Any]:
    root = trace.root
    found: dict[str, Any] = {"traceID": trace.hex_id.lstrip("0") or "0"}
    found["rootServiceName"] = root.service if root else _NO_ROOT
    if root:
        found["rootTraceName"] = root.name
    found["startTimeUnixNano"] = str(trace.start_ns)
    milliseconds = (trace.end_ns - trace.start_ns) // 1_000_000
    return found | ({"durationMs": milliseconds} if milliseconds else {})


def _with_spans(trace: Trace, parsed: Query, most: int) -> dict[str, Any]:
    matched = [span for span in trace.spans if parsed.holds(trace, span)]
    spans = [_found_span(trace, span, parsed.fields) for span in matched[:most]]
    held = {"spans": spans, "matched": len(matched)}
    return {**_summary(trace), "spanSet": held, "spanSets": [held], "serviceStats": trace.service_stats}


def _found_span(trace: Trace, span: Span, fields: tuple[Field, ...]) -> dict[str, Any]:
    found: dict[str, Any] = {"spanID": span.span_id.hex()}
    if any(field.scope == "intrinsic" and field.name == "name" for field in fields):
        found["name"] = span.name
    found |= {"startTimeUnixNano": str(span.start_ns), "durationNanos": str(span.end_ns - span.start_ns)}
    attributes = []
    for field in fields:
        value = field.value(trace, span)
        if value is not None and not (field.scope == "intrinsic" and field.name in _OWN_PLACE):
            shown = value.name.lower() if isinstance(value, Status | Kind) else value
            attributes.append({"key": field.name, "value": any_value(shown)})
    return found | ({"attributes": attributes} if attributes else {})


def _tags(request: Request) -> Callable[[Trace], bool]:
    """The condition of ``tags`` (logfmt), ``minDuration`` and ``maxDuration``."""
    wanted = {name: value for name, _, value in (pair.partition("=") for pair in _logfmt(request.one("tags")))}
    shortest, longest = _duration(request, "minDuration", 0), _duration(request, "maxDuration", 1 << 63)

    def holds(trace: Trace) -> bool:
        if not shortest <= trace.end_ns - trace.start_ns <= longest:
            return False
        return not wanted or any(_has(span, wanted) for span in trace.spans)

    return holds


def _logfmt(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError:
        raise refused(f"invalid tags: unterminated quoted value at pos {len(text) + 1}") from None


def _has(span: Span, wanted: dict[str, str]) -> bool:
    texts = {**span.resource, **span.attributes, "name": span.name}
    return all(isinstance(texts.get(name), str) and texts[name] == value for name, value in wanted.items())


def _duration(request: Request, name: str, default: int) -> int:
    text = request.one(name)
    if not text:
        return default
    try:
        return duration_ns(text)
    except ValueError as error:
        raise refused(f"invalid {name}: {error}") from error
