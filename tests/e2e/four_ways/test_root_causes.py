"""The third way of use: one call asks for the causes of a trouble at a place and a time."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from tests.e2e.fleets import ANCHOR, Registered
from tests.e2e.four_ways.asking import artifacts_of, end_of, start
from tests.e2e.installation import Installation


@pytest.mark.timeout(240)
def test_an_investigation_names_the_injected_cause(house: Installation, clusters: Registered) -> None:
    faults = clusters.fleet.truth["faults"]
    assert len(faults) == 3
    # All at once, as several callers would ask.
    asked = {
        fault["id"]: start(
            house,
            "investigate/on-demand",
            cluster=clusters.clusters[fault["cluster"]],
            namespace=fault["subject"]["namespace"],
            workload=fault["subject"]["name"],
            at=noticed_at(fault).isoformat(),
        )
        for fault in faults
    }
    for fault in faults:
        run_id = asked[fault["id"]]
        assert end_of(house, run_id)["type"] == "COMPLETED"
        got = house.fleetscope("investigate", "get", run_id, "--json")
        assert got.code == 0, got.err
        assert got.json["id"] == run_id
        causes = [
            (cause["kind"], cause["subject"]["namespace"], cause["subject"]["name"]) for cause in got.json["causes"]
        ]
        wanted = fault["cause"]
        assert (wanted["kind"], wanted["subject"]["namespace"], wanted["subject"]["name"]) in causes[:2]
        evidence = {each["id"] for each in got.json["evidence"]}
        assert all(set(cause["supports"]) and set(cause["supports"]) <= evidence for cause in got.json["causes"])
        assert fault["subject"]["name"] in artifacts_of(house, run_id)["investigation"]


def noticed_at(fault: dict[str, Any]) -> datetime:
    """When somebody would call: a fault that has passed is noticed at its height, another one now."""
    start = datetime.fromisoformat(fault["start"])
    return start + (datetime.fromisoformat(fault["end"]) - start) / 2 if fault["end"] else ANCHOR
