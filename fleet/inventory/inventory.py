"""What discovery saw of one cluster at one time."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, Field

from fleet.inventory.change import Change
from fleet.inventory.network_hardware import PtpDevice, PtpProfile, SriovNode
from fleet.inventory.node import Node
from fleet.inventory.operators import GpuPolicy, Operator, StorageSystem
from fleet.inventory.platform import (
    ClusterOperator,
    DeprecatedApi,
    Infrastructure,
    MachineConfigPool,
    PerformanceProfile,
    VersionStep,
)


class Presence(StrEnum):
    """Whether a cluster has something; UNKNOWN is what we could not see, and is never read as ABSENT."""

    PRESENT = "present"
    UNUSED = "unused"
    """Installed, and nothing is configured or takes it."""
    ABSENT = "absent"
    UNKNOWN = "unknown"


class Capability(BaseModel):
    """Something that a cluster can do or has, and how we know."""

    name: str
    presence: Presence
    reason: str = ""


class ContainerRestarts(BaseModel):
    """How often a container was started again since its pod was made, and how it last ended where that is told (UTC).

    Attributes:
        count: of restarts.
        since: when the pod was made and the count began.
        ended_at: when it last ended.
        reason: why, in the cluster's word (``OOMKilled``, ``Error``).
    """

    count: int
    since: datetime | None = None
    ended_at: datetime | None = None
    reason: str = ""


class Pod(BaseModel):
    """A pod, the node it runs on, and the workload that owns it (kind and name), with restarts seen so far.

    ``devices`` are the extended resources and hugepages that it asks for (pieces, bytes); ``restarted`` are the
    containers that were started again, by name.
    """

    namespace: str
    name: str
    node: str | None = None
    workload_kind: str | None = None
    workload: str | None = None
    phase: str = ""
    restarts: int = 0
    restarted: dict[str, ContainerRestarts] = Field(default_factory=dict)
    devices: dict[str, int] = Field(default_factory=dict)


class Workload(BaseModel):
    """A Deployment, StatefulSet or DaemonSet: its replicas, the images that it runs and how it is configured.

    Attributes:
        image_digests: what its youngest pod runs, by container (``sha256:…``); a container that nobody started has
            none.
        config_digest: of the pod template, without what changes by itself; it differs when the configuration does.
        config_names: ConfigMaps and Secrets that the template names (``ConfigMap/cart``); their contents are not read.
    """

    namespace: str
    kind: str
    name: str
    replicas: int = 0
    images: list[str] = Field(default_factory=list)
    revision: str = ""
    image_digests: dict[str, str] = Field(default_factory=dict)
    config_digest: str = ""
    config_names: list[str] = Field(default_factory=list)


class Gap(BaseModel):
    """A part of the inventory that could not be read, and why (a right that is missing, a time-out)."""

    part: str
    reason: str


class Inventory(BaseModel):
    """One cluster at ``observed_at`` (UTC). ``gaps`` names what could not be read; lists there are then not whole.

    ``changes`` are the dated facts that the cluster itself reports (rollouts, OOM kills, node conditions);
    differences to the previous inventory come beside them. ``version`` is that of Kubernetes, ``platform_version``
    that of OpenShift.
    """

    cluster_id: str
    observed_at: datetime
    version: str = ""
    platform: str = ""
    platform_version: str = ""
    platform_channel: str = ""
    platform_target: str = ""
    """The version that an upgrade is under way to, or ""."""
    version_history: list[VersionStep] = Field(default_factory=list)
    infrastructure: Infrastructure | None = None
    cluster_operators: list[ClusterOperator] = Field(default_factory=list)
    machine_config_pools: list[MachineConfigPool] = Field(default_factory=list)
    deprecated_apis: list[DeprecatedApi] = Field(default_factory=list)
    operators: list[Operator] = Field(default_factory=list)
    gpu_policies: list[GpuPolicy] = Field(default_factory=list)
    sriov_nodes: list[SriovNode] = Field(default_factory=list)
    ptp_profiles: list[PtpProfile] = Field(default_factory=list)
    ptp_devices: list[PtpDevice] = Field(default_factory=list)
    ptp_events: bool | None = None
    """Whether the PTP operator publishes events; None where it is not there or does not say."""
    performance_profiles: list[PerformanceProfile] = Field(default_factory=list)
    storage_systems: list[StorageSystem] = Field(default_factory=list)
    network_attachments: int | None = None
    """How many further networks are defined; None where they could not be counted or there can be none."""
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
