"""What the contracts are run on: a real server where the environment names one, else an embedded or simulated one.

Prometheus and Alertmanager are tried beside the simulated ones where their programs are installed.

A test that takes more than a server of its kind has to have says so with the marker ``needs``, and is skipped with the
reason on a server that lacks it:

- ``write``: the credential may create namespaces and what is in them;
- ``rbac``: not everybody may do everything;
- ``openshift``: the server is OpenShift's;
- ``kubelet``, ``no-kubelet``: nodes have kubelets that answer, or there are none, so that tests may make nodes;
- ``self-review``: the server has SelfSubjectReview.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from fleet.inventory.cluster import EndpointKind
from simulator.fleet import FleetOptions, SimulatedFleet
from tests.conftest import OpenBaoServer, S3Server
from tests.contracts import credential_homes
from tests.contracts.credential_homes import Home
from tests.contracts.installed import found_in, places_of
from tests.contracts.kubernetes_server import KubernetesServer, Place, new_place
from tests.contracts.sources import Source


@pytest.fixture(autouse=True)
def _needed(request: pytest.FixtureRequest) -> None:
    for marker in request.node.iter_markers("needs"):
        server: KubernetesServer = request.getfixturevalue("contract_kubernetes")
        for need in marker.args:
            if reason := server.lacks(need):
                pytest.skip(f"needs {need}: {reason}")


@pytest.fixture(scope="session")
def kubernetes_kubeconfig(request: pytest.FixtureRequest) -> Path:
    """``FLEETSCOPE_CONTRACT_KUBERNETES``: a kubeconfig, of which the current context is used."""
    named = os.environ.get("FLEETSCOPE_CONTRACT_KUBERNETES")
    if named:
        return Path(named)
    fleet: SimulatedFleet = request.getfixturevalue("simulated")
    return fleet.directory / "kubeconfig"


@pytest.fixture(scope="session")
def contract_kubernetes(kubernetes_kubeconfig: Path) -> KubernetesServer:
    return KubernetesServer(kubernetes_kubeconfig)


@pytest.fixture(scope="session")
def place(contract_kubernetes: KubernetesServer) -> Iterator[Place]:
    """A namespace of this run's own."""
    with new_place(contract_kubernetes) as made:
        yield made


@pytest.fixture(scope="session")
def contract_s3(request: pytest.FixtureRequest) -> S3Server:
    """``FLEETSCOPE_CONTRACT_S3``: a URL; ``…_BUCKET``, ``…_ACCESS_KEY_FILE`` and ``…_SECRET_KEY_FILE`` beside it."""
    url = os.environ.get("FLEETSCOPE_CONTRACT_S3")
    if not url:
        server: S3Server = request.getfixturevalue("s3_server")
        return server
    access_key, secret_key = (
        Path(os.environ[f"FLEETSCOPE_CONTRACT_S3_{name}_FILE"]).read_text(encoding="utf-8").strip()
        for name in ("ACCESS_KEY", "SECRET_KEY")
    )
    return S3Server(url, os.environ.get("FLEETSCOPE_CONTRACT_S3_BUCKET", "fleetscope"), access_key, secret_key)


@pytest.fixture(scope="session")
def simulated() -> Iterator[SimulatedFleet]:
    """Stands in for the observability servers that the environment does not name."""
    with SimulatedFleet(FleetOptions(clusters=1, faults=(), nodes=3, workloads=9)) as fleet:
        yield fleet


@pytest.fixture(scope="session", params=places_of(EndpointKind.PROMETHEUS))
def contract_prometheus(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Source]:
    yield from found_in(request.param, EndpointKind.PROMETHEUS, request, tmp_path_factory)


@pytest.fixture(scope="session", params=places_of(EndpointKind.ALERTMANAGER))
def contract_alertmanager(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Source]:
    yield from found_in(request.param, EndpointKind.ALERTMANAGER, request, tmp_path_factory)


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
