"""An installation whose clusters' credentials are kept in Kubernetes Secrets: registered, read, and moved back."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from blocks.stores import open_credentials
from deployments.addresses import SecretsAddress
from deployments.bootstrap import save_blocks
from storage.credentials.kubernetes_secrets import KubernetesCredentialStore
from storage.credentials.vault import VaultCredentialStore
from tests.contracts.credential_homes import new_namespace, write_keyring
from tests.e2e.fleets import simulated
from tests.e2e.installation import Installation

COMMAND = Path(sys.executable).with_name("fleetscope")


@pytest.fixture
def secrets(tmp_path: Path) -> Iterator[tuple[SecretsAddress, list[str]]]:
    """A cluster that keeps the Secrets, and is registered itself: how, beside where they are."""
    with simulated(tmp_path / "fleet", clusters=1, faults=(), nodes=3, workloads=9) as fleet:
        folder, [name] = fleet.directory, fleet.names
        keyring = tmp_path / "keyring"
        write_keyring(keyring, "2026-11")
        with new_namespace(folder / "kubeconfig") as namespace:
            api = ["--kubernetes", f"{fleet.url}/{name}/kubernetes", "--ca-file", str(folder / "ca.pem")]
            token = ["--token-file", str(folder / f"{name}.token")]
            yield SecretsAddress(namespace, keyring, folder / "kubeconfig"), [*api, *token]


def test_a_cluster_is_registered_and_discovered(
    installation: Installation, secrets: tuple[SecretsAddress, list[str]], tmp_path: Path
) -> None:
    address, registration = secrets

    def command(*words: object) -> str:
        environment = {key: value for key, value in os.environ.items() if not key.startswith("PREFECT_")}
        environment |= installation.settings.environment() | address.environment()
        ran = subprocess.run(
            [COMMAND, *map(str, words)],
            env=environment,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
        assert ran.returncode == 0, ran.stderr
        return ran.stdout + ran.stderr

    token = Path(registration[-1]).read_text(encoding="utf-8").strip()
    name = "kept-in-secrets"
    try:
        said = command("cluster", "add", name, *registration)
        said += command("discover", "--cluster", name)
        assert token not in said
        cluster = installation.stores.clusters.by_name(name)
        assert installation.stores.inventories.latest(cluster.id) is not None
        assert installation.stores.credentials.version(f"clusters/{name}") is None, "it is in OpenBao"
        kept = KubernetesCredentialStore.at(address.kubeconfig_file, address.namespace, address.keyring_file)
        found = kept.get(f"clusters/{name}").for_endpoint("kubernetes")
        assert found is not None
        assert found.token is not None
        assert found.token.get_secret_value() == token
        assert kept.version(f"clusters/{name}") is not None
        command("cluster", "remove", name)
        assert kept.version(f"clusters/{name}") is None
    finally:
        save_blocks(installation.addresses, installation.settings)


def test_tasks_open_the_home_that_was_saved_last(
    installation: Installation, secrets: tuple[SecretsAddress, list[str]]
) -> None:
    address, _ = secrets
    try:
        save_blocks(replace(installation.addresses, credentials=address), installation.settings)
        assert isinstance(open_credentials(), KubernetesCredentialStore)
    finally:
        save_blocks(installation.addresses, installation.settings)
    assert isinstance(open_credentials(), VaultCredentialStore)
