"""The Prefect block for credentials in Kubernetes Secrets."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from prefect.blocks.core import Block
from pydantic import Field

if TYPE_CHECKING:
    from storage.credentials.kubernetes_secrets import KubernetesCredentialStore


class CredentialSecrets(Block):
    """Where clusters' secrets are kept: sealed, in the Secrets of one namespace."""

    _block_type_name = "Credential secrets"
    _block_type_slug = "credential-secrets"
    _description = "Kubernetes Secrets that keep the clusters' credentials, sealed with AES-256-GCM."

    namespace: str = Field(default="fleetscope", description="Namespace of the Secrets")
    keyring_file: Path = Field(description="File on the worker that holds the keys")
    kubeconfig_file: Path | None = Field(
        default=None, description="File on the worker; without it, the pod's own service account is used"
    )

    def open(self) -> KubernetesCredentialStore:
        """A credential store; nothing is asked of the API server until a secret is."""
        # The official client takes half a second to import, which those who use Vault need not wait for.
        from storage.credentials.kubernetes_secrets import KubernetesCredentialStore

        return KubernetesCredentialStore.at(self.kubeconfig_file, self.namespace, self.keyring_file)
