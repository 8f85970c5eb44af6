"""Traces that are there for their number only, for benchmarks: alike in form, different in ids and times."""

from __future__ import annotations

from collections.abc import Iterator

from simulator.cluster import SimulatedCluster
from simulator.faults import HOUR
from simulator.tempo.ids import BULK, span_id_of, trace_id_of
from simulator.tempo.spans import Attributes, Kind, Scope, Span, Trace

SPANS_A_TRACE = 50
_SERVICES = 7
_CALLS = 5
_SCOPE = Scope("bulk", "1")


def bulk_count(cluster: SimulatedCluster) -> int:
    """How many such traces a cluster has."""
    return cluster.bulk_spans // SPANS_A_TRACE


def bulk_traces(cluster: SimulatedCluster, hour: int) -> Iterator[Trace]:
    """Those of an hour (Unix time over 3600): all of them lie in the hour before the anchor."""
    if hour == int(cluster.timeline.anchor) // HOUR - 1:
        for number in range(bulk_count(cluster)):
            yield bulk_trace(cluster, number)


def bulk_trace(cluster: SimulatedCluster, number: int) -> Trace:
    """One of them: a front service that calls seven services, each of which asks its database five times."""
    trace_id = trace_id_of(cluster.name, cluster.layout.seed, BULK, number)
    begin = int(cluster.timeline.anchor) - HOUR
    start = begin * 10**9 + number * HOUR * 10**9 // bulk_count(cluster)
    spans = [_span(trace_id, 0, None, ("GET /", Kind.SERVER), (start, 90_000_000), _RESOURCES["front"])]
    for service in range(_SERVICES):
        called = len(spans)
        at = start + 1_000_000 + service * 12_000_000
        name = f"service-{service}"
        spans.append(_span(trace_id, called, 0, (f"GET /{name}", Kind.CLIENT), (at, 11_000_000), _RESOURCES["front"]))
        own = _RESOURCES[name]
        spans.append(
            _span(trace_id, called + 1, called, (f"GET /{name}", Kind.SERVER), (at + 500_000, 10_000_000), own)
        )
        for call in range(_CALLS):
            asked = at + 1_000_000 + call * 1_500_000
            spans.append(
                _span(trace_id, called + 2 + call, called + 1, ("SELECT rows", Kind.CLIENT), (asked, 1_200_000), own)
            )
    ordered = sorted(spans, key=lambda span: span.service)
    return Trace(trace_id, tuple(ordered))


def _span(
    trace_id: bytes,
    number: int,
    parent: int | None,
    what: tuple[str, Kind],
    time: tuple[int, int],
    resource: Attributes,
) -> Span:
    attributes: Attributes = {
        "http.request.method": "GET",
        "http.route": what[0],
        "http.response.status_code": 200,
        "network.peer.address": f"10.1.{number}.7",
        "network.peer.port": 8080,
        "thread.id": number,
        "url.path": f"/api/v1/items/{number}",
    }
    return Span(
        span_id=span_id_of(trace_id, number),
        parent_id=b"" if parent is None else span_id_of(trace_id, parent),
        name=what[0],
        kind=what[1],
        start_ns=time[0],
        end_ns=time[0] + time[1],
        resource=resource,
        attributes=attributes,
        scope=_SCOPE,
    )


_RESOURCES = {
    name: {
        "k8s.namespace.name": "bulk",
        "k8s.node.name": "worker-0",
        "k8s.pod.name": f"{name}-7c9d4f5b6-x2x4z",
        "service.name": name,
    }
    for name in ("front", *(f"service-{number}" for number in range(_SERVICES)))
}
