"""What runs in a cluster: nodes, namespaces, workloads, pods, and what events tell of them."""

from __future__ import annotations

from functools import partial

from fleet.collectors.kubernetes import kinds
from fleet.collectors.kubernetes.events import SCALING_REASONS, can_be_cause, event_changes, read_event
from fleet.collectors.kubernetes.listing import Reading
from fleet.collectors.kubernetes.nodes import read_node
from fleet.collectors.kubernetes.objects import EventObject, NamedObject, NodeObject, PodObject, WorkloadObject
from fleet.collectors.kubernetes.parts import Parts
from fleet.collectors.kubernetes.pods import Owners, RunningImages, read_pod, settle_pod
from fleet.collectors.kubernetes.text import NAME_CHARACTERS, clean
from fleet.collectors.kubernetes.workloads import ReplicaSet, read_replica_set, read_workload, rollouts
from fleet.inventory.inventory import Inventory, Workload
from fleet.inventory.topology import Topology

_WORKLOADS = {
    "Deployment": kinds.DEPLOYMENTS,
    "StatefulSet": kinds.STATEFUL_SETS,
    "DaemonSet": kinds.DAEMON_SETS,
}
_EVENT_SELECTORS = ("type=Warning", *(f"reason={reason}" for reason in SCALING_REASONS))
_MAX_EVENTS = 10_000
"""Of each selector: an event storm must not fill the memory, and its first thousands tell what it is about."""


class Running:
    """The lists of what runs, begun at once, the longest first; :meth:`fill` waits for them."""

    def __init__(self, parts: Parts, cluster_id: str) -> None:
        self._parts = parts
        self._pods = parts.begin(Reading(kinds.PODS, PodObject, read_pod))
        self._sets = parts.begin(Reading(kinds.REPLICA_SETS, WorkloadObject, read_replica_set))
        self._events = [
            parts.begin(Reading(kinds.EVENTS, EventObject, can_be_cause, selector, _MAX_EVENTS))
            for selector in _EVENT_SELECTORS
        ]
        self._workloads = {
            name: parts.begin(Reading(kind, WorkloadObject, partial(read_workload, name)))
            for name, kind in _WORKLOADS.items()
        }
        self._nodes = parts.begin(Reading(kinds.NODES, NodeObject, partial(read_node, cluster_id)))
        self._namespaces = parts.begin(
            Reading(kinds.NAMESPACES, NamedObject, lambda seen: clean(seen.metadata.name, NAME_CHARACTERS))
        )

    def fill(self, inventory: Inventory) -> None:
        """Puts what was read into the inventory.

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
        self._fill_events(inventory, owners)

    def _fill_pods(self, inventory: Inventory, owners: Owners) -> RunningImages:
        pods = self._parts.take(self._pods)
        for pod in pods:
            inventory.changes.extend(settle_pod(inventory.cluster_id, owners, pod))
            inventory.pods.append(pod.pod)
        return RunningImages(pods)

    def _fill_events(self, inventory: Inventory, owners: Owners) -> None:
        topology = Topology.of(inventory)
        seen = [event for pending in self._events for event in self._parts.take(pending)]
        events = [read_event(inventory.cluster_id, topology, owners, event) for event in seen]
        # A server that knows no selector for events gives all of them each time.
        once = {event.uid: event for event in events if event is not None}
        inventory.changes.extend(event_changes(inventory.cluster_id, once.values(), inventory.changes))


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
