"""Which things should behave alike: read from the inventory, and only from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from fleet.frames.frame import SeriesKey
from fleet.frames.pack import PackQuery, SignalGroup
from fleet.inventory.inventory import Inventory, Pod
from fleet.inventory.node import Node
from fleet.inventory.subject import Subject, SubjectKind
from fleet.inventory.topology import Topology

_INSTANCE_TYPES = ("node.kubernetes.io/instance-type", "beta.kubernetes.io/instance-type")
_CONTROL_PLANE = {"master", "control-plane"}


class CohortKind(StrEnum):
    """What the members are, as it follows "19 like"."""

    PODS = "pods"
    NODES = "nodes"
    DEVICES = "devices"
    GPUS = "GPUs"
    CLUSTERS = "clusters"


@dataclass(frozen=True, order=True)
class Cohort:
    """Things that should behave alike. ``name`` says by what: ``worker m5.2xlarge``, ``shop/cart app``."""

    kind: CohortKind
    name: str


@dataclass(frozen=True)
class Cohorts:
    """The cohorts of one cluster; without an inventory there are none.

    Nodes are alike by role and machine: the instance type, or else cores and GPUs. Devices by their name on alike
    nodes, GPUs by their product on any node. Pods are alike by workload and container; those of a DaemonSet
    besides by their node, since what they have to do depends on it.
    """

    _topology: Topology
    _machines: Mapping[str, str]
    _products: Mapping[str, str]
    _pods: Mapping[tuple[str, str], Pod]

    @classmethod
    def of(cls, inventory: Inventory | None) -> Self:
        """The cohorts that an inventory tells of."""
        nodes = inventory.nodes if inventory else []
        pods = inventory.pods if inventory else []
        return cls(
            Topology.of(inventory),
            {node.name: machine_of(node) for node in nodes},
            {node.name: node.gpus.product for node in nodes if node.gpus and node.gpus.product},
            {(pod.namespace, pod.name): pod for pod in pods},
        )

    def machine(self, node: str) -> str | None:
        """Role and machine of a node; None where the inventory does not have it."""
        return self._machines.get(node)

    def subject(self, query: PackQuery, cluster_id: str, key: SeriesKey) -> Subject:
        """What a series is about, under its lasting name."""
        return self._topology.resolve(query.subject_of(cluster_id, key))

    def cohort(self, query: PackQuery, subject: Subject) -> Cohort | None:
        """The cohort of a query's subject; None for what has no like, or of which it is not known."""
        if subject.kind is SubjectKind.NODE:
            machine = self._machines.get(subject.name)
            # A node may have several series of a query: one a condition, say.
            return Cohort(CohortKind.NODES, f"{machine} {subject.part or ''}".strip()) if machine else None
        if subject.kind is SubjectKind.DEVICE:
            return self._cohort_of_device(query, subject)
        if subject.kind in {SubjectKind.POD, SubjectKind.CONTAINER}:
            return self._cohort_of_pod(subject)
        return None

    def _cohort_of_device(self, query: PackQuery, subject: Subject) -> Cohort | None:
        if query.group is SignalGroup.GPU:
            product = self._products.get(subject.name)
            return Cohort(CohortKind.GPUS, product) if product else None
        machine = self._machines.get(subject.name)
        return Cohort(CohortKind.DEVICES, f"{subject.part} of {machine}") if machine and subject.part else None

    def _cohort_of_pod(self, subject: Subject) -> Cohort | None:
        pod = self._pods.get((subject.namespace or "", subject.name))
        if pod is None or not pod.workload:
            return None
        words = [f"{pod.namespace}/{pod.workload}", subject.part or ""]
        if pod.workload_kind == "DaemonSet":
            words.append(f"on {self._machines.get(pod.node or '', 'unknown nodes')}")
        return Cohort(CohortKind.PODS, " ".join(filter(None, words)))


def machine_of(node: Node) -> str:
    """Role and machine of a node, for example ``worker m5.2xlarge`` or ``control-plane 8 cores``."""
    roles = {"control-plane" if role in _CONTROL_PLANE else role for role in node.roles} or {"worker"}
    machine = next((node.labels[label] for label in _INSTANCE_TYPES if node.labels.get(label)), "")
    if not machine:
        machine = f"{node.cpu_cores_capacity or node.cpu_cores:g} cores"
        if node.gpus and node.gpus.count:
            machine += f" {node.gpus.count} {node.gpus.product or 'GPUs'}"
    return f"{'+'.join(sorted(roles))} {machine}"
