"""What discovery saw of one cluster at one time."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, Field

from fleet.inventory.change import Change


class Presence(StrEnum):
    """Whether a cluster has something; UNKNOWN is what we could not see, and is never read as ABSENT."""

    PRESENT = "present"
    ABSENT = "absent"
    UNKNOWN = "unknown"


class Capability(BaseModel):
    """Something that a cluster can do or has, and how we know."""

    name: str
    presence: Presence
    reason: str = ""


class Node(BaseModel):
    """A node: roles, labels, allocatable capacity (cores, bytes) and conditions that are not as they should be."""

    name: str
    roles: list[str] = Field(default_factory=list)
    labels: dict[str, str] = Field(default_factory=dict)
    addresses: list[str] = Field(default_factory=list)
    cpu_cores: float = 0.0
    memory_bytes: int = 0
    ready: bool | None = None
    kubelet_version: str = ""


class Pod(BaseModel):
    """A pod, the node it runs on, and the workload that owns it (kind and name), with restarts seen so far."""

    namespace: str
    name: str
    node: str | None = None
    workload_kind: str | None = None
    workload: str | None = None
    phase: str = ""
    restarts: int = 0


class Workload(BaseModel):
    """A Deployment (later kinds: StatefulSet, DaemonSet): its replicas and the images that it runs."""

    namespace: str
    kind: str
    name: str
    replicas: int = 0
    images: list[str] = Field(default_factory=list)
    revision: str = ""


class Gap(BaseModel):
    """A part of the inventory that could not be read, and why (a right that is missing, a time-out)."""

    part: str
    reason: str


class Inventory(BaseModel):
    """One cluster at ``observed_at`` (UTC). ``gaps`` names what could not be read; lists there are then not whole.

    ``changes`` are the dated facts that the cluster itself reports (rollouts, OOM kills, node conditions);
    differences to the previous inventory come beside them.
    """

    cluster_id: str
    observed_at: datetime
    version: str = ""
    platform: str = ""
    nodes: list[Node] = Field(default_factory=list)
    namespaces: list[str] = Field(default_factory=list)
    workloads: list[Workload] = Field(default_factory=list)
    pods: list[Pod] = Field(default_factory=list)
    capabilities: list[Capability] = Field(default_factory=list)
    changes: list[Change] = Field(default_factory=list)
    gaps: list[Gap] = Field(default_factory=list)

    def presence(self, capability: str) -> Presence:
        """Presence of a capability; one that was never looked for is UNKNOWN."""
        for known in self.capabilities:
            if known.name == capability:
                return known.presence
        return Presence.UNKNOWN
