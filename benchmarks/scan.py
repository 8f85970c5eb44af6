"""A cold scan of 20 simulated clusters × the whole pack × 1 day: wall time, memory, and what orchestration costs.

The same fleet is scanned three times, each time by a process of its own that has nothing stored:

- *core*: collect → detect → assess → correlate → investigate, called directly, nothing kept;
- *steps*: the bodies of the tasks, called directly: the same with PostgreSQL, S3 and OpenBao;
- *flow*: the ``scan-fleet`` flow, with Prefect.

All use as many threads as the flow. What orchestration costs is the difference between flow and steps.
The simulator's CPU time is printed apart.
``JSON=file`` writes the same as JSON.

Run: ``make bench-scan`` or ``python -m benchmarks.scan --clusters 20``.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.process_memory import peak_mib
from fleet.credentials import GivenCredential
from fleet.inventory.cluster import EndpointKind
from fleet.inventory.registration import Registration
from interfaces.cli.registration import read_registrations
from interfaces.cli.simulate import running_fleet

ANCHOR = datetime(2026, 3, 3, tzinfo=UTC)
"""Fixed, so that a run can be repeated sample by sample."""
SCAN = {
    "id": "00000000-0000-0000-0000-000000000001",
    "scheduled_start": ANCHOR,
    "window": {"start": ANCHOR - timedelta(hours=24), "end": ANCHOR},
    "sensitivity": "HIGH",
    "created_at": ANCHOR,
}
LIMITS = {"flow_seconds": 90.0, "flow_peak_mib": 1536.0}


def main() -> None:
    """Measure, print the table, and write JSON where it is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clusters", type=int, default=20)
    parser.add_argument("--child", choices=list(VARIANTS), help=argparse.SUPPRESS)
    parser.add_argument("--registration", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        print(json.dumps(VARIANTS[given.child](given.registration)))
        return
    with tempfile.TemporaryDirectory(prefix="bench-scan-") as directory:
        figures = measure(given.clusters, Path(directory))
    show(figures)
    if target := os.environ.get("JSON"):
        Path(target).write_text(json.dumps(figures, indent=2) + "\n")


def measure(clusters: int, directory: Path) -> dict[str, float]:
    """Both scans against one simulated fleet."""
    arguments = ["--clusters", str(clusters), "--seed", "7", "--anchor", ANCHOR.isoformat()]
    figures: dict[str, float] = {"clusters": clusters}
    with running_fleet(directory / "fleet", arguments) as (fleet, ready):
        for name in VARIANTS:
            before = cpu_seconds(fleet.pid)
            result = in_child(name, Path(ready["registration"]), directory / name)
            figures |= {f"{name}_{key}": value for key, value in result.items()}
            figures[f"{name}_simulator_cpu_seconds"] = cpu_seconds(fleet.pid) - before
    figures["overhead_seconds"] = figures["flow_seconds"] - figures["steps_seconds"]
    figures["overhead_limit_seconds"] = max(5.0, 0.15 * figures["steps_seconds"])
    return figures


def in_child(name: str, registration: Path, state: Path) -> dict[str, float]:
    """Run one scan in a fresh process, so that its memory is its own."""
    command = [sys.executable, "-m", "benchmarks.scan", "--child", name, "--registration", str(registration)]
    environment = {**os.environ, "FLEETSCOPE_STATE_DIR": str(state)}
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    result: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return result


def flow(registration: Path) -> dict[str, float]:
    """The flow on a fresh embedded stack; the stack's start is not counted."""
    from interfaces.cli.workspace import open_engine

    with open_engine() as stores:
        from flows.scan import scan_fleet
        from interfaces.cli.runs import run_flow

        names = [stores.registry.register(each).name for each in read_registrations(registration)]
        with Measured() as measured:
            run = run_flow(scan_fleet, clusters=names, until=ANCHOR, sensitivity="HIGH", report=False)
        counts = stores.scans.get(run.id).counts
    return {**measured.figures, **{key: float(counts[key]) for key in ("series", "findings", "incidents")}}


def steps(registration: Path) -> dict[str, float]:
    """The bodies of the tasks, stage by stage, without Prefect's engine."""
    from interfaces.cli.workspace import open_engine

    with open_engine() as stores:
        from fleet.findings.scan import Scan
        from fleet.frames.pack_file import default_pack
        from flows.task_runner import MAX_WORKERS
        from tasks.collect import collect_history, collect_metrics
        from tasks.correlate import correlate_findings
        from tasks.detect import detect_anomalies
        from tasks.discover import discover_cluster
        from tasks.investigate import investigate_incidents
        from tasks.signals import collect_alerts, collect_logs, collect_traces
        from tasks.sources import find_sources

        cluster_ids = [stores.registry.register(each).id for each in read_registrations(registration)]
        scan = stores.scans.put(Scan.model_validate({**SCAN, "pack": default_pack(), "cluster_ids": cluster_ids}))
        counts: dict[str, float] = {"series": 0, "findings": 0, "incidents": 0}
        with Measured() as measured, ThreadPoolExecutor(MAX_WORKERS) as pool:
            list(pool.map(discover_cluster.fn, cluster_ids))
            sources = find_sources.fn(scan.id, cluster_ids)
            for signal, ask in (("alerts", collect_alerts), ("logs", collect_logs), ("traces", collect_traces)):
                list(pool.map(partial(ask.fn, scan.id), sources[signal]))
            for step in (collect_metrics, collect_history, detect_anomalies, correlate_findings, investigate_incidents):
                for outcome in pool.map(partial(step.fn, scan.id), cluster_ids):
                    for key in counts:
                        counts[key] += outcome.counts.get(key, 0)
    return {**measured.figures, **counts}


def core(registration: Path) -> dict[str, float]:
    """The same calls without Prefect and without stores."""
    from flows.task_runner import MAX_WORKERS

    registrations = read_registrations(registration)
    with Measured() as measured, ThreadPoolExecutor(MAX_WORKERS) as pool:
        counts = list(pool.map(core_scan, registrations))
    series, findings, incidents = (float(sum(column)) for column in zip(*counts, strict=True))
    return {**measured.figures, "series": series, "findings": findings, "incidents": incidents}


def core_scan(registration: Registration) -> tuple[int, int, int]:
    """One cluster: numbers of series, findings and incidents."""
    from fleet.collectors.kubernetes import collect_inventory
    from fleet.detectors.contract import Sensitivity
    from fleet.detectors.learnt import learn
    from fleet.detectors.scan import detect
    from fleet.findings.assess import ScanContext, findings_of
    from fleet.findings.correlation import correlate
    from fleet.frames.pack_file import default_pack
    from fleet.frames.window import CHUNK, HISTORY_CHUNK, HISTORY_STEP_SECONDS, STEP_SECONDS, Window, history_window
    from fleet.inventory.topology import Topology
    from fleet.investigations.investigate import investigate
    from fleet.investigations.question import Material, Question

    cluster, pack = registration.cluster, default_pack()
    held = registration.credential
    source = GivenCredential(held.for_endpoint(EndpointKind.KUBERNETES) if held else None)
    metrics = GivenCredential(held.for_endpoint(EndpointKind.PROMETHEUS) if held else None)
    window = Window.before(ANCHOR, timedelta(hours=24))
    inventory, _ = collect_inventory(cluster, source)
    frame = collected(cluster, metrics, window, STEP_SECONDS, CHUNK)
    history = collected(cluster, metrics, history_window(window), HISTORY_STEP_SECONDS, HISTORY_CHUNK)
    topology = Topology.of(inventory)
    anomalies = detect(frame, learn(history, pack), pack, Sensitivity.HIGH)
    context = ScanContext(cluster.id, "bench", Sensitivity.HIGH, topology=topology)
    findings = findings_of(anomalies, frame, pack, context)
    incidents = correlate(findings, topology, [], "bench")
    material = Material(frame, pack, findings, ANCHOR, history=history, inventory=inventory)
    for incident in incidents:
        investigate(Question.of_incident(incident, window), material)
    return len(frame.keys), len(findings), len(incidents)


def collected(cluster: Any, source: GivenCredential, window: Any, step_seconds: int, chunk: timedelta) -> Any:
    """A window's frame, straight from the cluster."""
    from fleet.collectors.prometheus import PrometheusClient, collect_pack
    from fleet.frames.frame import concatenate
    from fleet.frames.pack_file import default_pack

    with PrometheusClient(cluster.endpoints[EndpointKind.PROMETHEUS], source) as client:
        parts = collect_pack(client, cluster.id, default_pack(), [window], step_seconds, chunk)
        return concatenate((frame for _, frame, _ in parts if frame.keys), window, step_seconds)


VARIANTS = {"core": core, "steps": steps, "flow": flow}


class Measured:
    """Wall and CPU seconds of a block, and the process's peak memory at its end."""

    def __enter__(self) -> Measured:
        self._wall, self._cpu = time.perf_counter(), time.process_time()
        return self

    def __exit__(self, *_: object) -> None:
        self.figures = {
            "seconds": time.perf_counter() - self._wall,
            "cpu_seconds": time.process_time() - self._cpu,
            "peak_mib": peak_mib(),
        }


def cpu_seconds(pid: int) -> float:
    """User and system seconds of a process so far (proc(5), fields 14 and 15 of stat)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def show(figures: dict[str, float]) -> None:
    """The table."""
    title = f"A cold scan of {figures['clusters']:.0f} simulated clusters"
    table = Table("figure", *VARIANTS, "limit", title=title)
    for key, unit in (("seconds", "s"), ("cpu_seconds", "s"), ("peak_mib", "MiB"), ("simulator_cpu_seconds", "s")):
        limit = LIMITS.get(f"flow_{key}")
        values = [f"{figures[f'{name}_{key}']:.1f}" for name in VARIANTS]
        table.add_row(f"{key} ({unit})", *values, f"{limit:.0f}" if limit else "")
    for key in ("series", "findings", "incidents"):
        table.add_row(key, *(f"{figures[f'{name}_{key}']:.0f}" for name in VARIANTS), "")
    overhead, limit = figures["overhead_seconds"], figures["overhead_limit_seconds"]
    table.add_row("orchestration (s)", "", "", f"{overhead:.1f}", f"{limit:.1f}")
    Console().print(table)


if __name__ == "__main__":
    main()
