"""What ``fleetscope query traces`` asks of one Tempo."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from fleet.collectors.prometheus import PrometheusClient
from fleet.collectors.tempo import TempoClient, TraceRequest, collect_traces
from fleet.collectors.tempo.answers import FoundTrace
from fleet.collectors.tempo.dependencies import ServiceEdge, edges_of_metrics, edges_of_spans, graph_queries
from fleet.collectors.tempo.pages import TracePages
from fleet.collectors.tempo.traceql import TraceQuery, spans_with
from fleet.errors import CredentialMissing, SourceError
from fleet.frames.log_frame import time_of
from fleet.frames.span_tree import SpanTree, trees
from fleet.frames.trace_frame import SpanFrame
from fleet.frames.window import Window
from fleet.inventory.cluster import EndpointKind
from interfaces.cli.query.asking import Access, Answer, Seen, access_to
from storage.stores import Stores

SAMPLE = 200
"""Traces from which calls are counted where no metrics have counted them."""


@dataclass(frozen=True)
class TracesFound:
    """Traces, the newest first; ``more`` where there are others beyond those that were asked for."""

    traces: list[FoundTrace]
    more: bool = False


@dataclass(frozen=True)
class TraceFound:
    """One trace's spans; none where the cluster has not that trace."""

    spans: SpanFrame

    @property
    def tree(self) -> SpanTree | None:
        """The trace as a tree."""
        return next(trees(self.spans), None)

    def rows(self) -> list[dict[str, Any]]:
        """What ``--json`` shows of it: the spans in order of their callers, with their own time and the path's."""
        tree = self.tree
        if tree is None:
            return []
        on_path: dict[int, int] = {}
        for segment in tree.critical_path():
            on_path[segment.node.row] = on_path.get(segment.node.row, 0) + segment.duration_ns
        table = self.spans.table
        return [
            {
                **{name: table[name][node.row].as_py() for name in ("trace_id", "span_id", "parent_id", "service")},
                **{name: getattr(node, name) for name in ("name", "kind", "status", "start_ns", "duration_ns")},
                "self_ns": node.self_ns,
                "critical_path_ns": on_path.get(node.row, 0),
                "attributes": orjson.loads(table["attributes"][node.row].as_py()),
            }
            for node in tree.walk()
        ]


@dataclass(frozen=True)
class ServicesFound:
    """Names of services."""

    services: list[str]

    def rows(self) -> list[dict[str, Any]]:
        """What ``--json`` shows of it."""
        return [{"service": each} for each in self.services]


@dataclass(frozen=True)
class CallsFound:
    """Who calls whom, and by what it was counted."""

    edges: list[ServiceEdge]
    counted_by: str

    def rows(self) -> list[dict[str, Any]]:
        """What ``--json`` shows of it."""
        rows = []
        for edge in self.edges:
            latency = {f"p{quantile * 100:g}": seconds for quantile, seconds in edge.latency_seconds.items()}
            rows.append({**asdict(edge), "latency_seconds": latency, "counted_by": self.counted_by})
        return rows


def ask_search(query: TraceQuery, window: Window, limit: int, access: Access) -> Seen[TracesFound]:
    """The newest traces that match; all of them where the limit is 0."""
    with TempoClient(access.endpoint, access.credentials, governor=access.governor) as client:
        if limit:
            # One more than is shown tells whether there are more.
            found = client.search(query, window, limit + 1)
            return Seen(TracesFound(found[:limit], more=len(found) > limit))
        pages = TracePages(client, query, window)
        found = list(pages)
    crowded = [f"{len(pages.crowded)} seconds hold more traces than a search finds"] if pages.crowded else []
    return Seen.perhaps_incomplete(TracesFound(found), crowded)


def ask_trace(trace_id: str, access: Access) -> Seen[TraceFound]:
    """One trace, where the cluster has it."""
    with TempoClient(access.endpoint, access.credentials, governor=access.governor) as client:
        spans, incomplete = client.read_trace(trace_id)
    return Seen.perhaps_incomplete(TraceFound(spans), [incomplete] if incomplete else [])


def ask_services(window: Window, access: Access) -> Seen[ServicesFound]:
    """The services that made spans."""
    with TempoClient(access.endpoint, access.credentials, governor=access.governor) as client:
        return Seen(ServicesFound(client.services(window)))


def ask_dependencies(stores: Stores, window: Window, access: Access) -> Seen[CallsFound]:
    """Who calls whom: as Tempo's metrics generator counted it, or else from the spans of the newest traces."""
    counted = _counted_edges(stores, window, access)
    if counted:
        return Seen(CallsFound(counted, "the metrics generator"))
    with TempoClient(access.endpoint, access.credentials, governor=access.governor) as client:
        # The last moments cannot be searched yet: a window that ends before them can be seen whole.
        searchable = datetime.now(UTC) - timedelta(seconds=client.limits.searchable_seconds)
        if searchable > window.start:
            window = Window(start=window.start, end=min(window.end, searchable))
        frame, coverage = collect_traces(client, access.cluster.id, TraceRequest(spans_with(), window, enough=SAMPLE))
    return Seen.of(CallsFound(edges_of_spans(frame), f"the spans of the newest {frame.traces:,} traces"), coverage)


def newest(limit: int, answers: Sequence[Answer[TracesFound]]) -> tuple[list[tuple[str, FoundTrace]], bool]:
    """The traces of all clusters with their clusters' names, the newest first and no more than were asked for; and
    whether there are more.
    """
    found = [(answer.cluster, answer.found) for answer in answers if answer.found is not None]
    rows = sorted(((name, each) for name, traces in found for each in traces.traces), key=lambda row: -row[1].start_ns)
    shown = rows[: limit or None]
    return shown, len(shown) < len(rows) or any(traces.more for _, traces in found)


def search_document(limit: int, answers: Sequence[Answer[TracesFound]]) -> dict[str, Any]:
    """What ``--json`` prints of a search."""
    shown, more = newest(limit, answers)
    rows = [{"cluster": name, **asdict(each), "started_at": time_of(each.start_ns)} for name, each in shown]
    return {"traces": rows, "more": more, "coverage": [answer.row for answer in answers]}


def document(what: str, answers: Sequence[Answer[Any]]) -> dict[str, Any]:
    """What ``--json`` prints."""
    found = [
        {"cluster": answer.cluster, **row}
        for answer in answers
        if answer.found is not None
        for row in answer.found.rows()
    ]
    return {what: found, "coverage": [answer.row for answer in answers]}


def _counted_edges(stores: Stores, window: Window, access: Access) -> list[ServiceEdge]:
    """None where the cluster's Prometheus has no such metrics, or does not answer: spans tell it, too."""
    metrics = access_to(stores, access.cluster, EndpointKind.PROMETHEUS)
    if metrics is None:
        return []
    with PrometheusClient(metrics.endpoint, metrics.credentials, governor=metrics.governor) as client:
        try:
            answers = [client.query(promql, window.end) for promql in graph_queries(round(window.seconds))]
        except (SourceError, CredentialMissing):
            return []
    calls, failed, buckets = ([(dict(each.labels), each.value) for each in answer.samples] for answer in answers)
    return edges_of_metrics(calls, failed, buckets)
