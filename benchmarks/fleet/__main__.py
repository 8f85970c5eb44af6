"""``make bench-fleet``: a large simulated fleet scanned in shards, and then hour by hour.

The fleet is registered on a fresh embedded stack and scanned by the ``scan-fleet`` flow with its report, as
``fleetscope scan`` does: *first*, with nothing stored (a window of 24 hours at 30 s and 14 days of history at 5 min),
the *next hour*, for which one more day is learnt of, and the *hour after*, when all but its hour is stored and learnt.
``--last 1h`` begins with a window of an hour, behind which nothing more is to be learnt. The clusters are small, three
nodes each, so that a thousand of them fit beside the run: the simulator, the stack and the run share the machine, and
their CPU times are told apart. Alerts are asked for where the window ended two hours ago at most.
``JSON=file`` writes the figures as JSON, too.

Run: ``make bench-fleet`` or ``python -m benchmarks.fleet --clusters 100``.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.fleet.scanned import SERVERS
from interfaces.cli.simulate import running_fleet

LAST = {"24h": 24, "1h": 1}
ROWS = (
    ("seconds", "wall time (s)"),
    ("clusters_per_minute", "clusters a minute"),
    ("series", "series"),
    ("findings", "findings"),
    ("incidents", "incidents"),
    ("run_peak_mib", "peak memory of the run, with its report (MiB)"),
    ("shard_peak_mib", "peak memory of a shard (MiB)"),
    *((f"{name}_peak_mib", f"peak memory: {name} (MiB)") for name in ("simulator", *SERVERS)),
    ("run_cpu_seconds", "CPU time of the run (s)"),
    ("shards_cpu_seconds", "CPU time of its shards (s)"),
    *((f"{name}_cpu_seconds", f"CPU time: {name} (s)") for name in ("simulator", *SERVERS)),
    ("listing_seconds", "listing the result (s)"),
)


def main() -> None:
    """Measure, print the tables, and write JSON where it is asked for."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.fleet", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--clusters", type=int, default=1000)
    parser.add_argument("--last", choices=list(LAST), default="24h", help="window of the first scan")
    parser.add_argument("--nodes", type=int, default=3, help="nodes a cluster, at least 3")
    parser.add_argument("--workloads", type=int, default=9, help="workloads a cluster, at least 9")
    given = parser.parse_args()
    options = ["--clusters", str(given.clusters), "--nodes", str(given.nodes), "--workloads", str(given.workloads)]
    figures = {"clusters": given.clusters, "nodes": given.nodes, **measure(options, LAST[given.last])}
    for each in figures["rounds"].values():
        each["clusters_per_minute"] = 60 * given.clusters / each["seconds"]
    show(figures)
    if target := os.environ.get("JSON"):
        machine = {"cpus": os.cpu_count(), "python": platform.python_version()}
        Path(target).write_text(json.dumps({"benchmark": "fleet", "machine": machine, **figures}, indent=2) + "\n")


def measure(options: list[str], hours: int) -> dict[str, Any]:
    """The scans of a simulated fleet with these options, in a process of their own."""
    with (
        tempfile.TemporaryDirectory(prefix="bench-fleet-") as directory,
        running_fleet(Path(directory) / "fleet", [*options, "--seed", "7"]) as (fleet, ready),
    ):
        words = [ready["registration"], ready["anchor"], str(hours), str(fleet.pid)]
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.fleet.scanned", *words],
            env={**os.environ, "FLEETSCOPE_STATE_DIR": str(Path(directory) / "state")},
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return figures


def show(figures: dict[str, Any]) -> None:
    """What it took, and where the time went."""
    names, rounds = list(figures["rounds"]), list(figures["rounds"].values())
    table = Table("figure", *names, title=f"{figures['clusters']:,} clusters of {figures['nodes']} nodes")
    for key, text in ROWS:
        table.add_row(text, *(_number(each[key]) for each in rounds))
    for form in rounds[0]["report_kib"]:
        table.add_row(f"report as {form} (KiB)", *(f"{each['report_kib'][form]:,.0f}" for each in rounds))
    for key in ("shards", "task_runs"):
        table.add_row(key.replace("_", " "), *(f"{each[key]:,}" for each in rounds))
    table.add_row("how they ended", *(each["state"] for each in rounds))
    split = Table("where the time goes", *(f"{name} (s)" for name in names), *(f"{name} (%)" for name in names))
    for stage in rounds[0]["stages"]:
        seconds = [each["stages"][stage] for each in rounds]
        shares = [100 * each / whole["seconds"] for each, whole in zip(seconds, rounds, strict=True)]
        split.add_row(stage, *(f"{each:,.1f}" for each in seconds), *(f"{each:.0f}" for each in shares))
    split.caption = (
        f"{figures['shards_at_once']} shards at once. Of it Prefect, by tasks in which nothing is done: "
        f"{figures['task_run_ms']:.1f} ms CPU a task in the shard, {figures['task_server_ms']:.1f} ms in its server"
    )
    Console().print(table, split)


def _number(value: float) -> str:
    return f"{value:,.1f}" if isinstance(value, float) else f"{value:,}"


if __name__ == "__main__":
    main()
