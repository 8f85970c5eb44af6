"""Prometheus' HTTP API over a simulated cluster: the pack's queries at any range and step, and nothing else.

Envelope, error texts and limits are those of Prometheus 2.42, recorded from a real server.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
import numpy.typing as npt
import orjson

from simulator.answers import Answer, RefusedError, Request, json_answer, text_answer
from simulator.cluster import SimulatedCluster
from simulator.exemplars import exemplars_of
from simulator.metric_types import metadata_of
from simulator.pack import PackEntry, one_line
from simulator.rendering import plain_number, render_matrix, time_stamps
from simulator.rules import pending_and_firing, rule_groups
from simulator.samples import SCRAPE_SECONDS
from simulator.signals import SIGNALS
from simulator.tempo.graph_queries import graph_samples, parse_graph_query
from simulator.tempo.service_graph import Labels, graph_metrics
from simulator.times import milliseconds_of_duration, milliseconds_of_time

MAX_POINTS = 11_000
_BLOCK_SAMPLES = 1_000_000
"""Samples generated at once, so that large clusters do not need large memory."""
_NUMBER = re.compile(r"\d+(\.\d+)?")
_LABEL_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_MATCHER = re.compile(r'\s*([a-zA-Z_][a-zA-Z0-9_]*)\s*(=~|!~|!=|=)\s*"((?:[^"\\]|\\.)*)"\s*,?')
_SELECTOR = re.compile(r"\s*([a-zA-Z_:][a-zA-Z0-9_:]*)?\s*(?:\{(.*)\})?\s*", re.DOTALL)
_BUILD = {
    "version": "2.53.1",
    "revision": "14cfec3f6048b735e08c1e9c64c8d4211d32bab4",
    "branch": "HEAD",
    "buildUser": "root@simulator",
    "buildDate": "20240710-10:14:17",
    "goVersion": "go1.22.5",
}
Handler = Callable[[SimulatedCluster, Request], Answer]


def answer_prometheus(cluster: SimulatedCluster, request: Request) -> Answer:
    """The answer to a request whose path is relative to the server's root.

    Raises:
        RefusedError: the request is refused with Prometheus' own text.
    """
    if request.path in {"/-/ready", "/-/healthy"}:
        word = "Ready" if request.path == "/-/ready" else "Healthy"
        return text_answer(f"Prometheus Server is {word}.\n")
    path = request.path.removeprefix("/api/v1/")
    handler, methods = _ROUTES.get(path, (None, frozenset()))
    if match := re.fullmatch(r"label/([^/]+)/values", path):
        handler, methods = partial(_label_values, match[1]), frozenset({"GET"})
    if handler is None or path == request.path:
        return text_answer("404 page not found\n", 404)
    if request.method not in methods:
        return text_answer("Method Not Allowed\n", 405)
    return handler(cluster, request)


def _bad_data(text: str) -> RefusedError:
    return RefusedError(json_answer({"status": "error", "errorType": "bad_data", "error": text}, 400))


def _success(data: object) -> Answer:
    return json_answer({"status": "success", "data": data})


def _time(request: Request, name: str) -> int:
    try:
        return milliseconds_of_time(request.one(name))
    except ValueError as error:
        raise _bad_data(f"invalid parameter \"{name}\": Invalid time value for '{name}': {error}") from error


def _entry(cluster: SimulatedCluster, request: Request) -> PackEntry:
    text = one_line(request.one("query"))
    if not text:
        raise _bad_data('invalid parameter "query": 1:1: parse error: no expression found in input')
    entry = cluster.pack.get(text)
    if entry is None or entry.id not in SIGNALS:
        raise _bad_data(
            'invalid parameter "query": 1:1: parse error: the simulator knows the default pack\'s queries only'
        )
    return entry


def _query(cluster: SimulatedCluster, request: Request) -> Answer:
    at = _time(request, "time") if "time" in request.parameters else int(time.time() * 1000)
    if _NUMBER.fullmatch(one_line(request.one("query"))):
        value = f"{float(one_line(request.one('query'))):g}"
        return _success({"resultType": "scalar", "result": [at / 1000, value]})
    graph = parse_graph_query(one_line(request.one("query")))
    if graph is not None:
        found = graph_samples(cluster, graph, _matchers(graph.selector), np.array([at // 1000]))
        pairs = [{"metric": labels, "value": [at / 1000, f"{values[0]:.10g}"]} for labels, values in found]
        return _success({"resultType": "vector", "result": pairs})
    if _chooses_nothing(cluster, one_line(request.one("query"))):
        return _success({"resultType": "vector", "result": []})
    entry = _entry(cluster, request)
    series, _ = cluster.series(entry.id)
    result = []
    if cluster.knows(entry) and series.rows and cluster.oldest * 1000 <= at <= cluster.newest() * 1000:
        slots = np.array([at // 1000 // SCRAPE_SECONDS])
        values = series.values(slots, slice(0, len(series.rows)))[:, 0]
        result = [
            {"metric": row.labels, "value": [at / 1000, plain_number(float(value), series.signal.decimals)]}
            for row, value in zip(series.rows, values, strict=True)
            if not np.isnan(value)
        ]
    body = orjson.dumps({"status": "success", "data": {"resultType": "vector", "result": result}})
    return Answer(200, body, samples=len(result))


def _chooses_nothing(cluster: SimulatedCluster, query: str) -> bool:
    """Whether a query is a selector by name alone, and no metric has such a name."""
    if not query.startswith("{") or _SELECTOR.fullmatch(query) is None:
        return False
    matchers = [holds for name, holds in _matchers(query) if name == "__name__"]
    return bool(matchers) and not any(all(holds(metric) for holds in matchers) for metric in cluster.metric_names)


def _query_range(cluster: SimulatedCluster, request: Request) -> Answer:
    start, end = _time(request, "start"), _time(request, "end")
    if end < start:
        raise _bad_data('invalid parameter "end": end timestamp must not be before start time')
    try:
        step = milliseconds_of_duration(request.one("step"))
    except ValueError as error:
        raise _bad_data(f'invalid parameter "step": {error}') from error
    if step <= 0:
        raise _bad_data(
            'invalid parameter "step": zero or negative query resolution step widths are not accepted. '
            "Try a positive integer"
        )
    if (end - start) / step > MAX_POINTS:
        raise _bad_data(
            f"exceeded maximum resolution of {MAX_POINTS:,} points per timeseries. "
            "Try decreasing the query resolution (?step=XX)"
        )
    graph = parse_graph_query(one_line(request.one("query")))
    if graph is not None:
        times = np.arange(start, end + 1, step) // 1000
        found = graph_samples(cluster, graph, _matchers(graph.selector), times)
        return _success({"resultType": "matrix", "result": [_graph_series(each, times) for each in found]})
    entry = _entry(cluster, request)
    parts, samples = [], 0
    for part, count in _matrix(cluster, entry, start, end, step):
        parts.append(part)
        samples += count
    joined = b"".join(parts).removesuffix(b",")
    body = b'{"status":"success","data":{"resultType":"matrix","result":[' + joined + b"]}}"
    return Answer(200, body, samples=samples)


def _graph_series(found: tuple[Labels, npt.NDArray[np.float64]], times: npt.NDArray[np.int64]) -> dict[str, object]:
    labels, values = found
    pairs = zip(times.tolist(), values.tolist(), strict=True)
    return {"metric": labels, "values": [[at, f"{value:.10g}"] for at, value in pairs if not np.isnan(value)]}


def _matrix(
    cluster: SimulatedCluster, entry: PackEntry, start: int, end: int, step: int
) -> Iterator[tuple[bytes, int]]:
    """The series of a range as JSON, block by block, with the number of samples in each. Times in milliseconds."""
    series, heads = cluster.series(entry.id)
    begin = max(0, -((start - round(cluster.oldest * 1000)) // step))
    points = (min(end, round(cluster.newest() * 1000)) - start) // step + 1 - begin
    if points <= 0 or not series.rows or not cluster.knows(entry):
        return
    first = start + begin * step
    stamps = time_stamps(first, step, points)
    slots = (first + step * np.arange(points, dtype=np.int64)) // (1000 * SCRAPE_SECONDS)
    block = max(1, _BLOCK_SAMPLES // points)
    for row in range(0, len(series.rows), block):
        chosen = slice(row, min(row + block, len(series.rows)))
        values = series.values(slots, chosen)
        samples = int(np.count_nonzero(~np.isnan(values)))
        yield render_matrix(values, series.signal.decimals, stamps, heads[chosen]), samples


def _label_values(name: str, cluster: SimulatedCluster, request: Request) -> Answer:
    if not _LABEL_NAME.fullmatch(name):
        raise _bad_data(f'invalid label name: "{name}"')
    if name == "__name__" and "match[]" not in request.parameters:
        return _success(sorted([*cluster.metric_names, *graph_metrics(cluster)]))
    return _success(sorted({labels[name] for labels in _selected(cluster, request) if name in labels}))


def _labels(cluster: SimulatedCluster, request: Request) -> Answer:
    return _success(sorted({name for labels in _selected(cluster, request) for name in labels}))


def _series(cluster: SimulatedCluster, request: Request) -> Answer:
    if "match[]" not in request.parameters:
        raise _bad_data("no match[] parameter provided")
    return _success(_selected(cluster, request))


def _selected(cluster: SimulatedCluster, request: Request) -> list[dict[str, str]]:
    """The label sets that any ``match[]`` selects; all of them where there is none."""
    selectors = request.parameters.get("match[]")
    if selectors is None:
        return [labels for metric in cluster.metric_names for labels in cluster.labels_of_metric(metric)]
    found: list[dict[str, str]] = []
    for selector in selectors:
        matchers = _matchers(selector)
        for metric in cluster.metric_names:
            if all(holds(metric) for name, holds in matchers if name == "__name__"):
                found += [
                    labels
                    for labels in cluster.labels_of_metric(metric)
                    if labels not in found and all(holds(labels.get(name, "")) for name, holds in matchers)
                ]
    return found


def _matchers(selector: str) -> list[tuple[str, Callable[[str], bool]]]:
    parsed = _SELECTOR.fullmatch(selector)
    if parsed is None or not selector.strip():
        raise _bad_data('invalid parameter "match[]": 1:1: parse error: unexpected character')
    found: list[tuple[str, Callable[[str], bool]]] = []
    if parsed[1]:
        found.append(("__name__", partial(str.__eq__, parsed[1])))
    rest = parsed[2] or ""
    while rest.strip():
        match = _MATCHER.match(rest)
        if match is None:
            raise _bad_data('invalid parameter "match[]": 1:2: parse error: unexpected character inside braces')
        found.append((match[1], _condition(match[2], match[3])))
        rest = rest[match.end() :]
    if not any(not holds("") for _, holds in found):
        raise _bad_data('invalid parameter "match[]": match[] must contain at least one non-empty matcher')
    return found


def _condition(operator: str, value: str) -> Callable[[str], bool]:
    if operator in {"=", "!="}:
        return lambda text: (text == value) == (operator == "=")
    try:
        pattern = re.compile(value)
    except re.error as error:
        raise _bad_data(f'invalid parameter "match[]": error parsing regexp: {error}') from error
    return lambda text: bool(pattern.fullmatch(text)) == (operator == "=~")


def _metadata(cluster: SimulatedCluster, request: Request) -> Answer:
    wanted, limit = request.one("metric"), request.one("limit")
    if limit and not re.fullmatch(r"-?\d+", limit):
        raise _bad_data("limit must be a number")
    found = metadata_of([*cluster.metric_names, *graph_metrics(cluster)])
    chosen = [name for name in found if wanted in {"", name}]
    return _success({name: found[name] for name in (chosen[: int(limit)] if int(limit or 0) > 0 else chosen)})


def _rules(cluster: SimulatedCluster, request: Request) -> Answer:
    kind = request.one("type")
    if kind not in {"", "alert", "record"}:
        raise _bad_data(f'invalid parameter "type": not supported value "{kind}"')
    return _success({"groups": rule_groups(cluster, kind)})


def _alerts(cluster: SimulatedCluster, request: Request) -> Answer:
    return _success({"alerts": pending_and_firing(cluster)})


def _exemplars(cluster: SimulatedCluster, request: Request) -> Answer:
    start, end = _time(request, "start"), _time(request, "end")
    if end < start:
        raise _bad_data('invalid parameter "end": end timestamp must not be before start time')
    promql = one_line(request.one("query"))
    if not promql:
        raise _bad_data('invalid parameter "query": 1:1: parse error: no expression found in input')
    return _success(exemplars_of(cluster, promql, start / 1000, end / 1000))


def _build_info(cluster: SimulatedCluster, request: Request) -> Answer:
    return _success(_BUILD)


def _runtime_info(cluster: SimulatedCluster, request: Request) -> Answer:
    return _success({"storageRetention": "21d", "reloadConfigSuccess": True, "corruptionCount": 0})


_GET = frozenset({"GET"})
_GET_POST = frozenset({"GET", "POST"})
_ROUTES: dict[str, tuple[Handler, frozenset[str]]] = {
    "query": (_query, _GET_POST),
    "query_range": (_query_range, _GET_POST),
    "query_exemplars": (_exemplars, _GET_POST),
    "rules": (_rules, _GET),
    "alerts": (_alerts, _GET),
    "labels": (_labels, _GET_POST),
    "series": (_series, _GET_POST),
    "metadata": (_metadata, _GET),
    "status/buildinfo": (_build_info, _GET),
    "status/runtimeinfo": (_runtime_info, _GET),
}
