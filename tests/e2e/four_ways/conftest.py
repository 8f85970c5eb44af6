"""An installation as an operator sets one up: with a mail server, its own deployments, and three clusters."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from deployments.embedded.control import start_stack, stop_stack
from deployments.embedded.state import free_port
from deployments.installation import stores_of
from deployments.settings import load_settings
from simulator.options import FaultKind
from tests.e2e.fleets import ANCHOR, Registered, register, simulated
from tests.e2e.four_ways.asking import start
from tests.e2e.four_ways.mailbox import Mailbox
from tests.e2e.installation import Installation

FAULTS = (FaultKind.MEMORY_LEAK, FaultKind.NOISY_NEIGHBOUR, FaultKind.BAD_ROLLOUT)
"""Those whose place is a workload."""


@pytest.fixture(scope="package")
def mailbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mailbox]:
    mailbox = Mailbox(tmp_path_factory.mktemp("mail"))
    mailbox.open()
    yield mailbox
    mailbox.close()


@pytest.fixture(scope="package")
def house(mailbox: Mailbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """A running stack of its own. Its schedules are switched off: the test of schedules switches one on."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("FLEETSCOPE_")]:
            patch.delenv(name)
        patch.setenv("FLEETSCOPE_PREFECT_PORT", str(free_port()))
        patch.setenv("FLEETSCOPE_STATE_DIR", str(tmp_path_factory.mktemp("house")))
        for name, value in mailbox.environment().items():
            patch.setenv(name, value)
        settings = load_settings()
        try:
            addresses = start_stack(settings)
            stores = stores_of(addresses)
            house = Installation(settings, addresses, stores)
            switch_schedules_off(house)
            yield house
            stores.close()
        finally:
            stop_stack(settings)


def switch_schedules_off(house: Installation) -> None:
    with house.prefect() as api:
        for deployment in api.call("POST", "/deployments/filter", {}):
            for schedule in deployment["schedules"]:
                api.call("PATCH", f"/deployments/{deployment['id']}/schedules/{schedule['id']}", {"active": False})


@pytest.fixture(scope="package")
def clusters(house: Installation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registered]:
    """Three clusters, the first two in production; two of them have faults."""
    with simulated(tmp_path_factory.mktemp("fleet"), seed=5, faults=FAULTS, nodes=3, workloads=9) as fleet:
        yield register(house, fleet, "four")


@pytest.fixture(scope="package")
def scanned(house: Installation, clusters: Registered) -> str:
    """A scan of the clusters in production, started by one call; the run's id. It may still be under way."""
    return start(
        house,
        "scan-fleet/on-demand",
        selector={"environment": "production"},
        until=ANCHOR.isoformat(),
        sensitivity="HIGH",
    )
