"""The traces of a cluster at any time: the same seed, cluster and slot always give the same trace.

Each route has one trace a slot of 30 s, as a sampler that keeps a fixed rate would leave it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np

from simulator.cluster import SimulatedCluster
from simulator.faults import HOUR
from simulator.samples import SCRAPE_SECONDS
from simulator.tempo.bulk import bulk_count, bulk_trace, bulk_traces
from simulator.tempo.courses import Course, RouteCourses
from simulator.tempo.ids import BULK, place_of, span_id_of, trace_id_of
from simulator.tempo.spans import Attributes, Event, Kind, Scope, Span, Status, Trace
from simulator.tempo.strain import Strain
from simulator.tempo.topology import Route, routes_of
from simulator.timeline import Pod

_SCOPE = Scope("io.opentelemetry.http", "2.9.0")
_BYTES_A_SPAN = 1500
"""What a span takes in memory, roughly."""


@dataclass(frozen=True)
class Hour:
    """The traces that start within an hour, newest first."""

    traces: tuple[Trace, ...]

    @property
    def weight(self) -> int:
        """Bytes in memory, roughly."""
        return _BYTES_A_SPAN * sum(len(trace.spans) for trace in self.traces)


def traces_between(
    cluster: SimulatedCluster, start: float, end: float, *, failed_only: bool = False
) -> Iterator[Trace]:
    """The traces that start in ``start <= t < end`` (Unix seconds) and have ended by now, newest first.

    Args:
        cluster: whose.
        start: of their starts.
        end: of their starts.
        failed_only: leaves out traces in which nothing failed: most of them, and most of the time that they take.
    """
    start, end = max(start, cluster.oldest), min(end, cluster.newest())
    for hour in range(int((end - 1e-9) // HOUR), int(start // HOUR) - 1, -1) if end > start else ():
        key = (cluster.name, "traces", hour, failed_only)
        made = cluster.renderings.get(key, partial(_hour, cluster, hour, failed_only=failed_only))
        for trace in made.traces:
            if start * 1e9 <= trace.start_ns < end * 1e9 and trace.end_ns <= cluster.newest() * 1e9:
                yield trace


def generated_trace(cluster: SimulatedCluster, trace_id: bytes) -> Trace | None:
    """The trace with this id; None where there is none."""
    place = place_of(cluster.name, cluster.layout.seed, trace_id)
    if place is None:
        return None
    number, slot = place
    if number == BULK:
        return bulk_trace(cluster, slot) if slot < bulk_count(cluster) else None
    route = next((each for each in routes_of(cluster.layout) if each.number == number), None)
    found = _route_traces(cluster, route, range(slot, slot + 1)) if route is not None else iter(())
    start, newest = slot * SCRAPE_SECONDS, cluster.newest()
    return next((each for each in found if cluster.oldest <= start and each.end_ns <= newest * 1e9), None)


def _hour(cluster: SimulatedCluster, hour: int, *, failed_only: bool) -> Hour:
    first = hour * HOUR // SCRAPE_SECONDS
    traces = list(bulk_traces(cluster, hour))
    for route in routes_of(cluster.layout):
        slots = range(first, first + HOUR // SCRAPE_SECONDS)
        traces += _route_traces(cluster, route, slots, failed_only=failed_only)
    return Hour(tuple(sorted(traces, key=lambda trace: (-trace.start_ns, trace.trace_id))))


def _route_traces(
    cluster: SimulatedCluster, route: Route, slots: range, *, failed_only: bool = False
) -> Iterator[Trace]:
    own = np.array([slot for slot in slots if slot % route.every == 0], dtype=np.int64)
    if not len(own):
        return
    courses = RouteCourses(Strain(cluster, own), route).courses
    resources: dict[str, Attributes] = {}
    failed = np.any([course.failed & course.present for course in courses], axis=0)
    for at, slot in enumerate(own.tolist()):
        if courses[0].present[at] and (failed[at] or not failed_only):
            trace_id = trace_id_of(cluster.name, cluster.layout.seed, route.number, slot)
            yield Trace(trace_id, tuple(_spans(trace_id, courses, at, slot, resources)))


def _spans(
    trace_id: bytes, courses: list[Course], at: int, slot: int, resources: dict[str, Attributes]
) -> Iterator[Span]:
    """The spans of one trace, those of one pod together."""
    numbers = {id(course): number for number, course in enumerate(courses)}
    made: dict[str, list[Span]] = {}
    for number, course in enumerate(courses):
        if not course.present[at]:
            continue
        pod = course.pods[course.chosen[at]]
        parent = b"" if course.parent is None else span_id_of(trace_id, numbers[id(course.parent)])
        resource = resources.setdefault(pod.name, resource_of(pod))
        start_ns = int((slot * SCRAPE_SECONDS + course.start[at]) * 1e6) * 1000
        end_ns = start_ns + max(1000, int(course.duration[at] * 1e9))
        ids = span_id_of(trace_id, number), parent
        made.setdefault(pod.name, []).append(_span(course, at, ids, (start_ns, end_ns), resource))
    for spans in made.values():
        yield from spans


def _span(course: Course, at: int, ids: tuple[bytes, bytes], times: tuple[int, int], resource: Attributes) -> Span:
    step, failed = course.step, bool(course.failed[at])
    attributes, message, events = step.attributes, "", ()
    if failed:
        attributes, message, events = _failure(course, at, times)
    return Span(
        span_id=ids[0],
        parent_id=ids[1],
        name=step.name,
        kind=step.kind,
        start_ns=times[0],
        end_ns=times[1],
        resource=resource,
        attributes=attributes,
        status=Status.ERROR if failed else Status.UNSET,
        message=message,
        events=events,
        scope=_SCOPE,
    )


def _failure(course: Course, at: int, times: tuple[int, int]) -> tuple[Attributes, str, tuple[Event, ...]]:
    """Attributes, message and events of a span that failed."""
    step = course.step
    if step.kind in {Kind.CLIENT, Kind.SERVER} and _refused(course, at):
        code = {"http.response.status_code": 503} if "http.request.method" in step.attributes else {}
        return {**step.attributes, **code, "error.type": "connection_refused"}, "connection refused", ()
    code = {"http.response.status_code": 500} if "http.request.method" in step.attributes else {}
    attributes = {**step.attributes, **code, "error.type": "500" if code else "internal"}
    if step.kind is Kind.CLIENT or course.parent is None:
        return attributes, "the service behind it failed", ()
    image = course.pods[course.chosen[at]].revision.image
    details = {"exception.type": "IllegalStateException", "exception.message": f"unexpected reply in {image}"}
    return attributes, details["exception.message"], (Event("exception", times[1] - 1000, details),)


def _refused(course: Course, at: int) -> bool:
    """Whether nobody was there behind a call, or behind the call that a router's span is about."""
    call = course.children[0] if course.parent is None and course.children else course
    return any(not child.present[at] for child in call.children if child.step.kind is Kind.SERVER)


def resource_of(pod: Pod) -> Attributes:
    """What a pod's spans say of it."""
    return {
        "k8s.namespace.name": pod.workload.namespace,
        "k8s.node.name": pod.node,
        "k8s.pod.name": pod.name,
        "service.name": pod.workload.name,
        "service.version": pod.revision.image.rpartition(":")[2],
        "telemetry.sdk.language": "go",
    }
