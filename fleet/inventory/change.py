"""A change: a dated fact about a cluster that can be a cause (a rollout, an OOM kill, a node that went)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from hashlib import sha256

from pydantic import BaseModel, Field

from fleet.inventory.subject import Subject


class ChangeKind(StrEnum):
    """Kinds of changes, from the API's own objects and events or from two inventories."""

    ROLLOUT = "rollout"
    SCALED = "scaled"
    OOM_KILL = "oom-kill"
    RESTART = "restart"
    EVICTION = "eviction"
    NODE_CONDITION = "node-condition"
    NODE_JOINED = "node-joined"
    NODE_LEFT = "node-left"
    NODE_LABELS = "node-labels"
    NODE_CORDON = "node-cordon"
    """A node was closed to new pods, or opened again."""
    VERSION = "version"
    CAPABILITY = "capability"
    CAPACITY = "capacity"
    """What a node offers: cores, memory, hugepages, devices."""
    DRIVER = "driver"
    """Kernel, operating system, container runtime, drivers and firmware."""
    MACHINE_CONFIG = "machine-config"
    OPERATOR = "operator"
    """An operator's coming and going, version, phase and channel."""
    COMPONENT_HEALTH = "component-health"
    """What a component of the platform says of itself: degraded, recovered."""
    GPU_CONFIG = "gpu-config"
    SRIOV_CONFIG = "sriov-config"
    PTP_CONFIG = "ptp-config"
    PERFORMANCE_PROFILE = "performance-profile"
    EVENT = "event"
    """Any other warning event of the cluster."""


HAPPENINGS = frozenset({ChangeKind.OOM_KILL, ChangeKind.RESTART, ChangeKind.EVICTION, ChangeKind.EVENT})
"""What happened to single pods and things: facts of a moment, no change of what the cluster is."""


class Change(BaseModel):
    """One change on one subject at one time (UTC).

    Attributes:
        at: when, as the object tells it; where none does, when the change was first seen.
        not_before: for a change that no object dates, when it had not happened yet: the look before.
        digests_before: content hashes of what was there (``app sha256:…`` for images, ``config …`` for a pod template).
        digests_after: and of what is there now.
        source: which object told it, or that it is the difference of two looks.
    """

    cluster_id: str
    kind: ChangeKind
    subject: Subject
    at: datetime
    summary: str
    before: str = ""
    after: str = ""
    not_before: datetime | None = None
    digests_before: list[str] = Field(default_factory=list)
    digests_after: list[str] = Field(default_factory=list)
    source: str = ""

    @property
    def earliest(self) -> datetime:
        """When it can have happened at the earliest (UTC); ``at`` is the latest."""
        return self.not_before or self.at

    @property
    def id(self) -> str:
        """The same change read twice has the same id: 16 hexadecimal digits."""
        text = "|".join(
            [self.cluster_id, self.kind, self.subject.identity, self.at.isoformat(), self.before, self.after]
        )
        return sha256(text.encode()).hexdigest()[:16]


def digests_of(images: Mapping[str, str], config: str) -> list[str]:
    """Content hashes as changes carry them: of images by container, and of a pod template's configuration."""
    return [
        *(f"{container} {digest}" for container, digest in sorted(images.items())),
        *([f"config {config}"] * bool(config)),
    ]
