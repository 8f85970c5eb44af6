"""Loki's HTTP API: which request is answered by whom, and in which envelope.

Forms and errors are those of Loki 3.8, recorded from a real server; what the gateway of OpenShift lets through is from
its source.
"""

from __future__ import annotations

import re
import time
import zlib
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import orjson

from simulator.answers import Answer, Request, json_answer, text_answer
from simulator.cluster import SimulatedCluster
from simulator.gateways import Gateway
from simulator.loki import index
from simulator.loki.ingestion import take_push
from simulator.loki.numbers import answer_instant, answer_matrix
from simulator.loki.pages import as_streams, page_of
from simulator.loki.parameters import backward_of, check_limit, limit_of, refused, step_of, window_of
from simulator.loki.parser import parse_query
from simulator.loki.pipeline import Pipeline
from simulator.loki.pushed import Pushes
from simulator.loki.query import LogQuery, Query
from simulator.loki.statistics import statistics
from simulator.loki.tail import Tail, tail_of
from simulator.loki.tenants import OPENSHIFT, Logs, logs_of
from simulator.loki.tokens import QueryError

_JSON = "application/json; charset=UTF-8"
_PREFIX = "/loki/api/v1/"
_GATEWAY = Gateway(
    "/api/logs/v1/{tenant}",
    OPENSHIFT,
    re.compile(
        r"/loki/api/v1/(query|query_range|labels?|label/[^/]+/values|series|tail|index/volume(_range)?"
        r"|detected_labels|push)"
    ),
)
_LABEL_VALUES = re.compile(r"label/([^/]+)/values")
_GZIP_FROM_BYTES = 1400
_BUILD = {
    "version": "3.1.1",
    "revision": "89fe788d",
    "branch": "release-3.1.x",
    "buildUser": "root@simulator",
    "buildDate": "2024-08-08T15:03:19Z",
    "goVersion": "go1.22.5",
}
Handler = Callable[[Logs, Request], Answer | Tail]


def answer_loki(cluster: SimulatedCluster, request: Request) -> Answer | Tail:
    """The answer to a request whose path is relative to the server's root or, on OpenShift, to that of the gateway.

    Raises:
        RefusedError: the request is refused with Loki's own text.
    """
    tenant = _GATEWAY.tenant_of(cluster, request)
    request = _GATEWAY.behind(cluster, request)
    if request.path in _PLAIN:
        return _PLAIN[request.path](cluster, request)
    path = request.path.removeprefix(_PREFIX)
    methods, handler = _ROUTES.get(path, (_READ, None))
    if match := _LABEL_VALUES.fullmatch(path):
        handler = partial(_label_values, match[1])
    if handler is None or path == request.path or request.method == "DELETE":
        return text_answer("404 page not found\n", 404)
    if request.method not in methods:
        return Answer(405, b"", "")
    logs = logs_of(cluster, request, tenant)
    try:
        answer = handler(logs, request)
    except QueryError as error:
        raise refused(str(error)) from error
    return answer if isinstance(answer, Tail) else _packed(request, answer)


def _packed(request: Request, answer: Answer) -> Answer:
    """The answer as the client can take it: large ones with gzip."""
    taken = {each.partition(";")[0].strip() for each in request.headers.get("accept-encoding", "").split(",")}
    if "gzip" not in taken or len(answer.body) < _GZIP_FROM_BYTES:
        return answer
    packer = zlib.compressobj(1, zlib.DEFLATED, 31)
    return replace(answer, body=packer.compress(answer.body) + packer.flush(), headers={"Content-Encoding": "gzip"})


def _success(**more: Any) -> Answer:
    return Answer(200, orjson.dumps({"status": "success", **more}), _JSON)


def _data(kind: str, result: list[Any], began: float, *, flags: bool = False, returned: int | None = None) -> Answer:
    count = len(result) if returned is None else returned
    told = {"encodingFlags": ["categorize-labels"]} if flags else {}
    stats = statistics(time.perf_counter() - began, count)
    body = orjson.dumps({"status": "success", "data": {"resultType": kind, **told, "result": result, "stats": stats}})
    return Answer(200, body, _JSON, samples=count)


def _ready(cluster: SimulatedCluster, request: Request) -> Answer:
    return text_answer("ready\n")


def _build_info(cluster: SimulatedCluster, request: Request) -> Answer:
    return json_answer(_BUILD)


def _flush(cluster: SimulatedCluster, request: Request) -> Answer:
    if request.method != "POST":
        return Answer(405, b"", "")
    cluster.state(Pushes).flush()
    return Answer(204, b"", "")


def _push(logs: Logs, request: Request) -> Answer:
    return take_push(logs.pushed, request)


def _labels(logs: Logs, request: Request) -> Answer:
    return _names(index.label_names(logs, request))


def _label_values(name: str, logs: Logs, request: Request) -> Answer:
    return _names(index.label_values(logs, request, name))


def _names(names: list[str]) -> Answer:
    """Loki leaves out what is empty."""
    return _success(data=names) if names else _success()


def _series(logs: Logs, request: Request) -> Answer:
    return _success(data=index.series(logs, request))


def _index_stats(logs: Logs, request: Request) -> Answer:
    return Answer(200, orjson.dumps(index.statistics_of(logs, request)), _JSON)


def _volume(logs: Logs, request: Request) -> Answer:
    began = time.perf_counter()
    return _data("vector", index.volume(logs, request), began)


def _volume_range(logs: Logs, request: Request) -> Answer:
    began = time.perf_counter()
    return _data("matrix", index.volume_range(logs, request), began)


def _detected_labels(logs: Logs, request: Request) -> Answer:
    return Answer(200, orjson.dumps({"detectedLabels": index.detected_labels(logs, request)}), _JSON)


def _query(logs: Logs, request: Request) -> Answer:
    began = time.perf_counter()
    query = parse_query(request.one("query"))
    if isinstance(query, LogQuery):
        text = "log queries are not supported as an instant query type, please change your query to a range query type"
        raise refused(text)
    kind, result = answer_instant(logs, query, request)
    return _data(kind, result, began, returned=1 if kind == "scalar" else None)


def _query_range(logs: Logs, request: Request) -> Answer:
    began = time.perf_counter()
    window = window_of(request)
    limit, backward = limit_of(request), backward_of(request)
    step_ns = step_of(request, window)
    query: Query = parse_query(request.one("query"))
    if not isinstance(query, LogQuery):
        return _data("matrix", answer_matrix(logs, query, window, step_ns), began)
    check_limit(limit)
    categorize = "categorize-labels" in request.headers.get("x-loki-response-encoding-flags", "")
    view, pipeline = logs.view(query.matchers), Pipeline(query)
    page = page_of(view, pipeline, window.start_ns, window.end_ns, limit, backward=backward)
    result = as_streams(page, categorize=categorize)
    return _data("streams", result, began, flags=categorize, returned=len(page))


_READ = frozenset({"GET", "POST"})
_GET = frozenset({"GET"})
_PLAIN: dict[str, Callable[[SimulatedCluster, Request], Answer]] = {
    "/ready": _ready,
    "/flush": _flush,
    "/loki/api/v1/status/buildinfo": _build_info,
}
_ROUTES: dict[str, tuple[frozenset[str], Handler]] = {
    "detected_labels": (_READ, _detected_labels),
    "index/stats": (_READ, _index_stats),
    "index/volume": (_READ, _volume),
    "index/volume_range": (_READ, _volume_range),
    "label": (_READ, _labels),
    "labels": (_READ, _labels),
    "push": (frozenset({"POST"}), _push),
    "query": (_READ, _query),
    "query_range": (_READ, _query_range),
    "series": (_READ, _series),
    "tail": (_GET, tail_of),
}
