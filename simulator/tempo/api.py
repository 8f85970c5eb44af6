"""Tempo's HTTP API over a simulated cluster. Forms and errors are those of Tempo 3.1, recorded from a real server."""

from __future__ import annotations

import re
from collections.abc import Callable

from simulator.answers import Answer, Request, json_answer, text_answer
from simulator.cluster import SimulatedCluster
from simulator.gateways import Gateway
from simulator.tempo.documents import resource_spans
from simulator.tempo.found import stored_trace
from simulator.tempo.parameters import refused
from simulator.tempo.protobuf import EMPTY_RESPONSE, response_message, trace_message
from simulator.tempo.search import search
from simulator.tempo.span_metrics import query_range
from simulator.tempo.tags import tag_names, tag_values, tags_by_scope, typed_tag_values

PROTOBUF = "application/protobuf"
_GATEWAY = Gateway("/api/traces/v1/{tenant}/tempo", ("platform",), re.compile(r"/api(/.*)?"))
_BUILD = {
    "version": "2.5.0",
    "revision": "46dad3411",
    "branch": "HEAD",
    "buildUser": "root@simulator",
    "buildDate": "2024-05-17T14:12:30Z",
    "goVersion": "go1.22.3",
}
_ID_DIGITS = 32
_WINDOW = re.compile(r"-?\d+")
Handler = Callable[[SimulatedCluster, Request], Answer]


def answer_tempo(cluster: SimulatedCluster, request: Request) -> Answer:
    """The answer to a request whose path is relative to the server's root or, on OpenShift, to that of the gateway.

    Raises:
        RefusedError: the request is refused with Tempo's own text.
    """
    request = _GATEWAY.behind(cluster, request)
    if request.path in _TEXTS:
        return text_answer(_TEXTS[request.path])
    if match := re.fullmatch(r"/api(/v2)?/traces/([^/]+)", request.path):
        return _trace(cluster, request, match[2], second=match[1] is not None)
    if match := re.fullmatch(r"/api(/v2)?/search/tag/(.+)/values", request.path):
        return (typed_tag_values if match[1] else tag_values)(cluster, request, match[2])
    handler = _ROUTES.get(request.path)
    return text_answer("404 page not found\n", 404) if handler is None else handler(cluster, request)


def _build_info(cluster: SimulatedCluster, request: Request) -> Answer:
    return json_answer(_BUILD)


def _trace(cluster: SimulatedCluster, request: Request, digits: str, *, second: bool) -> Answer:
    """A trace by id, whatever window is named, as JSON or, where exactly that is asked for, as protobuf."""
    trace_id = _trace_id(digits)
    _look_at_window(request)
    trace = stored_trace(cluster, trace_id)
    as_protobuf = request.accept == PROTOBUF
    if trace is None and not second:
        return Answer(404, b"", "")
    if trace is None:
        return Answer(200, EMPTY_RESPONSE, PROTOBUF) if as_protobuf else json_answer({"trace": {}, "metrics": {}})
    if as_protobuf:
        return Answer(200, response_message(trace) if second else trace_message(trace), PROTOBUF)
    spans = resource_spans(trace)
    return json_answer({"trace": {"resourceSpans": spans}, "metrics": {}} if second else {"batches": spans})


def _trace_id(digits: str) -> bytes:
    """An id from its digits, of which leading zeros may lack."""
    wrong = re.search(r"[^0-9a-fA-F]", digits)
    if wrong:
        at = wrong.start() + 1
        raise refused(f"trace IDs can only contain hex characters: invalid character '{wrong[0]}' at position {at}")
    if len(digits) > _ID_DIGITS:
        raise refused("trace IDs can't be larger than 128 bits")
    return bytes.fromhex(digits.rjust(_ID_DIGITS, "0"))


def _look_at_window(request: Request) -> None:
    for name in ("start", "end"):
        text = request.one(name)
        if text and not _WINDOW.fullmatch(text):
            raise refused(f'invalid {name}: strconv.ParseInt: parsing "{text}": invalid syntax')
    start, end = request.one("start"), request.one("end")
    if start and end and int(start) >= int(end):
        raise refused(f"http parameter start must be before end. received start={start} end={end}")


_TEXTS = {"/api/echo": "echo", "/ready": "ready\n"}
_ROUTES: dict[str, Handler] = {
    "/api/metrics/query_range": query_range,
    "/api/search": search,
    "/api/search/tags": tag_names,
    "/api/status/buildinfo": _build_info,
    "/api/v2/search/tags": tags_by_scope,
}
