"""Operators that were added to a cluster, and the state that those report whose hardware or storage is watched."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel


class Operator(BaseModel):
    """An operator of the Operator Lifecycle Manager: a subscription, the version that it installed, or both.

    Attributes:
        name: of the package; of the ClusterServiceVersion where nobody subscribed to it.
        phase: of the version that is being installed, or else of the installed one (``Succeeded``, ``Failed``,
            ``Installing`` …); "" where there is none yet.
        pending: the version that waits to be installed, or "".
        since: when the phase was reached (UTC).
    """

    name: str
    namespace: str = ""
    display_name: str = ""
    csv: str = ""
    version: str = ""
    phase: str = ""
    message: str = ""
    channel: str = ""
    catalog: str = ""
    approval: str = ""
    pending: str = ""
    since: datetime | None = None


class GpuPolicy(BaseModel):
    """A ClusterPolicy of the GPU operator: its state (``ready``, ``notReady`` …) and what it asks for."""

    name: str
    state: str = ""
    driver: str = ""
    mig_strategy: str = ""


class StorageSystem(BaseModel):
    """A StorageCluster or CephCluster; sizes in bytes where it tells them."""

    kind: str
    namespace: str
    name: str
    phase: str = ""
    health: str = ""
    message: str = ""
    version: str = ""
    capacity_bytes: int | None = None
    used_bytes: int | None = None
