"""A cluster as a hub of Advanced Cluster Management knows it."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from fleet.inventory.cluster import Endpoint


class ManagedCluster(BaseModel):
    """One ManagedCluster of a hub.

    Attributes:
        name: as the hub calls it.
        endpoint: of its Kubernetes API, or None where the hub has none that can be used.
        labels: those that people or the hub gave it, without those that only repeat what discovery sees.
        version: of OpenShift, or else of Kubernetes, as the cluster last told the hub; "" where it did not.
        region: where it says that it is, or "".
        is_hub: whether it is the hub itself (``local-cluster``).
        accepted: whether the hub's administrator took it in.
        available: whether the hub hears of it; None where it does not know.
        problem: why the hub's address for it cannot be used, or "".
    """

    model_config = ConfigDict(frozen=True)

    name: str
    endpoint: Endpoint | None = None
    labels: dict[str, str] = Field(default_factory=dict)
    version: str = ""
    region: str = ""
    is_hub: bool = False
    accepted: bool = True
    available: bool | None = None
    problem: str = ""
