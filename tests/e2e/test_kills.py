"""Killed anywhere, it continues: nothing is stored twice, nothing that is stored is asked for again.

The middle of a scan is made by a cluster whose Prometheus hangs: the scan cannot go on before it gives that one up,
while what was seen of the others is stored already.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from fleet.findings.scan import ScanState
from fleet.frames.coverage import Signal
from fleet.frames.window import HISTORY, HISTORY_STEP_SECONDS, STEP_SECONDS
from fleet.inventory.cluster import cluster_id
from fleet.reports.record import ReportFormat
from simulator.fleet import SimulatedFleet
from simulator.options import BrokenMode, FaultKind
from tests.deployments.prefect_api import FINAL, PrefectApi
from tests.e2e.fleets import (
    ANCHOR,
    METRICS_AND_INVENTORY,
    Registered,
    doubled,
    register,
    simulated,
    told_of,
    write_pack,
)
from tests.e2e.installation import Installation, eventually
from tests.processes import wait_ended

HOURS = 24
PACK = (
    "node_cpu_util",
    "node_mem_util",
    "fs_used_ratio",
    "container_mem_bytes",
    "container_mem_vs_limit",
    "container_restarts",
    "container_oom_kills",
    "node_pressure",
    "targets_up_ratio",
)
SCAN = "scan-fleet/on-demand"
REPORT = "create-report/on-demand"
RUN_SECONDS = 120

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]


@dataclass(frozen=True)
class Ground:
    """A simulated fleet, and what an undisturbed scan of it tells."""

    installation: Installation
    fleet: SimulatedFleet
    pack: Path
    gate: str
    scan_id: str
    told: dict[str, Any]
    ranges: dict[str, int]

    @property
    def open_clusters(self) -> list[str]:
        return [name for name in self.fleet.names if name != self.gate]

    def parameters(self, clusters: Registered) -> dict[str, Any]:
        return parameters(clusters, self.pack)


def parameters(clusters: Registered, pack: Path) -> dict[str, Any]:
    return {
        "clusters": clusters.names,
        "until": ANCHOR.isoformat(),
        "last_hours": HOURS,
        "sensitivity": "HIGH",
        "pack": str(pack),
        "report": False,
    }


@pytest.fixture(scope="module")
def ground(installation: Installation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    directory = tmp_path_factory.mktemp("kills")
    pack = write_pack(directory / "pack.yaml", PACK)
    faults = (FaultKind.MEMORY_LEAK, FaultKind.DISK_FILLING)
    with simulated(directory, clusters=3, seed=5, nodes=3, workloads=9, faults=faults) as fleet:
        faulty = {fault["cluster"] for fault in fleet.truth["faults"]}
        gate = next(name for name in fleet.names if name not in faulty)
        undisturbed = register(installation, fleet, "undisturbed", metrics_only=[gate])
        given = {**parameters(undisturbed, pack), "until": ANCHOR}
        del given["report"]
        result = installation.scan(**given)
        told = told_of(undisturbed)
        assert sum(len(each["incidents"]) for each in told.values()) >= 2
        ranges = {name: undisturbed.ranges(name) for name in fleet.names}
        yield Ground(installation, fleet, pack, gate, result.scan_id, told, ranges)


@pytest.fixture
def api(installation: Installation) -> Iterator[PrefectApi]:
    with installation.prefect() as api:
        yield api


@pytest.fixture
def clusters(ground: Ground, request: pytest.FixtureRequest) -> Iterator[Registered]:
    """The fleet's clusters under names of this test: nothing is stored of them yet."""
    prefix = re.sub(r"[^a-z0-9]+", "-", request.node.name.removeprefix("test_"))[:40].strip("-")
    kinds = (*METRICS_AND_INVENTORY, "loki")
    registered = register(ground.installation, ground.fleet, prefix, metrics_only=[ground.gate], kinds=kinds)
    ground.fleet.reset_requests()
    yield registered
    ground.fleet.set_broken(ground.gate, None)
    for process in ground.installation.flow_processes():
        process.kill()


@dataclass(frozen=True)
class Middle:
    """What was stored when a run was in the middle of its work."""

    chunks: dict[tuple[str, int, datetime], datetime | None]

    @classmethod
    def of(cls, clusters: Registered) -> Middle:
        final = [chunk for chunk in clusters.chunks() if chunk.status.final]
        return cls({(chunk.cluster_id, chunk.step_seconds, chunk.window.start): chunk.collected_at for chunk in final})

    def count(self, cluster_id: str, step_seconds: int) -> int:
        return sum(key[:2] == (cluster_id, step_seconds) for key in self.chunks)


def wait_at_the_gate(ground: Ground, clusters: Registered, api: PrefectApi, run: str) -> None:
    """Wait until the window of the open clusters is stored, while the run waits for the one that hangs."""

    def is_there() -> bool:
        assert api.call("GET", f"/flow_runs/{run}")["state"]["type"] not in FINAL
        window = [chunk for chunk in clusters.chunks(*ground.open_clusters) if chunk.step_seconds == STEP_SECONDS]
        return len(window) == HOURS * len(ground.open_clusters)

    eventually(is_there)


def assert_continued(ground: Ground, clusters: Registered, middle: Middle) -> None:
    """A run after ``middle`` (and the counts' reset) has asked for what was missing, and all is there once."""
    assert len(middle.chunks) >= HOURS
    now = Middle.of(clusters).chunks
    assert {key: now[key] for key in middle.chunks} == middle.chunks
    for name, cluster in clusters.clusters.items():
        # In an undisturbed scan each query is asked twice: over the window, and over the days before it.
        queries = ground.ranges[name] // 2
        is_window_missing = middle.count(cluster_id(cluster), STEP_SECONDS) < HOURS
        is_history_missing = middle.count(cluster_id(cluster), HISTORY_STEP_SECONDS) < HISTORY.days
        assert clusters.ranges(name) == queries * (is_window_missing + is_history_missing), name
    assert told_of(clusters) == ground.told
    assert doubled(clusters) == []


def test_killed_worker(ground: Ground, clusters: Registered, api: PrefectApi) -> None:
    installation = ground.installation
    ground.fleet.set_broken(ground.gate, BrokenMode.HANG)
    run = api.start_run(SCAN, **ground.parameters(clusters))
    wait_at_the_gate(ground, clusters, api, run)
    orphans = installation.flow_processes()
    assert len(orphans) == 1

    installation.kill("worker")
    wait_ended(orphans)
    state = api.wait_for(run)
    assert state["type"] == "CRASHED"
    assert "worker" in state["message"]

    middle = Middle.of(clusters)
    ground.fleet.set_broken(ground.gate, None)
    ground.fleet.reset_requests()
    again = api.start_run(SCAN, **ground.parameters(clusters))
    # The deployment lets one run at a time: it starts only if the killed one has left its slot.
    assert api.wait_for(again, seconds=RUN_SECONDS)["type"] == "COMPLETED"
    assert_continued(ground, clusters, middle)


def test_killed_flow_run(ground: Ground, clusters: Registered, api: PrefectApi) -> None:
    installation, stores = ground.installation, ground.installation.stores
    given = {**ground.parameters(clusters), "report": True}
    run = api.start_run(SCAN, **given)
    eventually(lambda: bool(stores.findings.list(cluster_ids=clusters.ids, limit=1)))
    eventually(lambda: len(clusters.chunks(*ground.open_clusters, signal=Signal.LOGS)) == 2 * HOURS)
    for process in installation.flow_processes():
        process.kill()
    state = api.wait_for(run)
    assert state["type"] == "CRASHED"
    assert "SIGKILL" in state["message"]

    middle = Middle.of(clusters)
    logs = clusters.chunks(*ground.open_clusters, signal=Signal.LOGS)
    assert len(logs) == HOURS * len(ground.open_clusters)
    ground.fleet.reset_requests()
    again = api.start_run(SCAN, **given)
    assert api.wait_for(again, seconds=RUN_SECONDS)["type"] == "COMPLETED"
    assert_continued(ground, clusters, middle)
    assert clusters.ranges() == 0
    assert clusters.asked("loki") == 0
    assert clusters.chunks(*ground.open_clusters, signal=Signal.LOGS) == logs
    assert [len(stores.reports.list(scan_id=scan_id)) for scan_id in (run, again)] == [0, 1]
    assert stores.scans.get(again).state is ScanState.COMPLETED


def test_killed_prefect_server(ground: Ground, clusters: Registered, api: PrefectApi) -> None:
    installation = ground.installation
    ground.fleet.set_broken(ground.gate, BrokenMode.HANG)
    run = api.start_run(SCAN, **ground.parameters(clusters))
    wait_at_the_gate(ground, clusters, api, run)

    killed = installation.kill("prefect")
    installation.wait_restarted("prefect", killed)
    state = api.wait_for(run, seconds=RUN_SECONDS)
    assert (state["type"], state["name"]) == ("COMPLETED", "CompletedWithGaps"), state
    eventually(lambda: not installation.flow_processes())

    middle = Middle.of(clusters)
    ground.fleet.set_broken(ground.gate, None)
    ground.fleet.reset_requests()
    again = api.start_run(SCAN, **ground.parameters(clusters))
    assert api.wait_for(again, seconds=RUN_SECONDS)["type"] == "COMPLETED"
    assert_continued(ground, clusters, middle)


def test_restarted_object_store(ground: Ground, clusters: Registered, api: PrefectApi) -> None:
    run = api.start_run(SCAN, **ground.parameters(clusters))
    eventually(lambda: clusters.ranges() > 0)
    with ground.installation.kept_down("s3"):
        query = {"flow_runs": {"id": {"any_": [run]}}}
        # Answers have come and could not be stored: the step waits for its next try.
        eventually(lambda: any(is_retried(task) for task in api.call("POST", "/task_runs/filter", query)))
    state = api.wait_for(run, seconds=RUN_SECONDS)
    assert state["type"] == "COMPLETED", state
    assert told_of(clusters) == ground.told
    assert doubled(clusters) == []


def is_retried(task: dict[str, Any]) -> bool:
    return bool(task["run_count"] > 1 or task["state_name"] == "AwaitingRetry")


def watching(seconds: float) -> Iterator[None]:
    """Looks at something for a while, ten times a second."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        yield
        time.sleep(0.1)


def test_restarted_database(ground: Ground, clusters: Registered, api: PrefectApi) -> None:
    """Of results, budgets and Prefect: the run can neither ask, nor store, nor tell how far it is."""
    run = api.start_run(SCAN, **ground.parameters(clusters))
    eventually(lambda: clusters.ranges() > 0)
    with ground.installation.kept_down("postgres"):
        # What was under way arrives; then nothing is asked, since nobody can say how much is asked already.
        counts = [clusters.ranges() for _ in watching(seconds=4)]
        assert len(set(counts[len(counts) // 2 :])) == 1
    state = api.wait_for(run, seconds=RUN_SECONDS)
    assert state["type"] == "COMPLETED", state
    assert told_of(clusters) == ground.told
    assert doubled(clusters) == []


def test_killed_report(ground: Ground, api: PrefectApi) -> None:
    stores = ground.installation.stores
    scan_id = ground.scan_id
    run = api.start_run(REPORT, scan_id=scan_id)
    api.wait_for(run, "RUNNING")
    for process in ground.installation.flow_processes():
        process.kill()
    assert api.wait_for(run)["type"] == "CRASHED"
    again = [api.start_run(REPORT, scan_id=scan_id) for _ in range(2)]
    assert [api.wait_for(each, seconds=RUN_SECONDS)["type"] for each in again] == ["COMPLETED"] * 2
    [report] = stores.reports.list(scan_id=scan_id)
    assert {form: stores.report_objects.get(stored)[:4] for form, stored in report.formats.items()} == {
        ReportFormat.PDF: b"%PDF",
        ReportFormat.HTML: b"<!DO",
        ReportFormat.MARKDOWN: b"# Fl",
    }
