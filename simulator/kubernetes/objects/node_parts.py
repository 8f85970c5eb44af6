"""What hardware and operators add to a node: labels, taints and resources."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import reduce


@dataclass(frozen=True)
class NodeParts:
    """Additions to a node; ``allocatable`` names those resources of which fewer can be had than there are."""

    labels: dict[str, str] = field(default_factory=dict)
    annotations: dict[str, str] = field(default_factory=dict)
    capacity: dict[str, str] = field(default_factory=dict)
    allocatable: dict[str, str] = field(default_factory=dict)
    taints: tuple[dict[str, str], ...] = ()

    def __or__(self, other: NodeParts) -> NodeParts:
        """Both; the other's entries win."""
        return NodeParts(
            self.labels | other.labels,
            self.annotations | other.annotations,
            self.capacity | other.capacity,
            self.allocatable | other.allocatable,
            self.taints + other.taints,
        )


def together(parts: Iterable[NodeParts]) -> NodeParts:
    """Several additions as one."""
    return reduce(NodeParts.__or__, parts, NodeParts())
