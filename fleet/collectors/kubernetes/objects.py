"""What is read of Kubernetes objects: few fields, each of which may be missing or null. All the rest is skipped."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec

Time = Annotated[datetime, msgspec.Meta(tz=True)]
"""A time with its zone: custom resources hold what somebody wrote, and times without one compare with no other."""


class Object(msgspec.Struct, rename="camel"):
    """A form: its fields are declared by each struct itself, and unknown ones are ignored."""


class OwnerReference(Object):
    """Who owns an object."""

    kind: str
    name: str
    controller: bool | None = None


class Metadata(Object):
    """An object's name and what hangs on it."""

    name: str
    namespace: str | None = None
    creation_timestamp: Time | None = None
    labels: dict[str, str] | None = None
    annotations: dict[str, str] | None = None
    owner_references: list[OwnerReference] | None = None

    @property
    def controller(self) -> OwnerReference | None:
        """The owner that manages the object, or None."""
        return next((owner for owner in self.owner_references or [] if owner.controller), None)


class Condition(Object):
    """A condition of a node or a Deployment."""

    type: str
    status: str
    reason: str | None = None
    message: str | None = None
    last_transition_time: Time | None = None
    last_update_time: Time | None = None


class NamedObject(Object):
    """Any object of which its metadata is enough."""

    metadata: Metadata


class NodeAddress(Object):
    """An address of a node (InternalIP, Hostname …)."""

    address: str


class NodeInfo(Object):
    """What a kubelet says of itself."""

    kubelet_version: str | None = None
    kernel_version: str | None = None
    os_image: str | None = None
    container_runtime_version: str | None = None


class NodeTaint(Object):
    """What keeps pods away from a node."""

    key: str
    value: str | None = None
    effect: str | None = None
    time_added: Time | None = None


class NodeSpec(Object):
    """The wish for a node."""

    unschedulable: bool | None = None
    taints: list[NodeTaint] | None = None


class NodeStatus(Object):
    """The status of a node."""

    addresses: list[NodeAddress] | None = None
    allocatable: dict[str, str] | None = None
    capacity: dict[str, str] | None = None
    conditions: list[Condition] | None = None
    node_info: NodeInfo | None = None


class NodeObject(Object):
    """v1 Node."""

    metadata: Metadata
    spec: NodeSpec | None = None
    status: NodeStatus | None = None


class Resources(Object):
    """What a container asks for and may take at most."""

    requests: dict[str, str | int | float] | None = None
    limits: dict[str, str | int | float] | None = None


class Container(Object):
    """A container of a pod or a pod template."""

    name: str
    image: str | None = None
    resources: Resources | None = None


class PodSpec(Object):
    """The wish for a pod."""

    containers: list[Container] | None = None
    init_containers: list[Container] | None = None
    node_name: str | None = None


class Terminated(Object):
    """How a container ended."""

    reason: str | None = None
    exit_code: int | None = None
    finished_at: Time | None = None


class ContainerState(Object):
    """The state of a container, or its state before the last restart."""

    terminated: Terminated | None = None


class ContainerStatus(Object):
    """What became of a container."""

    name: str
    restart_count: int = 0
    image_id: str | None = msgspec.field(default=None, name="imageID")
    state: ContainerState | None = None
    last_state: ContainerState | None = None


class PodStatus(Object):
    """The status of a pod; its conditions stay as they were sent, since only those of few pods are looked at."""

    phase: str | None = None
    reason: str | None = None
    message: str | None = None
    conditions: msgspec.Raw = msgspec.Raw(b"null")
    container_statuses: list[ContainerStatus] | None = None
    init_container_statuses: list[ContainerStatus] | None = None


class PodObject(Object):
    """v1 Pod."""

    metadata: Metadata
    spec: PodSpec | None = None
    status: PodStatus | None = None


class PodTemplate(Object):
    """The pods that a workload makes."""

    spec: PodSpec | None = None


class WorkloadSpec(Object):
    """The wish for a workload; the template stays as it was sent, since all of it is looked at."""

    replicas: int | None = None
    template: msgspec.Raw = msgspec.Raw(b"null")


class WorkloadStatus(Object):
    """The status of a workload; which fields there are depends on its kind."""

    desired_number_scheduled: int | None = None
    update_revision: str | None = None
    conditions: list[Condition] | None = None


class WorkloadObject(Object):
    """apps/v1 Deployment, StatefulSet, DaemonSet or ReplicaSet."""

    metadata: Metadata
    spec: WorkloadSpec | None = None
    status: WorkloadStatus | None = None


class InvolvedObject(Object):
    """What an event is about."""

    kind: str | None = None
    name: str | None = None
    namespace: str | None = None
    field_path: str | None = None


class EventSeries(Object):
    """Repetitions of an event that a newer recorder reported: how many so far, and the last of them."""

    count: int | None = None
    last_observed_time: Time | None = None


class EventObject(Object):
    """v1 Event. Older recorders fill ``count`` and the two times, newer ones ``eventTime`` and ``series``."""

    metadata: Metadata
    involved_object: InvolvedObject | None = None
    type: str | None = None
    reason: str | None = None
    message: str | None = None
    count: int | None = None
    first_timestamp: Time | None = None
    last_timestamp: Time | None = None
    event_time: Time | None = None
    series: EventSeries | None = None


class NewEventObject(Object):
    """events.k8s.io/v1 Event: the same objects as those of v1, under other names."""

    metadata: Metadata
    regarding: InvolvedObject | None = None
    type: str | None = None
    reason: str | None = None
    note: str | None = None
    event_time: Time | None = None
    series: EventSeries | None = None
    deprecated_count: int | None = None
    deprecated_first_timestamp: Time | None = None
    deprecated_last_timestamp: Time | None = None

    @property
    def as_core(self) -> EventObject:
        """The same event as the core API shows it."""
        return EventObject(
            self.metadata,
            self.regarding,
            self.type,
            self.reason,
            self.note,
            self.deprecated_count,
            self.deprecated_first_timestamp,
            self.deprecated_last_timestamp,
            self.event_time,
            self.series,
        )
