"""What the contracts are run on: a real server where the environment names one, else an embedded or simulated one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from simulator.fleet import FleetOptions, SimulatedFleet
from tests.conftest import OpenBaoServer
from tests.contracts import credential_homes
from tests.contracts.credential_homes import Home


@pytest.fixture(scope="session")
def kubernetes_kubeconfig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """``FLEETSCOPE_CONTRACT_KUBERNETES``: a kubeconfig, of which the current context is used."""
    named = os.environ.get("FLEETSCOPE_CONTRACT_KUBERNETES")
    if named:
        yield Path(named)
        return
    options = FleetOptions(clusters=1, faults=(), nodes=3, workloads=9)
    with SimulatedFleet(options) as fleet:
        yield fleet.directory / "kubeconfig"


@pytest.fixture(scope="session")
def vault_home(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Home:
    """``FLEETSCOPE_CONTRACT_VAULT``: an address; ``…_TOKEN_FILE``, ``…_MOUNT`` and ``…_CA_FILE`` beside it."""
    url = os.environ.get("FLEETSCOPE_CONTRACT_VAULT")
    if url:
        ca_file = os.environ.get("FLEETSCOPE_CONTRACT_VAULT_CA_FILE")
        return credential_homes.vault_home(
            url,
            Path(os.environ["FLEETSCOPE_CONTRACT_VAULT_TOKEN_FILE"]),
            os.environ.get("FLEETSCOPE_CONTRACT_VAULT_MOUNT", "fleetscope"),
            Path(ca_file) if ca_file else None,
        )
    server: OpenBaoServer = request.getfixturevalue("openbao_server")
    token_file = tmp_path_factory.mktemp("vault") / "token"
    token_file.write_text(server.token, encoding="utf-8")
    return credential_homes.vault_home(server.url, token_file, server.mount)


@pytest.fixture(scope="session")
def kubernetes_home(kubernetes_kubeconfig: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    with credential_homes.secrets_home(kubernetes_kubeconfig, tmp_path_factory.mktemp("keyring")) as home:
        yield home
