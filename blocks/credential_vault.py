"""The Prefect block for credentials in Vault."""

from __future__ import annotations

from pathlib import Path

from prefect.blocks.core import Block
from pydantic import Field

from storage.credentials.vault import VaultCredentialStore
from storage.credentials.vault_login import VaultMethod
from storage.credentials.vault_server import VaultServer


class CredentialVault(Block):
    """Where clusters' secrets are kept: Vault KV v2, or OpenBao, which speaks the same API."""

    _block_type_name = "Credential vault"
    _block_type_slug = "credential-vault"
    _description = "Vault KV v2 (or OpenBao) that keeps the clusters' credentials."

    address: str = Field(description="https://vault.example:8200")
    login: VaultMethod = Field(description="How to log in; names files on the worker, and holds no secret")
    mount: str = Field(default="fleetscope", description="Mount of the KV v2 engine")
    namespace: str | None = Field(default=None, description="Namespace of engine and login")
    ca_file: Path | None = Field(default=None, description="File on the worker: PEM of the authority")

    def open(self) -> VaultCredentialStore:
        """A credential store; nothing is asked of the server until a secret is."""
        return VaultCredentialStore(
            VaultServer(self.address, self.namespace, self.ca_file), self.login, mount=self.mount
        )
