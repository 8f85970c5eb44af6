from __future__ import annotations

import math
from typing import Any

import pytest

from fleet.collectors.tempo.dependencies import (
    Connection,
    ServiceEdge,
    edges_of_metrics,
    edges_of_spans,
    graph_queries,
)
from fleet.frames.trace_frame import concatenate_spans
from tests.fleet.frames.spans import frame_of, span

CALL = frame_of(
    span("1", None, 0, 100, "gateway", "server"),
    span("2", "1", 10, 60, "gateway", "client"),
    span("3", "2", 20, 50, "orders", "server", status="error"),
    span("4", "3", 25, 30, "orders", "client", attributes='{"db.system":"postgresql","peer.service":"pg"}'),
    span("5", "3", 31, 32, "orders", "producer", attributes='{"messaging.system":"kafka"}'),
    span("6", "5", 70, 90, "mail", "consumer"),
    span("7", "6", 71, 72, "mail", "internal"),
    span("8", "6", 73, 74, "mail", "client", attributes='{"peer.service":"smtp"}'),
    span("9", "6", 75, 76, "mail", "client", attributes="{}"),
)


def test_edges_are_those_that_tempo_would_count() -> None:
    edges = {(edge.client, edge.server): edge for edge in edges_of_spans(CALL)}
    assert {key: (edge.connection, edge.calls, edge.errors) for key, edge in edges.items()} == {
        ("user", "gateway"): (Connection.OUTSIDE, 1, 0),
        ("gateway", "orders"): (Connection.SERVICE, 1, 1),
        ("orders", "pg"): (Connection.DATABASE, 1, 0),
        ("orders", "mail"): (Connection.MESSAGING, 1, 0),
        ("mail", "smtp"): (Connection.SERVICE, 1, 0),
    }
    assert edges["gateway", "orders"].latency_seconds[0.5] == pytest.approx(0.03)


def test_calls_of_many_traces_are_summed() -> None:
    def trace(number: int, **more: Any) -> list[dict[str, Any]]:
        ids = {"trace_id": f"{number:032x}"}
        return [
            span("1", None, 0, 10, "a", "client", **ids),
            span("2", "1", 1, 1 + number, "b", "server", **ids, **more),
        ]

    traces = [frame_of(*trace(number, status="error" if number % 4 == 0 else "unset")) for number in range(1, 101)]
    [edge] = edges_of_spans(concatenate_spans(traces))
    assert (edge.client, edge.server, edge.calls, edge.errors) == ("a", "b", 100, 25)
    assert edge.latency_seconds == pytest.approx({0.5: 0.0505, 0.95: 0.09505, 0.99: 0.09901})


def test_what_is_no_edge() -> None:
    inside = frame_of(span("1", None, 0, 9, "a"), span("2", "1", 1, 2, "a"), span("3", "x", 1, 2, "b", "server"))
    assert edges_of_spans(inside) == []
    itself = frame_of(span("1", None, 0, 9, "a", "client"), span("2", "1", 1, 2, "a", "server"))
    assert [(edge.client, edge.server) for edge in edges_of_spans(itself)] == [("a", "a")]


def test_spans_that_came_twice_are_one_call() -> None:
    rows = [span("1", None, 0, 9, "a", "server"), span("2", "1", 1, 2, "b", "server")]
    db = span("3", "2", 1, 2, "b", "client", attributes='{"db.system":"redis"}')
    edges = edges_of_spans(frame_of(*rows, db, *rows, db))
    assert {(edge.client, edge.server): edge.calls for edge in edges} == {
        ("user", "a"): 1,
        ("a", "b"): 1,
        ("b", "redis"): 1,
    }


def test_edges_of_the_generators_metrics() -> None:
    edge = {"client": "a", "server": "b"}
    outside = {"client": "user", "server": "a", "connection_type": "virtual_node"}
    bounds = (("0.1", 50.0), ("0.2", 90.0), ("no number", 95.0), ("+Inf", 100.0))
    buckets = [({**edge, "le": le}, count) for le, count in bounds]
    found = edges_of_metrics(
        [(outside, 7.0), (edge, 100.0), ({"client": "x", "server": "y"}, 0.0)], [(edge, 3.0)], buckets
    )
    assert found == [
        ServiceEdge("a", "b", Connection.SERVICE, 100.0, 3.0, {0.5: 0.1, 0.95: 0.2, 0.99: 0.2}),
        ServiceEdge("user", "a", Connection.OUTSIDE, 7.0, 0.0, {}),
    ]


@pytest.mark.parametrize(
    ("buckets", "median"),
    [
        ([(0.1, 0.0), (0.2, 10.0), (math.inf, 10.0)], 0.15),
        ([(0.1, 10.0), (math.inf, 10.0)], 0.05),
        ([(0.1, 10.0)], None),
        ([(0.1, 0.0), (math.inf, 0.0)], None),
    ],
)
def test_quantiles_out_of_buckets(buckets: list[tuple[float, float]], median: float | None) -> None:
    edge = {"client": "a", "server": "b"}
    samples = [({**edge, "le": "+Inf" if math.isinf(le) else str(le)}, count) for le, count in buckets]
    [found] = edges_of_metrics([(edge, 10.0)], [], samples)
    assert found.latency_seconds.get(0.5) == (None if median is None else pytest.approx(median))


def test_queries_name_the_metrics() -> None:
    calls, failed, latency = graph_queries(3600)
    assert calls == ("sum by (client, server, connection_type) (increase(traces_service_graph_request_total[3600s]))")
    assert "_failed_total" in failed
    assert "le)" in latency
