"""Exemplars: single requests behind the latencies that Tempo's metrics generator counts, each with its trace."""

from __future__ import annotations

import re
from bisect import bisect_left
from typing import Any

from simulator.cluster import SimulatedCluster
from simulator.tempo.found import stored_traces
from simulator.tempo.service_graph import BUCKETS, graph_metrics
from simulator.tempo.spans import Span, Trace

_METRIC = "traces_service_graph_request_server_seconds_bucket"
_MOST_EXEMPLARS = 100
"""A real server keeps a fixed number, too, the newest ones."""


def exemplars_of(cluster: SimulatedCluster, promql: str, start: float, end: float) -> list[dict[str, Any]]:
    """The exemplars of the series that a query names, as ``/api/v1/query_exemplars`` shows them.

    Args:
        cluster: whose.
        promql: the query; its own conditions on labels are not looked at.
        start: Unix seconds.
        end: Unix seconds.
    """
    if _METRIC not in graph_metrics(cluster) or not re.search(rf"\b{_METRIC}\b", promql):
        return []
    series: dict[tuple[str, str], list[dict[str, Any]]] = {}
    count = 0
    for trace in stored_traces(cluster, start, end):
        if trace.root is not None and count < _MOST_EXEMPLARS:
            series.setdefault(_place(trace.root), []).append(_exemplar(trace, trace.root))
            count += 1
    return [
        {
            "seriesLabels": {
                "__name__": _METRIC,
                "client": "user",
                "connection_type": "virtual_node",
                "le": le,
                "server": server,
            },
            "exemplars": found[::-1],
        }
        for (server, le), found in sorted(series.items())
    ]


def _place(span: Span) -> tuple[str, str]:
    """The server and the bucket that a request was counted in."""
    bound = BUCKETS[bisect_left(BUCKETS, _seconds(span))]
    return span.service, "+Inf" if bound == float("inf") else str(bound)


def _exemplar(trace: Trace, span: Span) -> dict[str, Any]:
    timestamp = span.end_ns // 1_000_000 / 1000
    return {"labels": {"trace_id": trace.hex_id}, "value": f"{_seconds(span):g}", "timestamp": timestamp}


def _seconds(span: Span) -> float:
    return (span.end_ns - span.start_ns) / 1e9
