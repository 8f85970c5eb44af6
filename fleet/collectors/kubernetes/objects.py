"""What is read of Kubernetes objects: few fields, each of which may be missing or null. All the rest is skipped."""

from __future__ import annotations

from datetime import datetime

import msgspec


class _Object(msgspec.Struct, rename="camel"):
    """Fields that stand in every object's form are declared by its own struct; unknown ones are ignored."""


class OwnerReference(_Object):
    """Who owns an object."""

    kind: str
    name: str
    controller: bool | None = None


class Metadata(_Object):
    """An object's name and what hangs on it."""

    name: str
    namespace: str | None = None
    creation_timestamp: datetime | None = None
    labels: dict[str, str] | None = None
    annotations: dict[str, str] | None = None
    owner_references: list[OwnerReference] | None = None

    @property
    def controller(self) -> OwnerReference | None:
        """The owner that manages the object, or None."""
        return next((owner for owner in self.owner_references or [] if owner.controller), None)


class Condition(_Object):
    """A condition of a node or a Deployment."""

    type: str
    status: str
    reason: str | None = None
    message: str | None = None
    last_transition_time: datetime | None = None
    last_update_time: datetime | None = None


class NamespaceObject(_Object):
    """v1 Namespace."""

    metadata: Metadata


class NodeAddress(_Object):
    """An address of a node (InternalIP, Hostname …)."""

    address: str


class NodeInfo(_Object):
    """What a kubelet says of itself."""

    kubelet_version: str | None = None


class NodeStatus(_Object):
    """The status of a node."""

    addresses: list[NodeAddress] | None = None
    allocatable: dict[str, str] | None = None
    capacity: dict[str, str] | None = None
    conditions: list[Condition] | None = None
    node_info: NodeInfo | None = None


class NodeObject(_Object):
    """v1 Node."""

    metadata: Metadata
    status: NodeStatus | None = None


class Container(_Object):
    """A container of a pod or a pod template."""

    name: str
    image: str | None = None


class PodSpec(_Object):
    """The wish for a pod."""

    containers: list[Container] | None = None
    node_name: str | None = None


class Terminated(_Object):
    """How a container ended."""

    reason: str | None = None
    exit_code: int | None = None
    finished_at: datetime | None = None


class ContainerState(_Object):
    """The state of a container, or its state before the last restart."""

    terminated: Terminated | None = None


class ContainerStatus(_Object):
    """What became of a container."""

    name: str
    restart_count: int = 0
    state: ContainerState | None = None
    last_state: ContainerState | None = None


class PodStatus(_Object):
    """The status of a pod."""

    phase: str | None = None
    container_statuses: list[ContainerStatus] | None = None
    init_container_statuses: list[ContainerStatus] | None = None


class PodObject(_Object):
    """v1 Pod."""

    metadata: Metadata
    spec: PodSpec | None = None
    status: PodStatus | None = None


class PodTemplate(_Object):
    """The pods that a workload makes."""

    spec: PodSpec | None = None


class WorkloadSpec(_Object):
    """The wish for a workload."""

    replicas: int | None = None
    template: PodTemplate | None = None


class WorkloadStatus(_Object):
    """The status of a workload; which fields there are depends on its kind."""

    desired_number_scheduled: int | None = None
    update_revision: str | None = None
    conditions: list[Condition] | None = None


class WorkloadObject(_Object):
    """apps/v1 Deployment, StatefulSet, DaemonSet or ReplicaSet."""

    metadata: Metadata
    spec: WorkloadSpec | None = None
    status: WorkloadStatus | None = None


class InvolvedObject(_Object):
    """What an event is about."""

    kind: str | None = None
    name: str | None = None
    namespace: str | None = None
    field_path: str | None = None


class EventSeries(_Object):
    """Repetitions of an event that was reported by the newer API."""

    count: int | None = None
    last_observed_time: datetime | None = None


class EventObject(_Object):
    """v1 Event; those of events.k8s.io are the same objects and come here too, with other fields filled."""

    metadata: Metadata
    involved_object: InvolvedObject | None = None
    type: str | None = None
    reason: str | None = None
    message: str | None = None
    count: int | None = None
    first_timestamp: datetime | None = None
    last_timestamp: datetime | None = None
    event_time: datetime | None = None
    series: EventSeries | None = None
