"""The Prefect block for the credential store."""

from __future__ import annotations

from pathlib import Path

from prefect.blocks.core import Block
from pydantic import Field

from storage.credentials.vault import VaultCredentialStore


class CredentialVault(Block):
    """Where clusters' secrets are kept: Vault KV v2, or OpenBao, which speaks the same API."""

    _block_type_name = "Credential vault"
    _block_type_slug = "credential-vault"
    _description = "Vault KV v2 (or OpenBao) that keeps the clusters' credentials."

    address: str = Field(description="https://vault.example:8200")
    token_file: Path = Field(description="File on the worker that holds the token")
    mount: str = Field(default="fleetscope", description="Mount of the KV v2 engine")

    def open(self) -> VaultCredentialStore:
        """A credential store; nothing is asked of the server until a secret is."""
        return VaultCredentialStore(self.address, self.token_file, mount=self.mount)
