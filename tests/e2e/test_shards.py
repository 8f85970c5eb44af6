"""A fleet of 60 clusters: in shards, from the command line and on the worker, and when parts of it are killed."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

from fleet.findings.scan import ScanState
from fleet.inventory.cluster import cluster_id
from interfaces.cli.result import result_of
from interfaces.cli.tables import coverage_table
from simulator.options import BrokenMode
from tests.deployments.prefect_api import PrefectApi
from tests.e2e.fleets import ANCHOR, Registered, register, simulated, write_pack
from tests.e2e.installation import Installation, eventually
from tests.processes import wait_ended

CLUSTERS = 60
DISCOVER = "discover-fleet/daily"

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]


@pytest.fixture(scope="module")
def clusters(installation: Installation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registered]:
    directory = tmp_path_factory.mktemp("shards")
    with simulated(directory, clusters=CLUSTERS, nodes=3, workloads=9, faults=()) as fleet:
        yield register(installation, fleet, "shards")


@pytest.fixture
def mended(clusters: Registered) -> Iterator[Registered]:
    """The clusters, all of which work again afterwards, and no run is left."""
    yield clusters
    for name in clusters.clusters:
        clusters.fleet.set_broken(name, None)
    for process in clusters.installation.flow_processes():
        process.kill()


@pytest.fixture
def api(installation: Installation) -> Iterator[PrefectApi]:
    with installation.prefect() as api:
        yield api


@dataclass(frozen=True)
class Shard:
    """A shard as Prefect shows it below its parent, and its process."""

    run: dict[str, Any]
    process: psutil.Process | None

    @property
    def state(self) -> dict[str, Any]:
        state: dict[str, Any] = self.run["state"]
        return state


def shards_of(installation: Installation, api: PrefectApi, run_id: str) -> list[Shard]:
    """The children of a run, in order of their numbers."""
    query = {"flow_runs": {"parent_flow_run_id": {"any_": [run_id]}}, "sort": "NAME_ASC"}
    processes = {}
    for process in installation.flow_processes():
        with contextlib.suppress(psutil.Error):
            processes[process.environ()["PREFECT__FLOW_RUN_ID"]] = process
    return [Shard(run, processes.get(run["id"])) for run in api.call("POST", "/flow_runs/filter", query)]


def table(api: PrefectApi, run_id: str, key: str) -> str:
    """A table artifact of a run, as JSON text."""
    query = {"artifacts": {"flow_run_id": {"any_": [run_id]}, "key": {"any_": [key]}}}
    [artifact] = api.call("POST", "/artifacts/filter", query)
    return str(artifact["data"])


def test_discover_at_the_command_line(installation: Installation, clusters: Registered, api: PrefectApi) -> None:
    outcome = installation.fleetscope("discover", "--json", *clusters.options())
    assert outcome.code == 0, outcome.err
    assert {name for name, seen in outcome.json["inventories"].items() if seen} == set(clusters.names)
    assert (
        f"All {CLUSTERS} clusters seen." in api.call("GET", f"/flow_runs/{outcome.json['run_id']}")["state"]["message"]
    )

    shards = shards_of(installation, api, outcome.json["run_id"])
    assert [(shard.run["name"], shard.state["type"]) for shard in shards] == [
        ("shard 1 of 2", "COMPLETED"),
        ("shard 2 of 2", "COMPLETED"),
    ]
    given = [shard.run["parameters"] for shard in shards]
    assert all(list(each) == ["cluster_ids"] for each in given)
    assert sorted(each for one in given for each in one["cluster_ids"]) == sorted(clusters.ids)


def test_scan_at_the_command_line(installation: Installation, clusters: Registered, tmp_path: Path) -> None:
    pack = write_pack(tmp_path / "pack.yaml", ["node_cpu_util"])
    words = ["scan", "--json", "--last", "1h", "--until", ANCHOR.isoformat(), "--pack", pack]
    outcome = installation.fleetscope(*words, *clusters.options())
    assert outcome.code == 0, outcome.err
    scan = installation.stores.scans.get(outcome.json["scan_id"])
    assert scan.state is ScanState.COMPLETED
    assert sorted(scan.judged_ids or []) == sorted(clusters.ids)
    assert scan.counts["series"] >= 3 * CLUSTERS
    assert len(outcome.json["coverage"]) == CLUSTERS
    shown = coverage_table(result_of(installation.stores, scan.id).coverage)
    assert shown.row_count < CLUSTERS
    assert f"worst of {CLUSTERS} clusters. Grades of all of them: A: {CLUSTERS}." in str(shown.caption)
    [report] = installation.stores.reports.list(scan_id=scan.id)
    assert len(report.summary["grades"]) == CLUSTERS


def test_a_large_fleet_is_one_table(clusters: Registered) -> None:
    hidden = next(iter(clusters.clusters))
    clusters.fleet.set_broken(hidden, BrokenMode.UNAVAILABLE)
    try:
        outcome = clusters.installation.fleetscope("discover", *clusters.options())
    finally:
        clusters.fleet.set_broken(hidden, None)
        # The governor holds back what failed for a while longer than it is broken.
        alone = ("discover", "--cluster", clusters.clusters[hidden])
        eventually(lambda: clusters.installation.fleetscope(*alone).code == 0)
    assert outcome.code == 4
    first = next(line for line in outcome.out.splitlines() if "shards-" in line)
    assert clusters.clusters[hidden] in first
    assert "seen last at" in first
    assert f"40 of {CLUSTERS} clusters, those first that need a look" in outcome.out
    assert f"All that could be read, {CLUSTERS - 1}, have" in " ".join(outcome.out.split())


def test_killed_shard(mended: Registered, api: PrefectApi) -> None:
    installation = mended.installation
    hanging = list(mended.clusters)[-1]
    mended.fleet.set_broken(hanging, BrokenMode.HANG)
    run = api.start_run(DISCOVER, clusters=mended.names)

    def second_waits() -> bool:
        states = [shard.state["type"] for shard in shards_of(installation, api, run)]
        return states == ["COMPLETED", "RUNNING"]

    eventually(second_waits)
    _, second = shards_of(installation, api, run)
    assert second.process is not None
    second.process.kill()
    state = api.wait_for(run)
    assert (state["type"], state["name"]) == ("COMPLETED", "CompletedWithGaps")
    lost = second.run["parameters"]["cluster_ids"]
    assert cluster_id(mended.clusters[hanging]) in lost
    assert state["message"].startswith(f"{CLUSTERS - len(lost)} of {CLUSTERS} clusters seen; gaps in ")
    shards = shards_of(installation, api, run)
    assert [(shard.state["type"], shard.state["message"]) for shard in shards[1:]] == [
        ("CRASHED", "Its process was killed by SIGKILL.")
    ]
    assert table(api, run, "inventory").count("was killed by SIGKILL") == len(lost)

    mended.fleet.set_broken(hanging, None)
    again = api.start_run(DISCOVER, clusters=mended.names)
    assert api.wait_for(again)["name"] == "Completed"


def both_wait(clusters: Registered, api: PrefectApi) -> tuple[str, list[psutil.Process]]:
    """A run on the worker both of whose shards are in the middle of their work: its id, and their processes."""
    names = list(clusters.clusters)
    for name in (names[0], names[-1]):
        clusters.fleet.set_broken(name, BrokenMode.HANG)
    run = api.start_run(DISCOVER, clusters=clusters.names)

    def both_run() -> bool:
        shards = shards_of(clusters.installation, api, run)
        return [shard.state["type"] for shard in shards if shard.process] == ["RUNNING", "RUNNING"]

    eventually(both_run)
    return run, [shard.process for shard in shards_of(clusters.installation, api, run) if shard.process]


def states_of(clusters: Registered, api: PrefectApi, run: str) -> set[str]:
    return {shard.state["type"] for shard in shards_of(clusters.installation, api, run)}


def test_killed_parent(mended: Registered, api: PrefectApi) -> None:
    run, processes = both_wait(mended, api)
    parents = {process.ppid() for process in processes}
    assert len(parents) == 1
    psutil.Process(parents.pop()).kill()
    wait_ended(processes)
    assert api.wait_for(run)["type"] == "CRASHED"
    eventually(lambda: states_of(mended, api, run) == {"CRASHED"})


def test_killed_worker(mended: Registered, api: PrefectApi) -> None:
    run, processes = both_wait(mended, api)
    killed = mended.installation.kill("worker")
    wait_ended(processes)
    mended.installation.wait_restarted("worker", killed)
    assert api.wait_for(run)["type"] == "CRASHED"
    assert states_of(mended, api, run) == {"CRASHED"}


def test_interrupted_parent(mended: Registered, api: PrefectApi) -> None:
    """Cancelled in Prefect's UI: its shards are ended and say why."""
    installation = mended.installation
    mended.fleet.set_broken(next(iter(mended.clusters)), BrokenMode.HANG)
    run = api.start_run(DISCOVER, clusters=mended.names)
    eventually(lambda: "RUNNING" in {shard.state["type"] for shard in shards_of(installation, api, run)})
    api.call("POST", f"/flow_runs/{run}/set_state", {"state": {"type": "CANCELLING", "name": "Cancelling"}})
    assert api.wait_for(run)["type"] == "CANCELLED"
    eventually(lambda: not installation.flow_processes())
    ended = {(shard.state["type"], shard.state["message"]) for shard in shards_of(installation, api, run)}
    assert ("CRASHED", "The run of which this is a shard ended before it.") in ended
    assert {kind for kind, _ in ended} <= {"CRASHED", "COMPLETED"}
