"""Nodes: roles, addresses, capacity, and the conditions that changed."""

from __future__ import annotations

from dataclasses import dataclass

from fleet.collectors.kubernetes.objects import Condition, Metadata, NodeObject, NodeStatus
from fleet.collectors.kubernetes.quantities import parse_quantity
from fleet.collectors.kubernetes.text import NAME_CHARACTERS, clean
from fleet.inventory.change import Change, ChangeKind
from fleet.inventory.node import Node
from fleet.inventory.subject import Subject, SubjectKind

_ROLE_PREFIX = "node-role.kubernetes.io/"
_ROLE_LABEL = "kubernetes.io/role"


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
    status = seen.status or NodeStatus()
    capacity = status.allocatable or status.capacity or {}
    conditions = status.conditions or []
    node = Node(
        name=clean(seen.metadata.name, NAME_CHARACTERS),
        roles=_roles(seen.metadata),
        labels=dict(seen.metadata.labels or {}),
        addresses=[address.address for address in status.addresses or []],
        cpu_cores=float(parse_quantity(capacity.get("cpu", "0"))),
        memory_bytes=int(parse_quantity(capacity.get("memory", "0"))),
        ready=next((each.status == "True" for each in conditions if each.type == "Ready"), None),
        kubelet_version=clean((status.node_info.kubelet_version if status.node_info else None) or "", 60),
    )
    changes = [
        change
        for condition in conditions
        if (change := _change(cluster_id, node, seen.metadata, condition)) is not None
    ]
    return SeenNode(node, changes)


def _roles(metadata: Metadata) -> list[str]:
    labels = metadata.labels or {}
    roles = {key.removeprefix(_ROLE_PREFIX) for key in labels if key.startswith(_ROLE_PREFIX)}
    roles.add(labels.get(_ROLE_LABEL, ""))
    return sorted({"control-plane" if role == "master" else role for role in roles if role})


def _change(cluster_id: str, node: Node, metadata: Metadata, condition: Condition) -> Change | None:
    """A condition that is not as it should be, or that turned well again after the node had joined."""
    at = condition.last_transition_time
    if at is None:
        return None
    well = (condition.status == "True") == (condition.type == "Ready") and condition.status != "Unknown"
    if well and (metadata.creation_timestamp is None or (at - metadata.creation_timestamp).total_seconds() < 600):
        return None
    before = "False" if condition.status == "True" else "True"
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
