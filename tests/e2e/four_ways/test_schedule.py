"""The first way of use: a schedule starts scans, and never two at a time."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import pytest

from fleet.findings.scan import ScanState
from fleet.frames.window import CHUNK, Window
from storage.scans import ScanStore
from tests.e2e.fleets import Registered
from tests.e2e.four_ways.asking import artifacts_of, runs_of, wait_until_all_ended
from tests.e2e.four_ways.conftest import switch_schedules_off
from tests.e2e.installation import Installation, eventually


@pytest.mark.timeout(240)
def test_the_schedule_fires_and_a_run_that_would_overlap_is_cancelled(
    house: Installation, clusters: Registered
) -> None:
    with house.prefect() as api:
        deployment = api.deployment("scan-fleet/hourly")
        (schedule,) = deployment["schedules"]
        assert schedule["schedule"]["cron"] == "5 * * * *"
        # Far more often than a scan takes: of any two that follow one another the later one overlaps.
        often = {"interval": 3, "anchor_date": datetime.now(UTC).isoformat()}
        schedules = [{"schedule": often, "active": True, "slug": schedule["slug"]}]
        api.call("PATCH", f"/deployments/{deployment['id']}", {"schedules": schedules})
        try:
            eventually(lambda: "CANCELLED" in types_of(house, deployment["id"]))
        finally:
            switch_schedules_off(house)
    wait_until_all_ended(house, deployment["id"])
    runs = runs_of(house, deployment["id"])
    assert all(run["auto_scheduled"] for run in runs)
    completed = [run for run in runs if run["state_type"] == "COMPLETED"]
    cancelled = [run for run in runs if run["state_type"] == "CANCELLED"]
    assert {run["state_type"] for run in runs} == {"COMPLETED", "CANCELLED"}
    for earlier, later in pairwise(completed):
        assert earlier["end_time"] <= later["start_time"]
    for run in completed:
        scan = house.stores.scans.get(run["id"])
        planned = datetime.fromisoformat(run["expected_start_time"])
        assert (scan.state, scan.window) == (ScanState.COMPLETED, Window.of_scan(planned, CHUNK))
        assert sorted(scan.cluster_ids) == sorted(clusters.ids)
        left = artifacts_of(house, run["id"])
        assert sorted(row["cluster"] for row in left["coverage"]) == sorted(clusters.names)
        assert {"progress", "findings", "incidents", "report-pdf", "report-html"} <= set(left)
    assert not known(house.stores.scans, cancelled)


def types_of(house: Installation, deployment_id: str) -> set[str]:
    return {run["state_type"] for run in runs_of(house, deployment_id)}


def known(scans: ScanStore, runs: list[dict[str, Any]]) -> set[str]:
    """Those of the runs that have opened a scan."""
    return {run["id"] for run in runs} & {scan.id for scan in scans.list(limit=1000)}
