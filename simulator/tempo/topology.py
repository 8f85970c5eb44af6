"""Which services of a cluster call which: a tree of steps for each routed workload, and for each batch workload."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from simulator.layout import Layout, Workload
from simulator.tempo.spans import Attributes, Kind

PLATFORM_WORKLOADS = 4
"""The layout's first workloads are the platform's; the third of them is the router."""
_ROUTER = 2
_MOST_PEERS = 2


@dataclass(frozen=True)
class Step:
    """A span of every trace of a route.

    Attributes:
        workload: whose pods make it.
        name: the span's.
        kind: the span's.
        share: of the route's usual latency that it spends by itself.
        attributes: of the span.
        children: what it calls, one after the other, or all at once where ``together``.
        together: whether it calls its children all at once.
        fixed_seconds: what it spends by itself whatever the route's latency is.
        detached: it starts when its parent is done, and nobody waits for it.
    """

    workload: Workload
    name: str
    kind: Kind
    share: float = 0.0
    attributes: Attributes = field(default_factory=dict)
    children: tuple[Step, ...] = ()
    together: bool = False
    fixed_seconds: float = 0.0
    detached: bool = False

    def walk(self) -> Iterator[Step]:
        """It and all below it, parents first."""
        yield self
        for child in self.children:
            yield from child.walk()


@dataclass(frozen=True)
class Route:
    """A way into the cluster by which traces begin.

    Attributes:
        number: its place among the cluster's routes.
        entry: the workload that serves it, whose route's metrics say how long it takes and how often it fails.
        root: the first step.
        every: it is taken in each slot of 30 s whose number is a multiple of this.
    """

    number: int
    entry: Workload
    root: Step
    every: int = 1


def routes_of(layout: Layout) -> list[Route]:
    """All routes of a cluster, those of batch workloads last."""
    routed = [workload for workload in layout.workloads if workload.routed]
    batch = [workload for workload in layout.workloads if workload.batch]
    found = [Route(number, each, _through_router(layout, each)) for number, each in enumerate(routed)]
    return found + [Route(len(routed) + at, each, _export(each), every=10) for at, each in enumerate(batch)]


def _through_router(layout: Layout, entry: Workload) -> Step:
    path = f"/{entry.name}"
    calls = tuple(_calls(layout, entry))
    # Every other front service asks its peers side by side.
    together = len(entry.name) % 2 == 0
    shares = [sum(step.share for step in call.walk()) for call in calls]
    served = Step(
        entry,
        f"GET {path}",
        Kind.SERVER,
        share=1 - (max(shares) if together else sum(shares)),
        attributes={"http.request.method": "GET", "http.route": path, "http.response.status_code": 200},
        children=calls,
        together=together,
    )
    router = layout.workloads[_ROUTER]
    forwarded = Step(
        router,
        "GET",
        Kind.CLIENT,
        fixed_seconds=0.0006,
        attributes={"http.request.method": "GET", "server.address": f"{entry.name}.{entry.namespace}.svc"},
        children=(served,),
    )
    attributes = {"http.request.method": "GET", "url.path": path, "http.response.status_code": 200}
    return Step(router, f"GET {path}", Kind.SERVER, fixed_seconds=0.0004, attributes=attributes, children=(forwarded,))


def _calls(layout: Layout, entry: Workload) -> Iterator[Step]:
    inner = [
        each
        for each in layout.workloads[PLATFORM_WORKLOADS:]
        if each.namespace == entry.namespace and not each.routed and not each.batch
    ]
    yield _database(entry, 0.2)
    for peer in inner[:_MOST_PEERS]:
        served = Step(
            peer,
            f"/{peer.name}.v1/Get",
            Kind.SERVER,
            share=0.12,
            attributes={"rpc.system": "grpc", "rpc.service": f"{peer.name}.v1", "rpc.method": "Get"},
            children=(_database(peer, 0.06),),
        )
        attributes = {"rpc.system": "grpc", "rpc.service": f"{peer.name}.v1", "rpc.method": "Get"}
        name = f"{peer.name}.v1/Get"
        yield Step(entry, name, Kind.CLIENT, fixed_seconds=0.0005, attributes=attributes, children=(served,))
    neighbours = [each for each in layout.workloads if each.routed and each.namespace == entry.namespace]
    if neighbours[0] == entry and len(neighbours) > 1:
        yield _published(entry, neighbours[1])


def _database(workload: Workload, share: float) -> Step:
    name = f"{workload.namespace}-db"
    attributes = {"db.system": "postgresql", "db.name": workload.name, "peer.service": name}
    return Step(workload, f"SELECT {workload.name}", Kind.CLIENT, share=share, attributes=attributes)


def _published(workload: Workload, consumer: Workload) -> Step:
    topic = f"{workload.namespace}.events"
    attributes = {"messaging.system": "kafka", "messaging.destination.name": topic}
    taken = Step(consumer, f"{topic} process", Kind.CONSUMER, fixed_seconds=0.012, attributes=attributes, detached=True)
    return Step(
        workload, f"{topic} publish", Kind.PRODUCER, fixed_seconds=0.0008, attributes=attributes, children=(taken,)
    )


def _export(workload: Workload) -> Step:
    pieces = tuple(
        Step(
            workload,
            f"SELECT export_{piece}",
            Kind.CLIENT,
            fixed_seconds=0.4 + 0.3 * piece,
            attributes={"db.system": "postgresql", "db.name": "exports", "peer.service": f"{workload.namespace}-db"},
        )
        for piece in range(3)
    )
    return Step(workload, "export", Kind.INTERNAL, fixed_seconds=0.9, children=pieces)
