"""The operator's side of an OpenBao: engines, policies, roles and namespaces, by its HTTP API."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from storage.credentials.vault_login import AppRole
from tests.conftest import OpenBaoServer

POLICY = """
path "{mount}/data/clusters/*"     {{ capabilities = ["create", "read", "update"] }}
path "{mount}/metadata/clusters/*" {{ capabilities = ["read", "delete"] }}
"""
"""What docs/credentials.md says is enough."""


@dataclass(frozen=True)
class Operator:
    """Somebody with the root token."""

    url: str
    token: str = field(repr=False)
    namespace: str = ""

    @classmethod
    def of(cls, server: OpenBaoServer) -> Operator:
        return cls(server.url, server.root_token)

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        headers = {"X-Vault-Token": self.token, "X-Vault-Namespace": self.namespace}
        answer = httpx.request(method, f"{self.url}/v1/{path}", headers=headers, json=body, timeout=15)
        answer.raise_for_status()
        return answer.json() if answer.content else {}

    def inside(self, namespace: str) -> Operator:
        """The operator within a new namespace."""
        self.call("POST", f"sys/namespaces/{namespace}")
        return Operator(self.url, self.token, namespace)

    def mount(self, version: int = 2) -> str:
        """A new KV engine's path."""
        path = f"kv-{uuid.uuid4().hex[:8]}"
        self.call("POST", f"sys/mounts/{path}", {"type": "kv", "options": {"version": str(version)}})
        return path

    def policy(self, mount: str) -> str:
        """A policy for fleetscope's use of an engine, and nothing else."""
        self.call("PUT", f"sys/policies/acl/{mount}", {"policy": POLICY.format(mount=mount)})
        return mount

    def auth(self, kind: str) -> str:
        """A new auth method's path."""
        path = f"{kind}-{uuid.uuid4().hex[:8]}"
        self.call("POST", f"sys/auth/{path}", {"type": kind})
        return path

    def given_token(self, policy: str, **options: Any) -> str:
        answer = self.call("POST", "auth/token/create", {"policies": [policy], **options})
        return str(answer["auth"]["client_token"])

    def role(self, auth: str, policy: str, folder: Path, secret_ids: int = 0, **options: Any) -> AppRole:
        """A login by a new role of an AppRole method; ``secret_ids`` is how often its secret id may be used."""
        self.call("POST", f"auth/{auth}/role/fleetscope", {"token_policies": [policy], **options})
        role_id = self.call("GET", f"auth/{auth}/role/fleetscope/role-id")["data"]["role_id"]
        self.call("POST", f"auth/{auth}/role/fleetscope", {"secret_id_num_uses": secret_ids})
        made = self.call("POST", f"auth/{auth}/role/fleetscope/secret-id")["data"]["secret_id"]
        file = folder / f"{auth}-secret-id"
        file.write_text(made, encoding="utf-8")
        return AppRole(role_id=role_id, secret_id_file=file, path=auth)

    def logins(self, auth: str) -> list[dict[str, Any]]:
        """The tokens that an auth method has given and that are still good."""
        found = []
        for accessor in self.call("LIST", "auth/token/accessors")["data"]["keys"]:
            try:
                token = self.call("POST", "auth/token/lookup-accessor", {"accessor": accessor})["data"]
            except httpx.HTTPStatusError:
                continue  # It ended meanwhile.
            if token["path"] == f"auth/{auth}/login":
                found.append(token)
        return found

    def revoke(self, accessor: str) -> None:
        self.call("POST", "auth/token/revoke-accessor", {"accessor": accessor})
