"""OpenShift's own state: its versions, what lies below it, its operators, machine configuration and old APIs."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, Field


class VersionStep(BaseModel):
    """A version that the cluster was taken to; ``completed_at`` is None while it is under way or was given up."""

    version: str
    started_at: datetime | None = None
    completed_at: datetime | None = None


class Infrastructure(BaseModel):
    """What a cluster stands on. ``provider`` is the platform's type (``BareMetal``, ``AWS``, ``None``)."""

    name: str = ""
    provider: str = ""
    control_plane_topology: str = ""
    infrastructure_topology: str = ""
    api_url: str = ""

    @property
    def single_node(self) -> bool:
        """Whether the control plane is one node (SNO)."""
        return self.control_plane_topology == "SingleReplica"


class ClusterOperator(BaseModel):
    """One of OpenShift's own operators; a condition that it does not report is None. ``since`` is of the last turn."""

    name: str
    version: str = ""
    available: bool | None = None
    degraded: bool | None = None
    progressing: bool | None = None
    message: str = ""
    since: datetime | None = None

    @property
    def well(self) -> bool:
        """Whether it says that it is available and not degraded; one that says nothing is not well."""
        return self.available is True and self.degraded is False


class MachineConfigPool(BaseModel):
    """Machines that share one rendered configuration."""

    name: str
    rendered: str = ""
    target: str = ""
    machines: int = 0
    updated: int = 0
    unavailable: int = 0
    degraded_machines: int = 0
    updating: bool | None = None
    degraded: bool | None = None
    paused: bool = False
    message: str = ""
    since: datetime | None = None


class DeprecatedApi(BaseModel):
    """An API that a later Kubernetes removes and that somebody still asks.

    ``requests_last_hour`` are those of the last whole hour (UTC), or of the current one where only that is told.
    """

    resource: str
    removed_in: str
    requests_last_hour: int = 0
    requests_last_day: int = 0


class PerformanceProfile(BaseModel):
    """What nodes were asked to be tuned to: CPU lists (``2-31``), hugepages by size, a real-time kernel."""

    name: str
    isolated_cpus: str = ""
    reserved_cpus: str = ""
    hugepages: dict[str, int] = Field(default_factory=dict)
    real_time: bool = False
    node_selector: dict[str, str] = Field(default_factory=dict)
