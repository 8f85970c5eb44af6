"""Tempo's HTTP API over a simulated cluster without traces: what a client asks first, in Tempo's own forms.

Forms and errors are those of Tempo 3.1, recorded from a real server.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from simulator.answers import Answer, RefusedError, Request, json_answer, text_answer
from simulator.cluster import SimulatedCluster
from simulator.gateways import Gateway

_MAX_SECONDS = 168 * 3600
_MAX_TRACES = 262_144
_GATEWAY = Gateway("/api/traces/v1/{tenant}/tempo", ("platform",), re.compile(r"/api(/.*)?"))
_BUILD = {
    "version": "2.5.0",
    "revision": "46dad3411",
    "branch": "HEAD",
    "buildUser": "root@simulator",
    "buildDate": "2024-05-17T14:12:30Z",
    "goVersion": "go1.22.3",
}
_SCOPES = frozenset({"", "none", "resource", "span", "event", "link", "instrumentation", "intrinsic"})
_INTRINSIC = (
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
_UINT32 = 2**32
Handler = Callable[[Request], Any]


def answer_tempo(cluster: SimulatedCluster, request: Request) -> Answer:
    """The answer to a request whose path is relative to the server's root or, on OpenShift, to that of the gateway.

    Raises:
        RefusedError: the request is refused with Tempo's own text.
    """
    request = _GATEWAY.behind(cluster, request)
    if request.path in _TEXTS:
        return text_answer(_TEXTS[request.path])
    if match := re.fullmatch(r"/api(/v2)?/traces/([^/]+)", request.path):
        return _trace(match[2], second=match[1] is not None)
    if re.fullmatch(r"/api(/v2)?/search/tag/[^/]+/values", request.path):
        return json_answer({"tagValues": [], "metrics": {}})
    handler = _ROUTES.get(request.path)
    return text_answer("404 page not found\n", 404) if handler is None else json_answer(handler(request))


def _refused(text: str) -> RefusedError:
    return RefusedError(text_answer(text, 400))


def _build_info(request: Request) -> dict[str, Any]:
    return _BUILD


def _search(request: Request) -> dict[str, Any]:
    query = request.one("q")
    if query and request.one("tags"):
        raise _refused("invalid request: can't specify tags and q in the same query")
    if query and not query.lstrip().startswith("{"):
        raise _refused("invalid TraceQL query: parse error at line 1, col 1: syntax error: unexpected IDENTIFIER")
    if query and query.count("{") != query.count("}"):
        col = len(query) + 1
        raise _refused(f"invalid TraceQL query: parse error at line 1, col {col}: syntax error: unexpected $end")
    limit = _number(request, "limit")
    if limit is not None and limit > _MAX_TRACES:
        raise _refused(f"limit {limit} exceeds max limit {_MAX_TRACES}")
    _look_at_range(request)
    return {"traces": [], "metrics": {}}


def _look_at_range(request: Request) -> None:
    start, end = _number(request, "start"), _number(request, "end")
    if start is None and end is None:
        return
    if start is None:
        raise _refused("error parsing date range: only one of start and end provided: must provide both or neither")
    if end is None or start >= end:
        raise _refused(f"http parameter start must be before end. received start={start} end={end or 0}")
    if end - start > _MAX_SECONDS:
        raise _refused(f"range specified by start and end exceeds 168h0m0s. received start={start} end={end}")


def _number(request: Request, name: str) -> int | None:
    """A whole number of 32 bits; None where it is not given."""
    text = request.one(name)
    if not text:
        return None
    reason = "value out of range" if re.fullmatch(r"\d+", text) else "invalid syntax"
    if reason == "invalid syntax" or int(text) >= _UINT32:
        raise _refused(f'invalid {name}: strconv.ParseUint: parsing "{text}": {reason}')
    return int(text)


def _tags(request: Request) -> dict[str, Any]:
    _look_at_scope(request)
    return {"tagNames": [], "metrics": {}}


def _tags_by_scope(request: Request) -> dict[str, Any]:
    # Intrinsic attributes are there whatever was stored.
    shown = _look_at_scope(request) in {"", "none", "intrinsic"}
    return {"scopes": [{"name": "intrinsic", "tags": list(_INTRINSIC)}] if shown else [], "metrics": {}}


def _look_at_scope(request: Request) -> str:
    scope = request.one("scope")
    if scope not in _SCOPES:
        raise _refused(f"invalid scope: {scope}")
    return scope


def _trace(trace_id: str, *, second: bool) -> Answer:
    wrong = re.search(r"[^0-9a-fA-F]", trace_id)
    if wrong:
        at = wrong.start() + 1
        raise _refused(f"trace IDs can only contain hex characters: invalid character '{wrong[0]}' at position {at}")
    if len(trace_id) > 32:
        raise _refused("trace IDs can't be larger than 128 bits")
    return json_answer({"trace": {}, "metrics": {}}) if second else Answer(404, b"", "")


_TEXTS = {"/api/echo": "echo", "/ready": "ready\n"}
_ROUTES: dict[str, Handler] = {
    "/api/search": _search,
    "/api/search/tags": _tags,
    "/api/status/buildinfo": _build_info,
    "/api/v2/search/tags": _tags_by_scope,
}
