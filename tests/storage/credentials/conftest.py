"""The places that keep credentials: an OpenBao's engines, and a simulated cluster's Secrets."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from simulator.fleet import FleetOptions, SimulatedFleet
from tests.conftest import OpenBaoServer
from tests.contracts.credential_homes import write_keyring
from tests.storage.credentials.bao import Operator
from tests.storage.credentials.secrets_place import NAMESPACE, Place


@pytest.fixture
def operator(openbao_server: OpenBaoServer) -> Operator:
    return Operator.of(openbao_server)


@pytest.fixture(scope="package")
def keeping_fleet() -> Iterator[SimulatedFleet]:
    with SimulatedFleet(FleetOptions(clusters=1, faults=(), nodes=3, workloads=9)) as running:
        yield running


@pytest.fixture
def place(keeping_fleet: SimulatedFleet, tmp_path: Path) -> Iterator[Place]:
    fleet = keeping_fleet
    [name] = fleet.names
    place = Place(fleet, name, fleet.directory / "kubeconfig", tmp_path / "keyring", {})
    write_keyring(place.keyring, "2026-05", keys=place.keys)
    place.call("POST", "namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
    yield place
    fleet.allow(name)
    fleet.set_broken(name, None)
    place.call("DELETE", f"namespaces/{NAMESPACE}")
