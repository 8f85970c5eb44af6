"""One cluster's inventory from its Kubernetes API: a dozen lists, whatever the cluster's size, read page by page."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial

import msgspec

from fleet.collectors.kubernetes.capabilities import Groups, capabilities_of, unknown_capabilities
from fleet.collectors.kubernetes.client import KubernetesClient, KubernetesLimits
from fleet.collectors.kubernetes.events import SCALING_REASONS, event_changes, read_event
from fleet.collectors.kubernetes.listing import Kind
from fleet.collectors.kubernetes.nodes import read_node
from fleet.collectors.kubernetes.objects import EventObject, NamespaceObject, NodeObject, PodObject, WorkloadObject
from fleet.collectors.kubernetes.parts import Parts
from fleet.collectors.kubernetes.pods import Owners, read_pod
from fleet.collectors.kubernetes.text import NAME_CHARACTERS, clean
from fleet.collectors.kubernetes.workloads import ReplicaSet, read_replica_set, read_workload, rollouts
from fleet.credentials import CredentialSource
from fleet.errors import SourceError, Unreachable
from fleet.inventory.cluster import Cluster, EndpointKind
from fleet.inventory.inventory import Inventory, Presence
from fleet.inventory.topology import Topology

_NAMESPACES = Kind("namespaces", "", "/api/v1/namespaces", NamespaceObject)
_NODES = Kind("nodes", "", "/api/v1/nodes", NodeObject)
_PODS = Kind("pods", "", "/api/v1/pods", PodObject)
_REPLICA_SETS = Kind("replicasets", "apps", "/apis/apps/v1/replicasets", WorkloadObject)
_WORKLOADS = {
    "Deployment": Kind("deployments", "apps", "/apis/apps/v1/deployments", WorkloadObject),
    "StatefulSet": Kind("statefulsets", "apps", "/apis/apps/v1/statefulsets", WorkloadObject),
    "DaemonSet": Kind("daemonsets", "apps", "/apis/apps/v1/daemonsets", WorkloadObject),
}
_EVENT_SELECTORS = ("type=Warning", *(f"reason={reason}" for reason in SCALING_REASONS))
_MAX_EVENTS = 10_000
"""Of each selector: an event storm must not fill the memory, and its first thousands tell what it is about."""


class _Version(msgspec.Struct, rename="camel"):
    git_version: str | None = None


def collect_inventory(
    cluster: Cluster, credentials: CredentialSource | None, limits: KubernetesLimits | None = None
) -> Inventory:
    """What a cluster's Kubernetes API shows of it, now.

    A part that cannot be read (a right that is missing, a time-out) is a gap of the inventory and takes nothing from
    the other parts; what was read of it before it failed is kept. Requests: about a dozen, and one more for each
    further page of 500 objects.

    Args:
        cluster: with an endpoint of kind ``kubernetes``.
        credentials: asked once, and once more after a 401; None for an API that needs none.
        limits: bounds on time and size.

    Raises:
        fleet.errors.SourceError: nothing at all could be read; the first failure, by its class.
        fleet.errors.StoreError: the credential could not be had.
    """
    endpoint = cluster.endpoints.get(EndpointKind.KUBERNETES)
    if endpoint is None:
        raise Unreachable(
            f"No Kubernetes API is registered for cluster {cluster.name}.",
            hint="Register an endpoint of kind kubernetes.",
        )
    with KubernetesClient(endpoint, credentials, limits) as client:
        parts = Parts(client)
        inventory = _read(parts, cluster.id)
    if not parts.read and parts.first_error is not None:
        raise parts.first_error
    inventory.gaps = parts.gaps
    inventory.changes.sort(key=lambda change: (change.at, change.id))
    return inventory


def _read(parts: Parts, cluster_id: str) -> Inventory:
    """All parts, in the order in which later ones need earlier ones."""
    inventory = Inventory(cluster_id=cluster_id, observed_at=datetime.now(UTC))
    version = parts.get("version", "/version", _Version)
    if isinstance(version, _Version):
        inventory.version = clean(version.git_version, 80)
    _read_capabilities(parts, inventory)
    for seen in parts.list(_NODES, partial(read_node, cluster_id)):
        inventory.nodes.append(seen.node)
        inventory.changes.extend(seen.changes)
    names = parts.list(_NAMESPACES, lambda seen: clean(seen.metadata.name, NAME_CHARACTERS))
    inventory.namespaces = sorted(names)
    sets = _read_workloads(parts, inventory)
    owners = Owners({(each.namespace, each.name): each.owner for each in sets})
    for pod in parts.list(_PODS, partial(read_pod, cluster_id, owners)):
        inventory.pods.append(pod.pod)
        inventory.changes.extend(pod.changes)
    _read_events(parts, inventory, owners)
    return inventory


def _read_capabilities(parts: Parts, inventory: Inventory) -> None:
    groups = parts.get("capabilities", "/apis", Groups)
    if isinstance(groups, SourceError):
        inventory.capabilities = unknown_capabilities(parts.gaps[-1].reason)
        return
    inventory.capabilities = capabilities_of(groups)
    openshift = inventory.presence("openshift") is Presence.PRESENT
    inventory.platform = "OpenShift" if openshift else "Kubernetes"


def _read_workloads(parts: Parts, inventory: Inventory) -> list[ReplicaSet]:
    """Workloads and rollouts into the inventory; the ReplicaSets come back, for they own pods."""
    progressed_at = {}
    for name, kind in _WORKLOADS.items():
        for seen in parts.list(kind, partial(read_workload, name)):
            inventory.workloads.append(seen.workload)
            if name == "Deployment":
                progressed_at[seen.workload.namespace, seen.workload.name] = seen.progressed_at
    sets = parts.list(_REPLICA_SETS, read_replica_set)
    inventory.changes.extend(rollouts(inventory.cluster_id, sets, progressed_at))
    return sets


def _read_events(parts: Parts, inventory: Inventory, owners: Owners) -> None:
    topology = Topology.of(inventory)
    events = []
    for selector in _EVENT_SELECTORS:
        kind = Kind("events", "", "/api/v1/events", EventObject, selector)
        events.extend(parts.list(kind, partial(read_event, inventory.cluster_id, topology, owners), _MAX_EVENTS))
    # A server that knows no selector for events gives all of them each time.
    once = {event.uid: event for event in events}
    inventory.changes.extend(event_changes(inventory.cluster_id, once.values(), inventory.changes))
