"""A node: what it is for, what it runs, and what it offers to pods."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, Field


class DeviceCapacity(BaseModel):
    """How many pieces of an extended resource a node has (``capacity``), and how many of them pods may take."""

    capacity: int = 0
    allocatable: int = 0

    @property
    def unhealthy(self) -> int:
        """Pieces that the node has and does not offer: a device plugin takes those back that do not work."""
        return max(0, self.capacity - self.allocatable)


class Gpus(BaseModel):
    """A node's GPUs, as GPU feature discovery labels them and the device plugin offers them.

    ``count`` is that of the label (with the MIG strategy ``single``: of instances), or the capacity where there is no
    label. ``instances`` are MIG instances by profile (``3g.71gb``), as capacity and allocatable.
    """

    count: int = 0
    allocatable: int = 0
    product: str = ""
    memory_mib: int = 0
    driver: str = ""
    mig_strategy: str = ""
    mig_config: str = ""
    mig_config_state: str = ""
    instances: dict[str, DeviceCapacity] = Field(default_factory=dict)


class Taint(BaseModel):
    """What keeps pods away from a node; ``added_at`` (UTC) where the cluster says it."""

    key: str
    value: str = ""
    effect: str = ""
    added_at: datetime | None = None

    @property
    def text(self) -> str:
        """As kubectl writes it."""
        return f"{self.key}={self.value}:{self.effect}" if self.value else f"{self.key}:{self.effect}"


class Node(BaseModel):
    """A node: roles, labels, allocatable capacity (cores, bytes), devices, and whether it is ready.

    ``cpu_cores`` are allocatable: what the system reserves is not among them. ``hugepages_bytes`` are allocatable by
    page size (``1Gi``). ``machine_config`` is the rendered configuration that it runs, on OpenShift.
    """

    name: str
    roles: list[str] = Field(default_factory=list)
    labels: dict[str, str] = Field(default_factory=dict)
    addresses: list[str] = Field(default_factory=list)
    cpu_cores: float = 0.0
    cpu_cores_capacity: float = 0.0
    memory_bytes: int = 0
    ready: bool | None = None
    unschedulable: bool = False
    taints: list[Taint] = Field(default_factory=list)
    created_at: datetime | None = None
    kubelet_version: str = ""
    kernel_version: str = ""
    os_image: str = ""
    container_runtime: str = ""
    machine_config: str = ""
    hugepages_bytes: dict[str, int] = Field(default_factory=dict)
    devices: dict[str, DeviceCapacity] = Field(default_factory=dict)
    gpus: Gpus | None = None
