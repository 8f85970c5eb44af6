"""A simulated cluster that keeps credentials in Secrets, and its operator's side of them."""

from __future__ import annotations

import json
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from pydantic import SecretStr

from fleet.credentials import ClusterCredential, Credential
from fleet.inventory.cluster import cluster_id
from simulator.fleet import SimulatedFleet
from storage.credentials.kubernetes_secrets import KubernetesCredentialStore

NAMESPACE = "aiops"
REF = "clusters/shop-eu"
SECRET = f"aiops-cluster-{cluster_id('shop-eu')}"
CANARY = "canary-token-4b7c"
CREDENTIAL = ClusterCredential(
    default=Credential(token=SecretStr(CANARY)),
    endpoints={"loki": Credential(username="reader", password=SecretStr(f"{CANARY}-loki"))},
)


@dataclass(frozen=True)
class Place:
    """A simulated cluster that keeps Secrets, seen by its operator."""

    fleet: SimulatedFleet
    name: str
    kubeconfig: Path
    keyring: Path
    keys: dict[str, str]

    def open(self) -> KubernetesCredentialStore:
        return KubernetesCredentialStore.at(self.kubeconfig, NAMESPACE, self.keyring)

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        endpoint = next(each for each in self.fleet.registration["clusters"] if each["name"] == self.name)
        kubernetes = endpoint["endpoints"]["kubernetes"]
        answer = httpx.request(
            method,
            f"{kubernetes['url']}/api/v1/{path}",
            content=None if body is None else json.dumps(body),
            headers={"Authorization": f"Bearer {self.fleet.token(self.name)}", **headers},
            verify=ssl.create_default_context(cadata=kubernetes["ca_pem"]),
        )
        answer.raise_for_status()
        return answer.json()

    def secret(self, name: str = SECRET) -> Any:
        return self.call("GET", f"namespaces/{NAMESPACE}/secrets/{name}")

    def patch(self, change: dict[str, Any], name: str = SECRET) -> None:
        kind = {"Content-Type": "application/merge-patch+json"}
        self.call("PATCH", f"namespaces/{NAMESPACE}/secrets/{name}", change, **kind)
