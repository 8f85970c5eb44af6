"""The same scan in threads, in processes and on Dask: the same findings, no frame through a scheduler, no loss."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cloudpickle
import psutil
import pytest
from distributed import LocalCluster
from distributed.diagnostics.plugin import SchedulerPlugin

from flows.task_runner import RUNNER
from simulator.fleet import SimulatedFleet
from tests.e2e.conftest import ROOT
from tests.e2e.fleets import ANCHOR, Registered, doubled, register, simulated, told_of, write_pack
from tests.e2e.installation import Installation, eventually

QUERIES = ["node_cpu_util", "node_mem_util", "fs_used_ratio", "container_mem_bytes", "container_restarts"]
LARGEST_MESSAGE = 64 * 1024
"""A scan's frame of one cluster takes megabytes, its task some kilobytes."""
TASKS = {"discover_cluster", "collect_metrics", "collect_history", "detect_anomalies", "correlate_findings"}

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatedFleet]:
    with simulated(tmp_path_factory.mktemp("runners"), clusters=3, nodes=3, workloads=9) as fleet:
        yield fleet


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_pack(tmp_path_factory.mktemp("packs") / "pack.yaml", QUERIES)


def scanned(installation: Installation, fleet: SimulatedFleet, pack: Path, prefix: str) -> tuple[Registered, str]:
    """Clusters of their own, scanned once in this process, and the scan's id."""
    registered = register(installation, fleet, prefix)
    result = installation.scan(registered.names, until=ANCHOR, last_hours=6, sensitivity="HIGH", pack=str(pack))
    return registered, result.scan_id


@pytest.fixture(scope="module")
def in_threads(installation: Installation, fleet: SimulatedFleet, pack: Path) -> dict[str, Any]:
    registered, _ = scanned(installation, fleet, pack, "threads")
    told = told_of(registered)
    assert any(each["findings"] for each in told.values())
    return told


def test_processes(
    installation: Installation, fleet: SimulatedFleet, pack: Path, in_threads: dict[str, Any], tmp_path: Path
) -> None:
    """By the command in a process of its own, as a pool of processes is started from one."""
    registered = register(installation, fleet, "processes")
    words = ["--last", "6h", "--until", ANCHOR.isoformat(), "--sensitivity", "HIGH", "--pack", str(pack)]
    command = [sys.executable, "-m", "interfaces.cli.main", "scan", "--json", "--runner", "processes", *words]
    ended = subprocess.run([*command, *registered.options()], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert told_of(registered) == in_threads
    assert names_of_tasks(installation, json.loads(ended.stdout)["scan_id"]) >= TASKS


def test_dask(
    installation: Installation,
    fleet: SimulatedFleet,
    pack: Path,
    in_threads: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(RUNNER, "dask")
    registered, scan_id = scanned(installation, fleet, pack, "dask")
    assert told_of(registered) == in_threads
    assert names_of_tasks(installation, scan_id) >= TASKS


def test_a_runner_that_is_none(installation: Installation) -> None:
    outcome = installation.fleetscope("scan", "--runner", "dusk")
    assert outcome.code == 2
    assert "'dusk' is no runner" in outcome.err


class Watched(SchedulerPlugin):
    """What goes through a scheduler: sizes of tasks as they come and of results, in bytes; and lost tasks."""

    def __init__(self) -> None:
        self.sizes: list[int] = []
        self.done = 0
        self.lost = 0

    def update_graph(self, scheduler: Any, *, tasks: list[Any], **_: Any) -> None:
        self.sizes += [len(cloudpickle.dumps(scheduler.tasks[key].run_spec)) for key in tasks]

    def transition(self, key: Any, start: str, finish: str, *_: Any, **kwargs: Any) -> None:
        if (start, finish) == ("processing", "memory"):
            self.done += 1
            self.sizes.append(int(kwargs["nbytes"]))
        self.lost += (start, finish) == ("processing", "released")


def test_a_killed_worker_costs_a_retry_and_nothing_else(
    installation: Installation,
    fleet: SimulatedFleet,
    pack: Path,
    in_threads: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """On a cluster of somebody else's, by its address."""
    watched = Watched()
    with LocalCluster(
        n_workers=2, threads_per_worker=2, host="127.0.0.1", dashboard_address=None, memory_limit=0, silence_logs=50
    ) as cluster:
        cluster.scheduler.add_plugin(watched)
        monkeypatch.setenv(RUNNER, cluster.scheduler_address)
        killing = threading.Thread(target=kill_a_busy_worker, args=(cluster, watched))
        killing.start()
        registered, scan_id = scanned(installation, fleet, pack, "remote")
        killing.join()
    assert watched.lost >= 1
    assert told_of(registered) == in_threads
    assert doubled(registered) == []
    assert names_of_tasks(installation, scan_id) >= TASKS
    assert watched.done >= 5 * len(registered.clusters)
    assert max(watched.sizes) < LARGEST_MESSAGE


def kill_a_busy_worker(cluster: LocalCluster, watched: Watched) -> None:
    """Kill a worker's process in the middle of a scan, while it has something to do."""
    eventually(lambda: watched.done >= 6 and any(busy.processing for busy in cluster.scheduler.workers.values()))
    name = next(busy.name for busy in cluster.scheduler.workers.values() if busy.processing)
    psutil.Process(cluster.workers[name].process.pid).kill()


def names_of_tasks(installation: Installation, run_id: str) -> set[str]:
    """Prefect's own view of a run: the tasks that completed in it."""
    query = {
        "flow_runs": {"id": {"any_": [run_id]}},
        "task_runs": {"state": {"type": {"any_": ["COMPLETED"]}}},
        "limit": 200,
    }

    def names() -> set[str]:
        with installation.prefect() as api:
            return {
                run["task_key"].split(".")[-1].rsplit("-", 1)[0] for run in api.call("POST", "/task_runs/filter", query)
            }

    eventually(lambda: names() >= TASKS, 20)
    return names()
