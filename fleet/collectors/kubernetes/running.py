"""What runs in a cluster: nodes, namespaces, workloads, pods, and what events tell of them."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial

from fleet.collectors.kubernetes import kinds
from fleet.collectors.kubernetes.event_changes import Known, event_changes
from fleet.collectors.kubernetes.events import collect_events
from fleet.collectors.kubernetes.listing import Reading
from fleet.collectors.kubernetes.nodes import read_node
from fleet.collectors.kubernetes.objects import NamedObject, NodeObject, PodObject, WorkloadObject
from fleet.collectors.kubernetes.parts import Parts
from fleet.collectors.kubernetes.pods import Owners, RunningImages, read_pod, settle_pod
from fleet.collectors.kubernetes.text import NAME_CHARACTERS, clean
from fleet.collectors.kubernetes.workloads import ReplicaSet, read_replica_set, read_workload, rollouts
from fleet.frames.coverage import Coverage
from fleet.frames.window import Window
from fleet.inventory.inventory import Inventory, Workload
from fleet.inventory.topology import Topology

_WORKLOADS = {
    "Deployment": kinds.DEPLOYMENTS,
    "StatefulSet": kinds.STATEFUL_SETS,
    "DaemonSet": kinds.DAEMON_SETS,
}
EVENTS_REMEMBERED = timedelta(hours=1)
"""By an API server whose operator says nothing else; older ones may be there, too."""


class Running:
    """The lists of what runs, begun at once, the longest first; :meth:`fill` waits for them."""

    def __init__(self, parts: Parts, cluster_id: str, observed_at: datetime) -> None:
        self._parts = parts
        self._pods = parts.begin(Reading(kinds.PODS, PodObject, read_pod))
        self._sets = parts.begin(Reading(kinds.REPLICA_SETS, WorkloadObject, read_replica_set))
        window = Window.before(observed_at, EVENTS_REMEMBERED)
        self._events = parts.beside(partial(collect_events, cluster_id=cluster_id, window=window))
        self._workloads = {
            name: parts.begin(Reading(kind, WorkloadObject, partial(read_workload, name)))
            for name, kind in _WORKLOADS.items()
        }
        self._nodes = parts.begin(Reading(kinds.NODES, NodeObject, partial(read_node, cluster_id)))
        self._namespaces = parts.begin(
            Reading(kinds.NAMESPACES, NamedObject, lambda seen: clean(seen.metadata.name, NAME_CHARACTERS))
        )

    def fill(self, inventory: Inventory) -> Coverage:
        """Puts what was read into the inventory; returns how much of the events was seen.

        Raises:
            fleet.errors.SourceError: nothing was read so far, and nothing will be.
        """
        for node in self._parts.take(self._nodes):
            inventory.nodes.append(node.node)
            inventory.changes.extend(node.changes)
        inventory.namespaces = sorted(self._parts.take(self._namespaces))
        progressed_at = {}
        for name, pending in self._workloads.items():
            for seen in self._parts.take(pending):
                inventory.workloads.append(seen.workload)
                if name == "Deployment":
                    progressed_at[seen.workload.namespace, seen.workload.name] = seen.progressed_at
        sets = self._parts.take(self._sets)
        owners = Owners({(each.namespace, each.name): each.owner for each in sets})
        running = self._fill_pods(inventory, owners)
        if self._parts.whole(kinds.PODS, kinds.REPLICA_SETS):
            _fill_digests(inventory.workloads, sets, running)
        inventory.changes.extend(rollouts(inventory.cluster_id, sets, progressed_at, running))
        return self._fill_events(inventory, owners)

    def _fill_pods(self, inventory: Inventory, owners: Owners) -> RunningImages:
        pods = self._parts.take(self._pods)
        for pod in pods:
            inventory.changes.extend(settle_pod(inventory.cluster_id, owners, pod))
            inventory.pods.append(pod.pod)
        return RunningImages(pods)

    def _fill_events(self, inventory: Inventory, owners: Owners) -> Coverage:
        events, coverage = self._events.result()
        if coverage.reason:
            self._parts.gap(kinds.EVENTS.plural, coverage.reason)
        known = Known(inventory.cluster_id, Topology.of(inventory), owners, inventory.changes)
        inventory.changes.extend(event_changes(known, events))
        return coverage


def _fill_digests(workloads: list[Workload], sets: list[ReplicaSet], running: RunningImages) -> None:
    """What each workload's pods run: a Deployment's belong to its newest ReplicaSet. All of both must be there."""
    newest: dict[tuple[str, str], ReplicaSet] = {}
    for each in sets:
        if each.owner is None or not each.revisions:
            continue
        key = (each.namespace, each.owner[1])
        if key not in newest or each.revisions[-1] > newest[key].revisions[-1]:
            newest[key] = each
    for workload in workloads:
        kind, name = workload.kind, workload.name
        if kind == "Deployment" and (latest := newest.get((workload.namespace, name))):
            kind, name = "ReplicaSet", latest.name
        workload.image_digests = dict(sorted(running.of(workload.namespace, kind, name).items()))
