from __future__ import annotations

from typing import Any

import pytest

from simulator.fleet import SimulatedFleet
from tests.simulator.conftest import ANCHOR, Api, api

END = int(ANCHOR.timestamp())
HOUR = {"start": END - 3600, "end": END}


@pytest.fixture(scope="session")
def tempo(fleet: SimulatedFleet) -> Api:
    return api(fleet, fleet.names[0], "tempo")


def found(tempo: Api, **parameters: Any) -> list[dict[str, Any]]:
    """The traces of a search in the hour before the anchor."""
    answer = tempo.get("/api/search", **{**HOUR, **parameters})
    answer.raise_for_status()
    traces: list[dict[str, Any]] = answer.json()["traces"]
    return traces
