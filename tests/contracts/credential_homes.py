"""The homes that the contract of credential stores is held to: each opens stores over one and the same place."""

from __future__ import annotations

import base64
import os
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from storage.credentials.kubernetes_access import KubeconfigFile
from storage.credentials.kubernetes_api import SecretsApi
from storage.credentials.kubernetes_secrets import KubernetesCredentialStore
from storage.credentials.store import CredentialStore
from storage.credentials.vault import VaultCredentialStore
from storage.credentials.vault_login import TokenFile
from storage.credentials.vault_server import VaultServer


class Clock:
    """Monotonic seconds that stand still until a test moves them."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@dataclass(frozen=True)
class Home:
    """One place; each store that is opened over it has a cache of its own, as in a process of its own."""

    name: str
    opened: Callable[[Callable[[], float]], CredentialStore]

    def open(self, clock: Callable[[], float] = time.monotonic) -> CredentialStore:
        return self.opened(clock)


def vault_home(url: str, token_file: Path, mount: str, ca_file: Path | None = None) -> Home:
    server, login = VaultServer(url, ca_file=ca_file), TokenFile(token_file=token_file)
    return Home("vault", lambda clock: VaultCredentialStore(server, login, mount=mount, clock=clock))


@contextmanager
def secrets_home(kubeconfig: Path, folder: Path) -> Iterator[Home]:
    """Secrets in a namespace of their own, which is deleted at the end."""
    keyring = folder / "keyring"
    write_keyring(keyring, "first")
    with new_namespace(kubeconfig) as namespace:
        api = SecretsApi(KubeconfigFile(kubeconfig), namespace)
        yield Home("kubernetes", lambda clock: KubernetesCredentialStore(api, keyring, clock=clock))


def write_keyring(file: Path, *key_ids: str, keys: dict[str, str] | None = None) -> None:
    """A keyring of these keys in this order: new ones, where ``keys`` does not hold them."""
    known = {} if keys is None else keys
    for key_id in key_ids:
        known.setdefault(key_id, base64.b64encode(os.urandom(32)).decode())
    file.unlink(missing_ok=True)
    file.touch(mode=0o600)
    file.write_text("".join(f"{key_id} {known[key_id]}\n" for key_id in key_ids), encoding="ascii")


@contextmanager
def new_namespace(kubeconfig: Path) -> Iterator[str]:
    """A namespace, made through the API's own write path."""
    from kubernetes import client, config

    name = f"fleetscope-contract-{uuid.uuid4().hex[:8]}"
    with config.new_client_from_config(str(kubeconfig)) as connection:
        core: Any = client.CoreV1Api(connection)
        core.create_namespace({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
        try:
            yield name
        finally:
            core.delete_namespace(name)
