"""The metrics that Tempo's generator makes of the traces: who calls whom, how often, with what outcome, how fast.

Names, labels and buckets were recorded from Tempo 3.1: ``connection_type`` is absent for ordinary edges, an entry's
client is ``user``, a database's server is its ``peer.service``, and an edge that never failed has no failures.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import numpy.typing as npt

from simulator.cluster import SimulatedCluster
from simulator.faults import DAY
from simulator.samples import SCRAPE_SECONDS
from simulator.tempo.courses import Course, RouteCourses
from simulator.tempo.spans import Kind
from simulator.tempo.strain import Flags, Floats, Strain
from simulator.tempo.topology import routes_of

Labels = dict[str, str]
BUCKETS = (0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, float("inf"))
_INSTANCE = {"__metrics_gen_instance": "tempo-metrics-generator-0"}
_REQUESTS = "traces_service_graph_request"
_WEEK = 7 * DAY
_WEEK_SLOTS = _WEEK // SCRAPE_SECONDS


@dataclass
class _Edge:
    labels: Labels
    calls: list[tuple[Flags, Flags, Floats, Floats]] = field(default_factory=list)
    """Of each step: whether it was taken, whether it failed, the server's seconds and the client's."""


@dataclass(frozen=True)
class _Week:
    edges: list[_Edge]

    @property
    def weight(self) -> int:
        """Bytes in memory, roughly."""
        return 18 * _WEEK_SLOTS * sum(len(edge.calls) for edge in self.edges)


Counter = Callable[[_Edge], Iterator[tuple[Labels, npt.NDArray[np.float64]]]]


def graph_metrics(cluster: SimulatedCluster) -> tuple[str, ...]:
    """The names of the metrics; none where the cluster's Tempo has no generator."""
    return tuple(_COUNTERS) if cluster.layout.profile.metrics_generator else ()


def graph_counters(
    cluster: SimulatedCluster, metric: str, times: npt.NDArray[np.int64]
) -> list[tuple[Labels, npt.NDArray[np.float64]]]:
    """Each series of a metric at times (Unix seconds, ascending); a counter starts anew each week, as after a restart.

    NaN before the cluster's history and after it; a series that counted nothing yet is not there.
    """
    found: dict[tuple[tuple[str, str], ...], npt.NDArray[np.float64]] = {}
    for week in range(int(times[0]) // _WEEK, int(times[-1]) // _WEEK + 1):
        within = (times // _WEEK == week) & (times >= cluster.oldest) & (times <= cluster.newest())
        places = times[within] % _WEEK // SCRAPE_SECONDS
        made = cluster.renderings.get((cluster.name, "service graph", week), partial(_week, cluster, week))
        for edge in made.edges if len(places) else ():
            for labels, counts in _COUNTERS[metric](edge):
                values = found.setdefault(tuple(labels.items()), np.full(len(times), np.nan))
                values[within] = np.cumsum(counts)[places]
    shown = [({"__name__": metric, **_INSTANCE, **dict(key)}, values) for key, values in found.items()]
    counted = [(labels, values) for labels, values in shown if "le" in labels or np.nan_to_num(values).any()]
    return [(dict(sorted(labels.items())), values) for labels, values in counted]


def _week(cluster: SimulatedCluster, week: int) -> _Week:
    first = week * _WEEK_SLOTS
    edges: defaultdict[tuple[tuple[str, str], ...], list[tuple[Flags, Flags, Floats, Floats]]] = defaultdict(list)
    for route in routes_of(cluster.layout):
        slots = np.arange(first, first + _WEEK_SLOTS, dtype=np.int64)
        for course in RouteCourses(Strain(cluster, slots), route).courses:
            labels = _edge_labels(course)
            if labels is not None:
                client = course.parent if course.parent is not None and course.step.kind is not Kind.CLIENT else course
                failed = course.failed | client.failed
                taken = course.present & (slots % route.every == 0)
                durations = course.duration.astype(np.float32), client.duration.astype(np.float32)
                edges[tuple(labels.items())].append((taken, failed & taken, *durations))
    return _Week([_Edge(dict(key), calls) for key, calls in sorted(edges.items())])


def _edge_labels(course: Course) -> Labels | None:
    """The edge that a step's server side, or its call of a database, stands for."""
    step, name = course.step, course.step.workload.name
    if "db.system" in step.attributes:
        return {"client": name, "connection_type": "database", "server": step.attributes["peer.service"]}
    if course.parent is None:
        return (
            {"client": "user", "connection_type": "virtual_node", "server": name} if step.kind is Kind.SERVER else None
        )
    if step.kind is Kind.CONSUMER:
        return {"client": course.parent.step.workload.name, "connection_type": "messaging_system", "server": name}
    return {"client": course.parent.step.workload.name, "server": name} if step.kind is Kind.SERVER else None


def _total(edge: _Edge) -> Iterator[tuple[Labels, npt.NDArray[np.float64]]]:
    yield edge.labels, np.sum([taken for taken, *_ in edge.calls], axis=0, dtype=np.float64)


def _failed(edge: _Edge) -> Iterator[tuple[Labels, npt.NDArray[np.float64]]]:
    yield edge.labels, np.sum([failed for _, failed, *_ in edge.calls], axis=0, dtype=np.float64)


def _sum(side: int, edge: _Edge) -> Iterator[tuple[Labels, npt.NDArray[np.float64]]]:
    yield edge.labels, np.sum([np.where(call[0], call[side], 0) for call in edge.calls], axis=0, dtype=np.float64)


def _buckets(side: int, edge: _Edge) -> Iterator[tuple[Labels, npt.NDArray[np.float64]]]:
    for bound in BUCKETS:
        counts = np.sum([call[0] & (call[side] <= bound) for call in edge.calls], axis=0, dtype=np.float64)
        yield {**edge.labels, "le": "+Inf" if bound == float("inf") else str(bound)}, counts


_SERVER, _CLIENT = 2, 3
_COUNTERS: dict[str, Counter] = {
    f"{_REQUESTS}_client_seconds_bucket": partial(_buckets, _CLIENT),
    f"{_REQUESTS}_client_seconds_count": _total,
    f"{_REQUESTS}_client_seconds_sum": partial(_sum, _CLIENT),
    f"{_REQUESTS}_failed_total": _failed,
    f"{_REQUESTS}_server_seconds_bucket": partial(_buckets, _SERVER),
    f"{_REQUESTS}_server_seconds_count": _total,
    f"{_REQUESTS}_server_seconds_sum": partial(_sum, _SERVER),
    f"{_REQUESTS}_total": _total,
}
