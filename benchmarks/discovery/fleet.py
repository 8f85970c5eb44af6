"""Fleets in one run: seconds, requests, the peak memory of the run and of its shards, and where the time goes.

- *large clusters*: 100 simulated clusters of 50 nodes and 1,500 pods;
- *many clusters*: 1,000 simulated clusters of the default size.

Each is discovered by the ``discover-fleet`` flow on a fresh embedded stack, in a process of its own: once with nothing
stored, and once again, when each cluster is compared with what was seen before. The simulator runs beside it; its CPU
time is printed apart. What one process does with the clusters of one shard without Prefect (the bodies of the tasks, on
as many threads) stands for what the work itself takes.
"""

from __future__ import annotations

import json
import os
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.discovery.watched import Watched
from interfaces.cli.registration import read_registrations
from interfaces.cli.simulate import running_fleet


@dataclass(frozen=True)
class Fleet:
    """A simulated fleet, by the simulator's options."""

    name: str
    clusters: int
    nodes: int | None = None
    pods: int = 0

    def options(self) -> list[str]:
        """For the simulator's command line."""
        words = ["--clusters", str(self.clusters), "--pods", str(self.pods), "--faults", "none"]
        return words + (["--nodes", str(self.nodes)] if self.nodes else [])


FLEETS = {
    "large": Fleet("100 large clusters", 100, nodes=50, pods=1500),
    "many": Fleet("1,000 small clusters", 1000),
}
ROUNDS = ("first", "again")
ROWS = (
    ("seconds", "wall time (s)"),
    ("requests", "requests"),
    ("run_peak_mib", "peak memory of the run (MiB)"),
    ("shard_peak_mib", "peak memory of a shard (MiB)"),
    ("run_cpu_seconds", "CPU time of the run (s)"),
    ("shards_cpu_seconds", "CPU time of its shards (s)"),
    ("simulator_cpu_seconds", "CPU time of the simulator (s)"),
    ("shards", "shards"),
    ("shard_start_seconds", "a shard's process until its run begins (s)"),
    ("shard_seconds", "a shard's run (s)"),
)


def main(name: str) -> dict[str, float]:
    """Measure one of the fleets and print; returns the figures."""
    figures = measure(FLEETS[name])
    show(FLEETS[name], figures)
    return figures


def measure(fleet: Fleet) -> dict[str, float]:
    """One fleet's figures."""
    with (
        tempfile.TemporaryDirectory(prefix="bench-discovery-") as directory,
        running_fleet(Path(directory) / "fleet", fleet.options()) as (_, ready),
    ):
        command = [sys.executable, "-m", "benchmarks.discovery.fleet", ready["directory"], ready["url"]]
        environment = {**os.environ, "FLEETSCOPE_STATE_DIR": str(Path(directory) / "state")}
        done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return figures


def discovered(directory: Path, simulator: Simulator) -> dict[str, float]:
    """Register the fleet on a fresh stack and discover it: the part that is measured."""
    from interfaces.cli.workspace import open_engine

    with open_engine() as stores:
        from flows.discover import discover_fleet
        from flows.shards import SHARD_SIZE, SHARDS_AT_ONCE
        from interfaces.cli.runs import run_flow

        began = time.perf_counter()
        ids = [stores.registry.register(each).id for each in read_registrations(directory / "registration.yaml")]
        figures: dict[str, float] = {"clusters": len(ids), "registering_seconds": time.perf_counter() - began}
        for name in ROUNDS:
            simulator.call("POST", "reset")
            with Watched() as watched:
                run = run_flow(discover_fleet)
            assert run.state == "Completed", run.message
            served = simulator.call("GET", "requests")
            figures |= {f"{name}_{key}": value for key, value in (watched.figures | shard_figures(run.id)).items()}
            figures[f"{name}_requests"] = served["requests"]
            figures[f"{name}_simulator_cpu_seconds"] = served["cpu_seconds"]
        seen = stores.inventories.figures(ids).values()
        figures |= {"nodes": sum(each.nodes for each in seen), "pods": sum(each.pods for each in seen)}
        figures |= {"shards_at_once": SHARDS_AT_ONCE, "steps_seconds": steps(ids[:SHARD_SIZE])}
    return figures


def steps(cluster_ids: list[str]) -> float:
    """Seconds that the tasks' bodies take for one shard's clusters in one process, without Prefect's engine."""
    from flows.task_runner import MAX_WORKERS
    from tasks.discover import discover_cluster

    began = time.perf_counter()
    with ThreadPoolExecutor(MAX_WORKERS) as pool:
        list(pool.map(discover_cluster.fn, cluster_ids))
    return time.perf_counter() - began


def shard_figures(run_id: str) -> dict[str, float]:
    """From Prefect's own records: how long shards ran, and how long a process took before its run began."""
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import FlowRunFilter

    query = FlowRunFilter.model_validate({"parent_flow_run_id": {"any_": [run_id]}})
    with get_client(sync_client=True) as client:
        runs = client.read_flow_runs(flow_run_filter=query)
    starts = [_seconds(run.created, run.start_time) for run in runs]
    lengths = [_seconds(run.start_time, run.end_time) for run in runs]
    count = max(len(runs), 1)
    return {"shards": len(runs), "shard_start_seconds": sum(starts) / count, "shard_seconds": sum(lengths) / count}


def _seconds(start: datetime | None, end: datetime | None) -> float:
    assert start is not None
    assert end is not None
    return (end - start).total_seconds()


class Simulator:
    """The simulator's control page, which counts requests and its own CPU time."""

    def __init__(self, url: str, directory: Path) -> None:
        self._url = url
        self._token = (directory / "control.token").read_text().strip()
        self._tls = ssl.create_default_context(cafile=str(directory / "ca.pem"))

    def call(self, method: str, page: str) -> dict[str, Any]:
        """``GET requests`` for the counts, ``POST reset`` to begin anew."""
        headers = {"Authorization": f"Bearer {self._token}"}
        request = urllib.request.Request(f"{self._url}/_control/{page}", method=method, headers=headers)  # noqa: S310
        with urllib.request.urlopen(request, context=self._tls, timeout=30) as answer:  # noqa: S310 - our own server
            document: dict[str, Any] = json.load(answer)
        return document


def show(fleet: Fleet, figures: dict[str, float]) -> None:
    """The table of one fleet."""
    title = f"{fleet.name}: {figures['nodes']:,.0f} nodes, {figures['pods']:,.0f} pods"
    table = Table("figure", *ROUNDS, title=title)
    for key, text in ROWS:
        values = [figures[f"{name}_{key}"] for name in ROUNDS]
        table.add_row(
            text, *(f"{value:,.0f}" if key in {"requests", "shards"} else f"{value:,.1f}" for value in values)
        )
    table.add_row("the same steps without Prefect, one shard (s)", "", f"{figures['steps_seconds']:.1f}")
    table.caption = (
        f"{figures['shards_at_once']:.0f} shards at once; registered in {figures['registering_seconds']:.1f} s"
    )
    Console().print(table)


if __name__ == "__main__":
    print(json.dumps(discovered(Path(sys.argv[1]), Simulator(sys.argv[2], Path(sys.argv[1])))))
