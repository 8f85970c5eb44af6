"""Simulated clusters as the collector meets them, and their API's write path."""

from __future__ import annotations

import json
import ssl
import urllib.request
from typing import Any

from pydantic import SecretStr

from fleet.collectors.kubernetes import KubernetesLimits, collect_inventory
from fleet.credentials import Credential
from fleet.inventory.cluster import Cluster, EndpointKind
from fleet.inventory.inventory import Inventory
from simulator.fleet import SimulatedFleet

MERGE = "application/merge-patch+json"


class TokenOf:
    """A credential source over a simulated cluster's token."""

    def __init__(self, fleet: SimulatedFleet, name: str) -> None:
        self._fleet, self._name = fleet, name

    def credential(self, *, refresh: bool = False) -> Credential:
        return Credential(token=SecretStr(self._fleet.token(self._name)))


def registered(fleet: SimulatedFleet, name: str) -> Cluster:
    entry = next(each for each in fleet.registration["clusters"] if each["name"] == name)
    return Cluster.model_validate({key: value for key, value in entry.items() if key != "credential"})


def collected(fleet: SimulatedFleet, name: str, limits: KubernetesLimits | None = None) -> Inventory:
    return collect_inventory(registered(fleet, name), TokenOf(fleet, name), limits)[0]


def patch(fleet: SimulatedFleet, name: str, path: str, change: dict[str, Any]) -> dict[str, Any]:
    """Merges a change into one object through the cluster's API."""
    endpoint = registered(fleet, name).endpoints[EndpointKind.KUBERNETES]
    request = urllib.request.Request(  # noqa: S310 - the simulator's own address
        f"{endpoint.url}{path}",
        data=json.dumps(change).encode(),
        headers={"Authorization": f"Bearer {fleet.token(name)}", "Content-Type": MERGE},
        method="PATCH",
    )
    trusted = ssl.create_default_context(cadata=endpoint.ca_pem)
    with urllib.request.urlopen(request, context=trusted, timeout=20) as answer:  # noqa: S310
        changed: dict[str, Any] = json.load(answer)
    return changed
