"""Service accounts of a simulated cluster, and their tokens, by its API."""

from __future__ import annotations

import ssl
from typing import Any

import httpx

from simulator.fleet import SimulatedFleet


class ServiceAccounts:
    """Makes accounts and tokens in the fleet's first cluster, whose API reviews tokens, too."""

    def __init__(self, fleet: SimulatedFleet) -> None:
        cluster = fleet.registration["clusters"][0]
        endpoint = cluster["endpoints"]["kubernetes"]
        self.url: str = endpoint["url"]
        self.ca_pem: str = endpoint["ca_pem"]
        self.reviewer = fleet.token(cluster["name"])

    def token(self, namespace: str, name: str, audience: str) -> str:
        """A token of an account, both made where they are not there."""
        self._make("namespaces", "Namespace", namespace)
        accounts = f"namespaces/{namespace}/serviceaccounts"
        self._make(accounts, "ServiceAccount", name)
        request = {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenRequest",
            "spec": {"audiences": [audience]},
        }
        answer = self._post(f"{accounts}/{name}/token", request)
        answer.raise_for_status()
        return str(answer.json()["status"]["token"])

    def _make(self, path: str, kind: str, name: str) -> None:
        answer = self._post(path, {"apiVersion": "v1", "kind": kind, "metadata": {"name": name}})
        if answer.status_code != httpx.codes.CONFLICT:
            answer.raise_for_status()

    def _post(self, path: str, body: dict[str, Any]) -> httpx.Response:
        return httpx.post(
            f"{self.url}/api/v1/{path}",
            json=body,
            headers={"Authorization": f"Bearer {self.reviewer}"},
            verify=ssl.create_default_context(cadata=self.ca_pem),
        )
