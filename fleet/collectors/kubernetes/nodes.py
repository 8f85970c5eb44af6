"""Nodes: roles, addresses, capacity, and the conditions that changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from fleet.collectors.kubernetes.gpus import gpus_of
from fleet.collectors.kubernetes.objects import (
    Condition,
    Metadata,
    NodeInfo,
    NodeObject,
    NodeSpec,
    NodeStatus,
    NodeTaint,
)
from fleet.collectors.kubernetes.quantities import parse_quantity
from fleet.collectors.kubernetes.text import NAME_CHARACTERS, clean
from fleet.inventory.change import Change, ChangeKind
from fleet.inventory.node import DeviceCapacity, Node, Taint
from fleet.inventory.subject import Subject, SubjectKind

_ROLE_PREFIX = "node-role.kubernetes.io/"
_ROLE_LABEL = "kubernetes.io/role"
_MACHINE_CONFIG = "machineconfiguration.openshift.io/currentConfig"
_LABEL_CHARACTERS = 317
"""A domain, a slash and a name."""
_VALUE_CHARACTERS = 63
HUGEPAGES = "hugepages-"
"""How resources of huge pages begin; their size follows."""


@dataclass(frozen=True)
class SeenNode:
    """A node and what its conditions say of the past."""

    node: Node
    changes: list[Change]


def read_node(cluster_id: str, seen: NodeObject) -> SeenNode:
    """A node of the inventory.

    Raises:
        ValueError: its capacity is no quantity.
    """
    status, spec = seen.status or NodeStatus(), seen.spec or NodeSpec()
    capacity, allocatable = status.capacity or {}, status.allocatable or status.capacity or {}
    told = status.node_info or NodeInfo()
    conditions = status.conditions or []
    labels = seen.metadata.labels or {}
    devices = _devices(capacity, allocatable)
    node = Node(
        name=clean(seen.metadata.name, NAME_CHARACTERS),
        roles=_roles(seen.metadata),
        labels={clean(key, _LABEL_CHARACTERS): clean(value, _VALUE_CHARACTERS) for key, value in labels.items()},
        addresses=[clean(address.address, NAME_CHARACTERS) for address in status.addresses or []],
        cpu_cores=float(parse_quantity(allocatable.get("cpu", "0"))),
        cpu_cores_capacity=float(parse_quantity(capacity.get("cpu", "0"))),
        memory_bytes=int(parse_quantity(allocatable.get("memory", "0"))),
        ready=next((each.status == "True" for each in conditions if each.type == "Ready"), None),
        unschedulable=bool(spec.unschedulable),
        taints=[_taint(each) for each in spec.taints or []],
        created_at=seen.metadata.creation_timestamp,
        kubelet_version=clean(told.kubelet_version, 60),
        kernel_version=clean(told.kernel_version, 80),
        os_image=clean(told.os_image, 120),
        container_runtime=clean(told.container_runtime_version, 60),
        machine_config=clean((seen.metadata.annotations or {}).get(_MACHINE_CONFIG), NAME_CHARACTERS),
        hugepages_bytes=_hugepages(allocatable),
        devices=devices,
        gpus=gpus_of(labels, devices),
    )
    changes = [
        change
        for condition in conditions
        if (change := _change(cluster_id, node, seen.metadata, condition)) is not None
    ]
    return SeenNode(node, changes)


def _devices(capacity: Mapping[str, str], allocatable: Mapping[str, str]) -> dict[str, DeviceCapacity]:
    """Extended resources, told by the domain in their names."""
    names = {name for name in [*capacity, *allocatable] if "/" in name}
    return {
        clean(name, _LABEL_CHARACTERS): DeviceCapacity(
            capacity=int(parse_quantity(capacity.get(name, "0"))),
            allocatable=int(parse_quantity(allocatable.get(name, "0"))),
        )
        for name in sorted(names)
    }


def _hugepages(allocatable: Mapping[str, str]) -> dict[str, int]:
    sizes = {
        clean(name.removeprefix(HUGEPAGES), 10): int(parse_quantity(text))
        for name, text in allocatable.items()
        if name.startswith(HUGEPAGES)
    }
    return {size: count for size, count in sorted(sizes.items()) if count}


def _taint(seen: NodeTaint) -> Taint:
    return Taint(
        key=clean(seen.key, _LABEL_CHARACTERS),
        value=clean(seen.value, _VALUE_CHARACTERS),
        effect=clean(seen.effect, 20),
        added_at=seen.time_added,
    )


def _roles(metadata: Metadata) -> list[str]:
    labels = metadata.labels or {}
    roles = {clean(key.removeprefix(_ROLE_PREFIX), 63) for key in labels if key.startswith(_ROLE_PREFIX)}
    roles.add(clean(labels.get(_ROLE_LABEL), 63))
    return sorted({"control-plane" if role == "master" else role for role in roles if role})


def _change(cluster_id: str, node: Node, metadata: Metadata, condition: Condition) -> Change | None:
    """A condition that is not as it should be, or that turned well again after the node had joined."""
    at = condition.last_transition_time
    if at is None:
        return None
    well = (condition.status == "True") == (condition.type == "Ready") and condition.status != "Unknown"
    if well and (metadata.creation_timestamp is None or (at - metadata.creation_timestamp).total_seconds() < 600):
        return None
    # Of a condition that nobody reports any more only its being well is likely to have been before.
    opposite = {"True": "False", "False": "True"}
    before = opposite.get(condition.status, "True" if condition.type == "Ready" else "False")
    reasons = ": ".join(part for part in (clean(condition.reason, 80), clean(condition.message)) if part)
    return Change(
        cluster_id=cluster_id,
        kind=ChangeKind.NODE_CONDITION,
        subject=Subject(cluster_id=cluster_id, kind=SubjectKind.NODE, name=node.name),
        at=at,
        summary=_summary(node.name, condition, reasons),
        before=f"{clean(condition.type, 80)}={before}",
        after=f"{clean(condition.type, 80)}={clean(condition.status, 20)}",
        source=f"Node {node.name} condition {clean(condition.type, 80)}",
    )


def _summary(node: str, condition: Condition, reasons: str) -> str:
    kind = clean(condition.type, 80)
    if condition.status == "Unknown":
        words = f"Node {node} stopped reporting {kind}"
    elif condition.type == "Ready":
        words = f"Node {node} became ready" if condition.status == "True" else f"Node {node} became not ready"
    else:
        words = f"Node {node} got {kind}" if condition.status == "True" else f"Node {node} lost {kind}"
    return f"{words} ({reasons})" if reasons else words
