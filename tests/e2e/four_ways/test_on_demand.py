"""The second way of use: a scan that somebody starts, in the UI or by a call, and what it leaves there."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import httpx
import pytest

from fleet.findings.scan import ScanState
from tests.e2e.fleets import ANCHOR, Registered
from tests.e2e.four_ways.asking import artifacts_of, ask, end_of, run_of, start
from tests.e2e.installation import Installation


def test_a_scan_leaves_its_progress_tables_and_a_report(
    house: Installation, clusters: Registered, scanned: str
) -> None:
    assert end_of(house, scanned)["type"] == "COMPLETED"
    scan = house.stores.scans.get(scanned)
    assert (scan.state, scan.window.end) == (ScanState.COMPLETED, ANCHOR)
    left = artifacts_of(house, scanned)
    assert left["progress"] == 100
    production = [
        clusters.clusters[entry["name"]]
        for entry in clusters.fleet.registration["clusters"]
        if entry["environment"] == "production"
    ]
    assert len(production) == 2
    assert sorted(row["cluster"] for row in left["coverage"]) == sorted(production)
    assert all((row["ok"], row["unknown"], row["gaps"]) == (24, 0, "") for row in left["coverage"])
    faults = [fault for fault in clusters.fleet.truth["faults"] if clusters.clusters[fault["cluster"]] in production]
    assert faults
    for fault in faults:
        cluster, name = clusters.clusters[fault["cluster"]], fault["subject"]["name"]
        assert any(row["cluster"] == cluster and name in row["finding"] for row in left["findings"])
        causes = [row["probable cause"] for row in left["incidents"] if row["cluster"] == cluster]
        assert any(name in cause for cause in causes), causes
    address = left["report-pdf"].partition("](")[2].removesuffix(")")
    assert httpx.get(address, timeout=20).content.startswith(b"%PDF-")


def test_runs_on_demand_queue(house: Installation, clusters: Registered, scanned: str) -> None:
    parameters: dict[str, Any] = {"until": ANCHOR.isoformat(), "last_hours": 1, "report": False}
    second = start(house, "scan-fleet/on-demand", clusters=clusters.names[:1], **parameters)
    third = start(house, "scan-fleet/on-demand", clusters=clusters.names[1:2], **parameters)
    runs = []
    for run_id in (scanned, second, third):
        assert end_of(house, run_id)["type"] == "COMPLETED"
        runs.append(run_of(house, run_id))
    runs.sort(key=lambda run: str(run["start_time"]))
    for earlier, later in pairwise(runs):
        assert earlier["end_time"] <= later["start_time"]


@pytest.mark.parametrize(
    ("deployment", "parameters"),
    [
        ("scan-fleet/on-demand", {"last_hours": 0}),
        ("scan-fleet/on-demand", {"last_hours": 169}),
        ("scan-fleet/on-demand", {"sensitivity": "SOMEWHAT"}),
        ("scan-fleet/on-demand", {"clusters": ["Not a name"]}),
        ("scan-fleet/on-demand", {"selector": ["environment"]}),
        ("investigate/on-demand", {"namespace": "shop"}),
        ("investigate/on-demand", {"cluster": "edge-1", "namespace": "shop; drop"}),
        ("create-report/on-demand", {"kind": "novel"}),
        ("create-report/on-demand", {"recipients": ["ops@example.org\nBcc: all@example.org"]}),
    ],
)
def test_parameters_out_of_bounds_are_refused(
    house: Installation, deployment: str, parameters: dict[str, object]
) -> None:
    answer = ask(house, deployment, **parameters)
    assert answer.status_code in {409, 422}, answer.text
