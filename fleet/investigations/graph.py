"""The correlation graph: how close things stand, and which of them can have come from which."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from fleet.inventory.subject import Subject, SubjectKind
from fleet.inventory.topology import Topology
from fleet.investigations.deviation import Deviation

TOLERANCE = timedelta(minutes=5)
"""How much earlier than its cause an effect may seem to begin: rates look back over five minutes."""
_CLOSENESS: dict[int | None, float] = {0: 1.0, 1: 0.9, 2: 0.6, 3: 0.3, None: 0.0}
NEAR = 0.6
"""Same thing, same workload, host or same node."""


@dataclass(frozen=True)
class CorrelationGraph:
    """Deviations and subjects joined by topology and by the order of time.

    An edge from a subject and a time to a deviation says that the one may have caused the other: they stand close, and
    the deviation did not begin before. Edges are weighted by closeness (0..1).
    """

    topology: Topology
    _closeness: dict[tuple[Subject, Subject], float] = field(default_factory=dict)

    def closeness(self, a: Subject, b: Subject) -> float:
        """1 for the same thing, 0.9 for owner, host or workload, 0.6 on one node, 0.3 in one namespace, else 0."""
        known = self._closeness.get((a, b))
        if known is None:
            known = self._closeness[a, b] = self._closeness[b, a] = self._measure(a, b)
        return known

    def weight(self, cause: Subject, since: datetime, effect: Deviation, horizon: timedelta) -> float:
        """The edge's weight: 0 when the effect began before the cause or more than ``horizon`` after it."""
        if not since - TOLERANCE <= effect.window.start <= since + horizon:
            return 0.0
        return self.closeness(cause, effect.subject)

    def blast_radius(self, cause: Subject, since: datetime, deviations: Sequence[Deviation]) -> list[Deviation]:
        """Deviations near the cause that began after it."""
        day = timedelta(days=1)
        return [each for each in deviations if self.weight(cause, since, each, day) >= NEAR]

    def workload_of(self, subject: Subject) -> tuple[str, str] | None:
        """Namespace and name of the workload that a subject is, belongs to or leads to."""
        return self.topology.workload_of(subject)

    def same_workload(self, a: Subject, b: Subject) -> bool:
        """Whether both belong to one workload."""
        workload = self.workload_of(a)
        return workload is not None and workload == self.workload_of(b)

    def nodes_of(self, subject: Subject) -> frozenset[str]:
        """Nodes on which a subject stands."""
        return self.topology.nodes_of(subject)

    def _measure(self, a: Subject, b: Subject) -> float:
        if SubjectKind.CLUSTER in {a.kind, b.kind} and a.cluster_id == b.cluster_id:
            # The cluster holds everything, so it says little: as near as a shared namespace.
            return 1.0 if a.kind is b.kind and a.part == b.part else _CLOSENESS[3]
        if _holds(a, b) or _holds(b, a):
            return NEAR
        return _CLOSENESS[self.topology.distance(a, b)]


def _holds(namespace: Subject, other: Subject) -> bool:
    """Whether one is the namespace in which the other lies: its sums contain the other's values."""
    return (
        namespace.kind is SubjectKind.NAMESPACE
        and namespace.cluster_id == other.cluster_id
        and namespace.name == other.namespace
    )


def workload_subject(cluster_id: str, workload: tuple[str, str]) -> Subject:
    """The subject of a workload by namespace and name."""
    namespace, name = workload
    return Subject(cluster_id=cluster_id, kind=SubjectKind.WORKLOAD, name=name, namespace=namespace or None)


def node_subject(cluster_id: str, node: str) -> Subject:
    """The subject of a node by name."""
    return Subject(cluster_id=cluster_id, kind=SubjectKind.NODE, name=node)
