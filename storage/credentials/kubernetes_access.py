"""How the API server that keeps our Secrets is reached: by a kubeconfig, or as a pod of its cluster."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from pydantic import ValidationError

from fleet.credentials import Credential
from fleet.errors import StoreError, UsageError
from fleet.inventory.cluster import Endpoint
from fleet.inventory.kubeconfig import Kubeconfig, read_kubeconfig
from storage.secret_file import read_secret

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
"""Where Kubernetes mounts a pod's own token and its cluster's authority."""


class KubernetesAccess(Protocol):
    """Where an API server is, and how to authenticate; read anew each time, for tokens are replaced in place."""

    def read(self) -> tuple[Endpoint, Credential]:
        """The address and the credential.

        Raises:
            StoreError: they cannot be had.
        """
        ...

    @property
    def remedy(self) -> str:
        """What to do when the credential is not accepted."""
        ...


@dataclass(frozen=True)
class KubeconfigFile:
    """The current context of a kubeconfig. Programs that it names are not run."""

    file: Path

    def read(self) -> tuple[Endpoint, Credential]:
        """See ``KubernetesAccess``."""
        text = read_secret(self.file).get_secret_value()
        kubeconfig = _kubeconfig(text, self.file)
        context = next((each for each in kubeconfig.contexts if each.name == kubeconfig.current), None)
        if context is None:
            raise StoreError(f"{self.file}: its current-context names none of its contexts.")
        if context.endpoint is None or context.credential is None:
            raise StoreError(
                f"{self.file}: its current context cannot be used: {context.problem}.",
                hint="Use a service account's token.",
            )
        return context.endpoint, context.credential

    @property
    def remedy(self) -> str:
        """See ``KubernetesAccess``."""
        return f"Renew the credential in {self.file}."


@dataclass(frozen=True)
class InCluster:
    """The service account of the pod in which fleetscope runs."""

    directory: Path = SERVICE_ACCOUNT

    def read(self) -> tuple[Endpoint, Credential]:
        """See ``KubernetesAccess``: the address is in the variables that Kubernetes gives to each pod."""
        host, port = os.environ.get("KUBERNETES_SERVICE_HOST"), os.environ.get("KUBERNETES_SERVICE_PORT", "443")
        if not host:
            raise StoreError(
                "Credentials are kept in Kubernetes Secrets, no kubeconfig is named, and this is no pod.",
                hint="Name a file in FLEETSCOPE_CREDENTIALS_KUBECONFIG_FILE.",
            )
        try:
            endpoint = Endpoint(
                url=f"https://{f'[{host}]' if ':' in host else host}:{port}",
                ca_pem=(self.directory / "ca.crt").read_text(encoding="utf-8"),
            )
        except (OSError, UnicodeDecodeError, ValidationError) as failure:
            reason = type(failure).__name__
        else:
            return endpoint, Credential(token=read_secret(self.directory / "token"))
        raise StoreError(f"The pod's service account in {self.directory} cannot be used: {reason}.")

    @property
    def remedy(self) -> str:
        """See ``KubernetesAccess``."""
        return "Check that the pod's service account still exists."


def _kubeconfig(text: str, file: Path) -> Kubeconfig:
    try:
        return read_kubeconfig(text, file.parent, str(file))
    except UsageError as wrong:
        fault = StoreError(wrong.message, hint=wrong.hint)
    # Outside the handler: what could not be parsed may be a secret, and would stay as this one's context.
    raise fault
