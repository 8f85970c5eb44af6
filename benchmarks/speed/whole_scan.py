"""A whole scan: from Parquet in S3 to findings in PostgreSQL, on the embedded stack's own servers.

Made-up series (a daily season, noise, some restless) of the default pack's queries are stored as a collection stores
them: 24 hours at 30 s and 14 days at 5 minutes. Measured are, each in a process of its own, what the tasks do without
Prefect: learning the state, and judging the day by it. Clusters beyond the first name the objects of the first in their
rows: they are read, and judged, again and again.

    python -m benchmarks.speed.whole_scan
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.process_memory import peak_mib
from fleet.detectors.contract import Sensitivity
from fleet.detectors.model_version import Training
from fleet.detectors.second_looks import DEFAULT_LOOKS
from fleet.findings.scan import Scan
from fleet.frames.coverage import Coverage, CoverageStatus, QueryCoverage
from fleet.frames.frame import Frame, SeriesKey
from fleet.frames.pack import QueryKind
from fleet.frames.pack_file import default_pack
from fleet.frames.window import CHUNK, HISTORY_CHUNK, HISTORY_STEP_SECONDS, STEP_SECONDS, Window, history_window
from fleet.inventory.cluster import Cluster
from storage.stores import Stores

ANCHOR = datetime(2026, 3, 3, tzinfo=UTC)
WINDOW = Window.before(ANCHOR, timedelta(hours=24))
LIMIT_SECONDS = 12.0
"""For 10,000 series on 2 cores."""
CASES = (
    {"series": 10_000, "clusters": 1, "anomalous": 0.0},
    {"series": 10_000, "clusters": 20, "anomalous": 0.0},
    {"series": 10_000, "clusters": 1, "anomalous": 0.05},
    {"series": 100_000, "clusters": 1, "anomalous": 0.0},
)


def rows() -> list[dict[str, Any]]:
    """The figures of every case."""
    return [measured(**case) for case in CASES]


def measured(series: int, clusters: int, anomalous: float) -> dict[str, Any]:
    """One case on fresh servers: stored in one process, learnt in another, judged in a third."""
    figures: dict[str, Any] = {"series": series, "clusters": clusters, "anomalous": anomalous}
    with TemporaryDirectory(prefix="bench-whole-scan-") as state, stack(Path(state)):
        for step in STEPS:
            command = [sys.executable, "-m", "benchmarks.speed.whole_scan", "--child", step, json.dumps(figures)]
            done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
            figures |= json.loads(done.stdout.splitlines()[-1])
    return figures


@contextmanager
def stack(state: Path) -> Iterator[Stores]:
    """The stores of an embedded stack in a directory, for this process and those that it starts."""
    from interfaces.cli.workspace import open_workspace

    os.environ["FLEETSCOPE_STATE_DIR"] = str(state)
    with open_workspace() as stores:
        yield stores


def store(stores: Stores, series: int, clusters: int, anomalous: float) -> dict[str, float]:
    """Frames and history of the first cluster, and rows that name them of all clusters."""
    ids = [
        stores.clusters.put(Cluster.model_validate({"name": f"bench-{number:04d}", "endpoints": {}})).id
        for number in range(clusters)
    ]
    made = MadeUp(series, anomalous)
    for window, step, chunk in (
        (WINDOW, STEP_SECONDS, CHUNK),
        (history_window(WINDOW), HISTORY_STEP_SECONDS, HISTORY_CHUNK),
    ):
        stores.frames.save(
            ((_coverage(ids[0], each, step), made.frame(each, step)) for each in window.chunks(chunk)), made.pack
        )
        known = stores.coverage.list(window, cluster_ids=ids[:1], step_seconds=step)
        for other in ids[1:]:
            stores.coverage.put(row.model_copy(update={"cluster_id": other}) for row in known)
    stores.scans.put(_scan(ids))
    stored = sum(
        each.object_bytes for each in stores.coverage.list(WINDOW, cluster_ids=ids[:1], step_seconds=STEP_SECONDS)
    )
    return {"stored_mib": stored / 2**20}


def learn(stores: Stores, **_: Any) -> dict[str, float]:
    """State of the first cluster from its history, which the others get, too."""
    from tasks.learn import model_for

    scan = _known_scan(stores)
    first, *others = scan.cluster_ids
    with Measured("learn") as measured:
        version, _ = model_for(stores, scan, first)
    assert version is not None
    stored = stores.models.fetch(version)
    for cluster_id in others:
        training = Training.model_validate({**version.model_dump(), "cluster_id": cluster_id})
        stores.models.save(training, ((stored.state(part), []) for part in version.parts))
    return measured.figures


def judge(stores: Stores, **_: Any) -> dict[str, float]:
    """Every cluster's day, by stored state, to findings in the database; then what has to be paid once: compiling."""
    from tasks.detect import judge_cluster

    scan = _known_scan(stores)
    with Measured("first") as first:
        judge_cluster(stores, scan, scan.cluster_ids[0])
    with Measured("scan") as measured:
        outcomes = [judge_cluster(stores, scan, cluster_id) for cluster_id in scan.cluster_ids]
    findings = sum(each.counts.get("findings", 0) for each in outcomes)
    return {"first_seconds": first.figures["first_seconds"], **measured.figures, "findings": findings}


STEPS = {"store": store, "learn": learn, "judge": judge}


class MadeUp:
    """Series of the pack's queries without bounds: a level, a daily season, noise; some leave it for an hour."""

    def __init__(self, series: int, anomalous: float) -> None:
        self.pack = default_pack()
        measured = [query for query in self.pack.queries if query.kind is QueryKind.GAUGE]
        queries = [query for query in measured if query.thresholds.warning is query.thresholds.critical is None]
        self.keys = [
            SeriesKey.of(
                query.id, {"namespace": f"shop-{row % 40}", "pod": f"cart-{row:06d}", "instance": f"node-{row % 90}"}
            )
            for query, count in zip(queries, _shares(series, len(queries)), strict=True)
            for row in range(count)
        ]
        random = np.random.default_rng(7)
        self.level = random.uniform(5, 50, len(self.keys)).astype(np.float32)
        self.swing = (self.level * random.uniform(0, 0.3, len(self.keys))).astype(np.float32)
        self.noise = (self.level * random.uniform(0.01, 0.1, len(self.keys))).astype(np.float32)
        self.bad = random.random(len(self.keys)) < anomalous

    def frame(self, window: Window, step_seconds: int) -> Frame:
        """The series over a chunk."""
        random = np.random.default_rng(int(window.start.timestamp()))
        seconds = window.start.timestamp() + step_seconds * np.arange(window.points(step_seconds))
        season = np.sin(seconds / 86_400 * 2 * np.pi).astype(np.float32)
        values = random.standard_normal((len(self.keys), len(seconds)), dtype=np.float32)
        values *= self.noise[:, None]
        values += self.level[:, None] + self.swing[:, None] * season[None, :]
        if window.start == ANCHOR - 6 * CHUNK:
            values[self.bad] *= 3
        return Frame(window.start, step_seconds, self.keys, values)


def _shares(series: int, queries: int) -> list[int]:
    """Numbers of series of queries, the first of which have many more than the last: as those of containers have."""
    weights = 1 / np.arange(3, queries + 3)
    counts = np.maximum(1, np.floor(series * weights / weights.sum())).astype(int)
    counts[0] += series - counts.sum()
    return [int(count) for count in counts]


def _coverage(cluster_id: str, window: Window, step_seconds: int) -> Coverage:
    pack = default_pack()
    return Coverage(
        cluster_id=cluster_id,
        signal="metrics",
        collector="prometheus",
        window=window,
        step_seconds=step_seconds,
        pack_hash=pack.content_hash,
        status=CoverageStatus.OK,
        endpoint="http://127.0.0.1:1",
        queries=[QueryCoverage(query_id=query.id, status=CoverageStatus.OK) for query in pack.queries],
        collected_at=window.end,
    )


def _scan(cluster_ids: list[str]) -> Scan:
    return Scan(
        id="00000000-0000-0000-0000-000000000001",
        scheduled_start=ANCHOR,
        window=WINDOW,
        sensitivity=Sensitivity.MEDIUM,
        pack=default_pack(),
        second_looks=list(DEFAULT_LOOKS),
        created_at=ANCHOR,
        cluster_ids=cluster_ids,
    )


def _known_scan(stores: Stores) -> Scan:
    return stores.scans.get(_scan([]).id)


class Measured:
    """Wall and CPU seconds of a block, and the process's peak memory at its end."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __enter__(self) -> Measured:
        self._wall, self._cpu = time.perf_counter(), time.process_time()
        return self

    def __exit__(self, *_: object) -> None:
        self.figures = {
            f"{self._name}_seconds": time.perf_counter() - self._wall,
            f"{self._name}_cpu_seconds": time.process_time() - self._cpu,
            f"{self._name}_peak_mib": peak_mib(),
        }


def show(figures: list[dict[str, Any]]) -> None:
    """The table."""
    table = Table(
        title=f"From Parquet in S3 to findings in PostgreSQL (limit for 10,000 series: {LIMIT_SECONDS:.0f} s)"
    )
    for column in ("series", "learn", "CPU", "MiB", "first scan", "scan", "CPU", "MiB", "series/s", "findings"):
        table.add_column(column, justify="right")
    for row in figures:
        total = row["series"] * row["clusters"]
        bad = f", {row['anomalous']:.0%} bad" if row["anomalous"] else ""
        times = [f"{row[key]:.1f}" for key in ("first_seconds", "scan_seconds", "scan_cpu_seconds")]
        table.add_row(
            f"{row['clusters']} x {row['series']:,}{bad}",
            f"{row['learn_seconds']:.1f}",
            f"{row['learn_cpu_seconds']:.1f}",
            f"{row['learn_peak_mib']:.0f}",
            *times,
            f"{row['scan_peak_mib']:.0f}",
            f"{total / row['scan_seconds']:,.0f}",
            f"{row['findings']:.0f}",
        )
    Console().print(table)


def main() -> None:
    """Measure and print; a child does one step of one case."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.speed.whole_scan", description=__doc__)
    parser.add_argument("--series", type=int, help="one case alone: series of a cluster")
    parser.add_argument("--clusters", type=int, default=1)
    parser.add_argument("--anomalous", type=float, default=0.0)
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        step, case = given.child
        known = {name: json.loads(case)[name] for name in CASES[0]}
        with stack(Path(os.environ["FLEETSCOPE_STATE_DIR"])) as stores:
            print(json.dumps(STEPS[step](stores, **known)))
        return
    figures = [measured(given.series, given.clusters, given.anomalous)] if given.series else rows()
    show(figures)
    if target := os.environ.get("JSON"):
        Path(target).write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
