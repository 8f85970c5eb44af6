"""A small made-up cluster for tests: quiet series on the default pack, an inventory, and ways to plant trouble."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import numpy as np
import numpy.typing as npt

from fleet.findings.finding import Finding, FindingKind, SeriesRef, fingerprint
from fleet.frames.coverage import Coverage, CoverageStatus
from fleet.frames.frame import Frame, SeriesKey
from fleet.frames.pack import QueryPack
from fleet.frames.pack_file import default_pack
from fleet.frames.window import Window
from fleet.inventory.change import Change, ChangeKind
from fleet.inventory.inventory import Inventory, Pod, Workload
from fleet.inventory.node import Node
from fleet.inventory.subject import Subject, SubjectKind
from fleet.inventory.topology import Topology
from fleet.investigations.question import Material, Question

START = datetime(2026, 3, 2, tzinfo=UTC)
STEP = 30
POINTS = 2880
HISTORY_STEP = 300
HISTORY_POINTS = 3 * 288
CLUSTER = "0123456789ab"
WINDOW = Window(start=START, end=START + timedelta(days=1))
GIB = float(2**30)

Values = npt.NDArray[np.float64]
Shape = Callable[[Values, Values], Values]
"""From hours since START and quiet values to what the series shows instead."""

NODES = ("worker-0", "worker-1", "worker-2", "worker-3")
WORKLOADS: dict[tuple[str, str], tuple[str, ...]] = {
    ("shop", "cart"): ("worker-0", "worker-1"),
    ("shop", "checkout"): ("worker-2", "worker-3"),
    ("payments", "gateway"): ("worker-3", "worker-2"),
    ("reporting", "batch-export"): ("worker-0",),
    ("payments", "ledger"): ("worker-1",),
}
ROUTES = (("shop", "cart"), ("shop", "checkout"), ("payments", "gateway"))
HASH, NEW_HASH = "6d9f7c5b8d", "7b8c9d4f5x"


def pod_name(workload: str, ordinal: int, template: str = HASH) -> str:
    return f"{workload}-{template}-{'bcdfghjk'[ordinal] * 5}"


def hour(number: float) -> datetime:
    return START + timedelta(hours=number)


@dataclass
class Town:
    """The cluster; ``series`` are values of the day at 30 s, ``past`` of the three days before at 5 minutes."""

    seed: int = 0
    pack: QueryPack = field(default_factory=default_pack)
    series: dict[SeriesKey, Values] = field(default_factory=dict)
    past: dict[SeriesKey, Values] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)

    def __post_init__(self) -> None:
        draws = np.random.default_rng(self.seed)
        for key, (level, noise) in _quiet_series().items():
            self.series[key] = level + noise * draws.standard_normal(POINTS)
            self.past[key] = level + noise * draws.standard_normal(HISTORY_POINTS)

    def plant(self, query: str, shape: Shape, **labels: str) -> None:
        """Changes every series of a query that has these labels."""
        hours = np.arange(POINTS) * STEP / 3600
        hit = [key for key in self.series if key.query_id == query and labels.items() <= dict(key.labels).items()]
        assert hit, f"no series of {query} with {labels}"
        for key in hit:
            self.series[key] = shape(hours, self.series[key])

    def rename(self, query: str, at: float, pod: str, new: str) -> None:
        """From an hour on, another pod's series takes over."""
        column = int(at * 3600 / STEP)
        for key in [key for key in self.series if key.query_id == query and key.label("pod") == pod]:
            labels = {**dict(key.labels), "pod": new}
            values = self.series[key]
            fresh = np.full(POINTS, np.nan)
            fresh[column:] = values[column:]
            self.series[key] = np.where(np.arange(POINTS) < column + 2, values, np.nan)
            self.series[SeriesKey.of(query, labels)] = fresh

    def found(
        self, query: str, start: float, end: float, observed: float | None = None, score: float = 6.0, **labels: str
    ) -> Finding:
        """A finding as detection would write it: threshold 1, score a multiple of it."""
        key = next(
            each for each in self.series if each.query_id == query and labels.items() <= dict(each.labels).items()
        )
        asked = self.pack.query(query)
        subject = Topology.of(self.inventory).resolve(asked.subject_of(CLUSTER, key))
        usual = float(np.nanmedian(self.past.get(key, np.zeros(1))))
        kind = FindingKind.GAP if observed is None else FindingKind.ABOVE if observed > usual else FindingKind.BELOW
        finding = Finding(
            fingerprint=fingerprint(CLUSTER, query, subject, kind),
            cluster_id=CLUSTER,
            scan_id="scan-1",
            query_id=query,
            subject=subject,
            what="What it is",
            title=f"{asked.title} of {subject.display}",
            kind=kind,
            severity=asked.severity,
            window=Window(start=hour(start), end=hour(end)),
            ongoing=end >= 24,
            score=score,
            threshold=1.0,
            sensitivity="HIGH",
            detectors=["robust-zscore"],
            observed=observed,
            baseline_middle=None if observed is None else usual,
            unit=asked.unit,
            series=SeriesRef(query_id=query, promql=asked.promql, labels=dict(key.labels)),
            incident_id="incident-1",
        )
        self.findings.append(finding)
        return finding

    def change(
        self, kind: ChangeKind, subject: Subject, at: float, summary: str, *, since: float | None = None, **moved: str
    ) -> Change:
        """A change at an hour; with ``since`` nobody dates it, and it was between the two."""
        change = Change(
            cluster_id=CLUSTER,
            kind=kind,
            subject=subject,
            at=hour(at),
            not_before=None if since is None else hour(since),
            summary=summary,
            **moved,
        )
        self.changes.append(change)
        return change

    @property
    def inventory(self) -> Inventory:
        return Inventory(
            cluster_id=CLUSTER,
            observed_at=WINDOW.end,
            nodes=[Node(name=name, cpu_cores=8, memory_bytes=int(32 * GIB), ready=True) for name in NODES],
            namespaces=sorted({namespace for namespace, _ in WORKLOADS}),
            workloads=[
                Workload(namespace=namespace, kind="Deployment", name=name, replicas=len(places))
                for (namespace, name), places in WORKLOADS.items()
            ],
            pods=[
                Pod(
                    namespace=namespace,
                    name=pod_name(name, ordinal),
                    node=node,
                    workload_kind="Deployment",
                    workload=name,
                )
                for (namespace, name), places in WORKLOADS.items()
                for ordinal, node in enumerate(places)
            ],
            changes=list(self.changes),
        )

    def material(self, *, inventory: bool = True, history: bool = True, only: int | None = None) -> Material:
        """What an investigation gets; ``only`` cuts the frame to its last so many hours, the rest is unknown."""
        keys = list(self.series)
        frame = Frame(START, STEP, keys, np.stack([self.series[key] for key in keys]).astype(np.float32))
        past_keys = list(self.past)
        past = Frame(
            START - timedelta(seconds=HISTORY_STEP * HISTORY_POINTS),
            HISTORY_STEP,
            past_keys,
            np.stack([self.past[key] for key in past_keys]).astype(np.float32),
        )
        if only is not None:
            frame = frame.cut(Window.before(WINDOW.end, timedelta(hours=only)))
        return Material(
            frame=frame,
            pack=self.pack,
            findings=list(self.findings),
            now=WINDOW.end + timedelta(minutes=5),
            history=past if history else None,
            inventory=self.inventory if inventory else None,
            coverage=[
                Coverage(
                    cluster_id=CLUSTER,
                    signal="metrics",
                    collector="prometheus",
                    window=chunk,
                    step_seconds=STEP,
                    status=CoverageStatus.OK,
                    endpoint="https://prometheus.example.net",
                    object_key=f"frames/{CLUSTER}/{chunk.start:%H}.parquet",
                )
                for chunk in WINDOW.chunks()
            ],
        )

    def question(self) -> Question:
        """What caused the findings?"""
        first = min(self.findings, key=lambda each: each.window.start)
        return Question(
            cluster_id=CLUSTER,
            place=first.subject,
            at=first.window.start,
            window=WINDOW,
            incident_id="incident-1",
            fingerprints=tuple(sorted(each.fingerprint for each in self.findings)),
        )


def workload(namespace: str, name: str) -> Subject:
    return Subject(cluster_id=CLUSTER, kind=SubjectKind.WORKLOAD, name=name, namespace=namespace)


def node(name: str) -> Subject:
    return Subject(cluster_id=CLUSTER, kind=SubjectKind.NODE, name=name)


def _quiet_series() -> dict[SeriesKey, tuple[float, float]]:
    """Level and noise of every series."""
    series: dict[SeriesKey, tuple[float, float]] = {}

    def add(query: str, level: float, noise: float, **labels: str) -> None:
        series[SeriesKey.of(query, labels)] = level, noise

    for (namespace, name), places in WORKLOADS.items():
        for ordinal in range(len(places)):
            place = {"namespace": namespace, "pod": pod_name(name, ordinal), "container": name}
            add("container_cpu_cores", 0.2, 0.01, **place)
            add("container_mem_bytes", 0.4 * GIB, 0.004 * GIB, **place)
            add("container_mem_vs_limit", 0.4, 0.004, **place)
            add("container_throttle_ratio", 0.02, 0.002, **place)
            add("container_restarts", 0, 0, **place)
            add("container_oom_kills", 0, 0, **place)
    for name in NODES:
        add("node_cpu_util", 0.3, 0.01, instance=name)
        add("node_load_per_core", 0.4, 0.02, instance=name)
        add("node_mem_util", 0.5, 0.005, instance=name)
        add("fs_used_ratio", 0.5, 0.001, instance=name, device="/dev/vda")
        add("fs_used_ratio", 0.3, 0.001, instance=name, device="/dev/vdb")
        add("node_ready", 1, 0, node=name)
        add("node_pressure", 0, 0, node=name, condition="DiskPressure")
    for namespace, name in ROUTES:
        add("ingress_5xx_ratio", 0.002, 0.0003, route=name, exported_namespace=namespace)
        add("route_latency_seconds", 0.05, 0.003, route=name, exported_namespace=namespace)
    for job in ("node-exporter", "kubelet", "kube-state-metrics"):
        add("targets_up_ratio", 1, 0, job=job)
    return series
