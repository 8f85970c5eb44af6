"""Thanos Query before a cluster's Prometheus: two replicas, their list, deduplication, and answers without a store.

Parameters, errors and the list of stores: ``thanos/pkg/api/query``.
"""

from __future__ import annotations

from typing import Any

import orjson

from simulator.answers import Answer, RefusedError, Request, json_answer
from simulator.cluster import SimulatedCluster
from simulator.prometheus import answer_prometheus
from simulator.times import milliseconds_of_duration

_REPLICA_LABEL = "prometheus_replica"
_REPLICAS = ("prometheus-k8s-0", "prometheus-k8s-1")
_QUERIES = frozenset({"/api/v1/query", "/api/v1/query_range"})
_TRUE, _FALSE = (
    frozenset({"1", "t", "T", "TRUE", "true", "True"}),
    frozenset({"0", "f", "F", "FALSE", "false", "False"}),
)


def answer_thanos(cluster: SimulatedCluster, request: Request) -> Answer:
    """The answer to a request whose path is relative to the server's root.

    Raises:
        RefusedError: the request is refused with Thanos' or Prometheus' own text.
    """
    if request.path == "/api/v1/stores":
        return _stores(cluster)
    dedup = _switch(request, "dedup")
    _switch(request, "partial_response")
    _check_resolution(request)
    answer = answer_prometheus(cluster, request)
    if dedup or request.path not in _QUERIES or answer.status != 200:
        return answer
    document = orjson.loads(answer.body)
    if document["data"]["resultType"] in {"vector", "matrix"}:
        document["data"]["result"] = [
            {**series, "metric": {**series["metric"], _REPLICA_LABEL: replica}}
            for series in document["data"]["result"]
            for replica in _REPLICAS
        ]
    return Answer(200, orjson.dumps(document), samples=answer.samples * len(_REPLICAS))


def without_store(request: Request, answer: Answer) -> Answer:
    """What becomes of an answer while one of several stores is down: a third of the series are not in it.

    Raises:
        RefusedError: the client wants no answer that is not whole.
    """
    text = "receive series from Addr: 10.128.0.9:10901: rpc error: code = Unavailable desc = connection refused"
    if request.one("partial_response", "true") in _FALSE:
        raise RefusedError(json_answer({"status": "error", "errorType": "execution", "error": text}, 422))
    document = orjson.loads(answer.body)
    document["warnings"] = [text]
    data = document["data"]
    if isinstance(data, dict) and data.get("resultType") in {"vector", "matrix"}:
        data["result"] = [series for at, series in enumerate(data["result"]) if at % 3]
    return Answer(200, orjson.dumps(document), headers={"Cache-Control": "no-store"}, samples=answer.samples)


def _stores(cluster: SimulatedCluster) -> Answer:
    def sidecar(replica: str) -> dict[str, Any]:
        labels = {"prometheus": "openshift-monitoring/k8s", _REPLICA_LABEL: replica}
        return {
            "name": f"{replica}.prometheus-k8s-thanos-sidecar:10901",
            "lastCheck": "2026-01-01T00:00:00Z",
            "lastError": None,
            "labelSets": [labels],
            "minTime": int(cluster.oldest * 1000),
            "maxTime": 9223372036854775807,
        }

    return json_answer({"status": "success", "data": {"sidecar": [sidecar(each) for each in _REPLICAS]}})


def _switch(request: Request, name: str) -> bool:
    value = request.one(name, "true")
    if value not in _TRUE | _FALSE:
        raise _bad_data(
            f"'{name}' parameter: strconv.ParseBool: parsing {orjson.dumps(value).decode()}: invalid syntax"
        )
    return value in _TRUE


def _check_resolution(request: Request) -> None:
    value = request.one("max_source_resolution", "auto")
    try:
        milliseconds_of_duration("1" if value in {"auto", "0s", "0"} else value)
    except ValueError as error:
        raise _bad_data(f"'max_source_resolution' parameter: {error}") from error


def _bad_data(text: str) -> RefusedError:
    return RefusedError(json_answer({"status": "error", "errorType": "bad_data", "error": text}, 400))
