"""Materials for reports: an ordinary fleet of three clusters, and one with everything that is hard."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from fleet.findings.finding import FindingState
from fleet.findings.grade import Grade, Letter
from fleet.frames.alerts import Alert, AlertState
from fleet.frames.coverage import Coverage, CoverageStatus, Signal
from fleet.frames.pack import Severity
from fleet.frames.window import Window
from fleet.inventory.change import Change, ChangeKind
from fleet.inventory.cluster import Cluster
from fleet.inventory.inventory import Gap
from fleet.inventory.subject import Subject, SubjectKind
from fleet.investigations.investigation import (
    CauseKind,
)
from fleet.reports.compose import compose_fleet_report
from fleet.reports.content import ReportSummary
from fleet.reports.material import FleetReportMaterial
from tests.fleet.reports.parts import (
    DAY,
    END,
    HOSTILE,
    alert,
    chart,
    cluster,
    coverage,
    finding,
    hours,
    incident,
    investigation,
    seen,
)

__all__ = ["DAY", "END", "HOSTILE", "chart", "cluster", "coverage", "hard", "nothing", "ordinary", "unseen"]


def ordinary() -> FleetReportMaterial:
    """Three clusters: one with trouble, one well, one that could be seen only in part; five incidents."""
    west, east, north = cluster("prod-west"), cluster("prod-east"), cluster("edge-north")
    cart = Subject(
        cluster_id=west.id,
        kind=SubjectKind.CONTAINER,
        namespace="shop",
        name="cart-7d9f8c-x2x1q",
        workload="cart",
        part="app",
    )
    route = Subject(cluster_id=west.id, kind=SubjectKind.ROUTE, namespace="shop", name="checkout")
    node = Subject(cluster_id=west.id, kind=SubjectKind.NODE, name="worker-2")
    disk = Subject(cluster_id=east.id, kind=SubjectKind.DEVICE, name="worker-1", part="/dev/nvme0n1p4")
    job = Subject(cluster_id=east.id, kind=SubjectKind.COMPONENT, name="node-exporter")
    start = DAY.start
    groups = [
        (
            "Memory leak in shop/cart ends in OOM kills",
            [
                finding(
                    cart,
                    "container_mem_vs_limit",
                    "Memory of a container against its limit",
                    start + hours(14),
                    start + hours(20),
                    Severity.CRITICAL,
                ),
                finding(
                    cart,
                    "container_restarts",
                    "Restarts of a container",
                    start + hours(20),
                    start + hours(20.5),
                    Severity.WARNING,
                    "count",
                ),
                finding(
                    cart,
                    "container_oom_kills",
                    "Containers killed for memory",
                    start + hours(20),
                    start + hours(20.5),
                    Severity.WARNING,
                    "count",
                ),
            ],
            Severity.CRITICAL,
            [
                (CauseKind.MEMORY_LEAK, "Memory leak in shop/cart", 0.86),
                (CauseKind.ROLLOUT, "Rollout of shop/cart", 0.31),
            ],
            None,
        ),
        (
            "Errors and latency on route shop/checkout",
            [
                finding(
                    route,
                    "ingress_5xx_ratio",
                    "Share of requests that end in 5xx",
                    start + hours(17),
                    None,
                    Severity.CRITICAL,
                ),
                finding(
                    route,
                    "route_latency_seconds",
                    "Latency of a route",
                    start + hours(17.1),
                    None,
                    Severity.WARNING,
                    "seconds",
                ),
            ],
            Severity.CRITICAL,
            [(CauseKind.ROLLOUT, "Bad rollout of shop/checkout", 0.78)],
            None,
        ),
        (
            "Disk of worker-1 is filling",
            [finding(disk, "fs_used_ratio", "Used share of a file system", start + hours(9), None, Severity.WARNING)],
            Severity.WARNING,
            [(CauseKind.DISK_FILLING, "Disk /dev/nvme0n1p4 of worker-1 fills up", 0.9)],
            None,
        ),
        (
            "CPU pressure on worker-2",
            [
                finding(
                    node, "node_cpu_util", "CPU in use of a node", start + hours(5), start + hours(8), Severity.WARNING
                )
            ],
            Severity.WARNING,
            [],
            start + hours(8),
        ),
        (
            "Exporter of worker-1 fell silent",
            [
                finding(
                    job,
                    "targets_up_ratio",
                    "Share of scrape targets that answer",
                    start + hours(19),
                    None,
                    Severity.INFO,
                )
            ],
            Severity.INFO,
            [(CauseKind.EXPORTER_DOWN, "node-exporter on worker-1 is down", 0.7)],
            None,
        ),
    ]
    incidents, findings, investigations = [], [], []
    for number, (title, found, severity, causes, ended) in enumerate(groups, start=1):
        made = incident(number, title, found, severity, ended)
        incidents.append(made)
        findings += found
        if number != 4:
            investigations.append(investigation(made, found, causes))
    changes = [
        Change(
            cluster_id=west.id,
            kind=ChangeKind.ROLLOUT,
            subject=route,
            at=start + hours(16.9),
            summary="checkout: image 1.4.1 → 1.5.0",
        ),
        Change(
            cluster_id=west.id,
            kind=ChangeKind.OOM_KILL,
            subject=cart,
            at=start + hours(20),
            summary="container app was killed for memory",
        ),
        Change(
            cluster_id=north.id,
            kind=ChangeKind.VERSION,
            subject=Subject(cluster_id=north.id, kind=SubjectKind.CLUSTER),
            at=start + hours(3),
            summary="version 4.16.3 → 4.16.8",
        ),
    ]
    first = FleetReportMaterial(
        generated_at=END + timedelta(minutes=3),
        window=DAY,
        clusters=[west, east, north],
        coverage={
            west.id: [*coverage(west), *_seen_beside(west)],
            east.id: [
                *coverage(east, 2, "no answer within 30 s at https://prometheus.prod-east.example:9090"),
                *_unasked_beside(east),
            ],
            north.id: coverage(north),
        },
        alerts={west.id: _alerts(), east.id: []},
        grades={
            west.id: Grade(letter=Letter("F"), reason="Memory leak in shop/cart ends in OOM kills", coverage=1.0),
            east.id: Grade(letter=Letter("C"), reason="Disk of worker-1 is filling", coverage=22 / 24),
            north.id: Grade(letter=Letter("A"), reason="No open incident.", coverage=1.0),
        },
        history={west.id: timedelta(days=14), east.id: timedelta(days=14), north.id: timedelta(days=1, hours=4)},
        gaps={east.id: [Gap(part="events", reason="the token may not list events")]},
        incidents=incidents,
        findings=findings,
        investigations=investigations,
        changes=changes,
        charts=[chart(each, seed) for seed, each in enumerate(findings)],
    )
    return replace(first, previous=_yesterday(first))


def _seen_beside(owner: Cluster) -> list[Coverage]:
    last = Window(start=END - hours(1), end=END)
    early = Window(start=DAY.start, end=last.start)
    ok = CoverageStatus.OK
    return [
        seen(owner, Signal.ALERTS, ok, last, collector="alertmanager"),
        seen(owner, Signal.LOGS, ok, early, collector="loki"),
        seen(owner, Signal.LOGS, ok, last, collector="loki", reason="a sample: the newest 2,000 lines of more"),
        seen(owner, Signal.TRACES, ok, collector="tempo"),
    ]


def _unasked_beside(owner: Cluster) -> list[Coverage]:
    finds = f"no Loki endpoint is registered: `fleetscope cluster endpoints {owner.name} --store` finds it"
    return [
        seen(owner, Signal.LOGS, CoverageStatus.UNKNOWN, collector="loki", endpoint="", reason=finds),
        seen(owner, Signal.TRACES, CoverageStatus.ABSENT, collector="tempo", endpoint="", reason="it runs no Tempo"),
    ]


def _alerts() -> list[Alert]:
    many = [alert(f"PodCrashLooping{number}", "warning", 3, labels={"pod": f"cart-{number}"}) for number in range(9)]
    silenced = {"state": AlertState.SUPPRESSED, "silenced_by": ["s1"]}
    return [
        alert("NodeFilesystemAlmostOutOfSpace", "critical", 30, labels={"namespace": "", "instance": "worker-1:9100"}),
        alert("KubeMemoryOvercommit", "warning", 5, **silenced),
        *many,
        alert("Watchdog", "none", 500, state=AlertState.FIRING, fingerprint=""),
    ]


def _yesterday(material: FleetReportMaterial) -> ReportSummary:
    """The summary of a report a day before, in which two of the incidents stood, one milder, and grades were better."""
    day = timedelta(days=1)
    window = Window(start=material.window.start - day, end=material.window.end - day)
    summary = compose_fleet_report(replace(material, charts=[], generated_at=material.generated_at - day)).summary
    lines = [
        line.model_copy(update={"state": FindingState.OPEN})
        for line in summary.incidents
        if "Disk" in line.title or "CPU" in line.title
    ]
    lines = [line.model_copy(update={"severity": Severity.INFO}) if "Disk" in line.title else line for line in lines]
    grades = [line.model_copy(update={"letter": "A"}) for line in summary.grades]
    return summary.model_copy(update={"window": window, "incidents": lines, "grades": grades})


def hard() -> FleetReportMaterial:
    """Twenty clusters and sixty incidents with hostile names; one cluster unknown, one refused, one never asked."""
    clusters = [
        cluster(
            f"site-{number:02d}"
            + ("-with-a-name-as-long-as-a-label-may-be-in-the-domain-system"[:56] if number == 7 else "")
        )
        for number in range(20)
    ]
    incidents, findings, investigations, changes = [], [], [], []
    for number in range(60):
        owner = clusters[number % 15]
        name = HOSTILE[number % len(HOSTILE)]
        subject = Subject(
            cluster_id=owner.id,
            kind=SubjectKind.CONTAINER,
            namespace=f"ns-{number}",
            name=name,
            workload=f"{name}-{number}",
            part=name,
        )
        start = DAY.start + hours(number % 20)
        severity = list(Severity)[number % 3]
        found = [
            finding(
                subject,
                f"query_{place}",
                f"{name} of a container",
                start + hours(place / 4),
                None if number % 2 else start + hours(2 + place),
                severity,
            )
            for place in range(1 + number % 4)
        ]
        made = incident(number, f"Trouble at {name}", found, severity, start + hours(3) if number % 7 == 3 else None)
        incidents.append(made)
        findings += found
        if number % 3 != 1:
            investigations.append(investigation(made, found, [(CauseKind.DEVIATION, f"Deviation of {name}", 0.4)]))
        changes.append(
            Change(cluster_id=owner.id, kind=ChangeKind.EVENT, subject=subject, at=start, summary=f"warning: {name}")
        )
    seen_in = {each.id: coverage(each) for each in clusters[:18]}
    seen_in[clusters[0].id] += [
        seen(clusters[0], Signal.LOGS, CoverageStatus.UNKNOWN, collector="loki", reason=f"503 {HOSTILE[1]}")
    ]
    seen_in[clusters[17].id] = coverage(clusters[17], 24, f"401 from {HOSTILE[0]}")
    for number in range(4, 16):
        seen_in[clusters[number].id] = coverage(clusters[number], number, "connection refused")
    letters = [*"ABCDF"]
    worst = sorted(incidents, key=lambda each: -each.severity.rank)[:3]
    shown = {mark for each in worst for mark in each.fingerprints}
    return FleetReportMaterial(
        generated_at=END,
        window=DAY,
        clusters=clusters,
        coverage=seen_in,
        alerts={clusters[0].id: [alert(name, name, labels={"pod": name}) for name in HOSTILE]},
        grades={
            each.id: Grade(letter=Letter(letters[number % 5]), reason=HOSTILE[number % len(HOSTILE)], coverage=0.9)
            for number, each in enumerate(clusters[:17])
        },
        incidents=incidents,
        findings=findings,
        investigations=investigations,
        changes=changes,
        charts=[chart(each, seed) for seed, each in enumerate(findings) if each.fingerprint in shown],
    )


def nothing() -> FleetReportMaterial:
    """No cluster at all."""
    return FleetReportMaterial(generated_at=END, window=DAY, clusters=[])


def unseen() -> FleetReportMaterial:
    """One cluster of which nothing was seen."""
    return FleetReportMaterial(generated_at=END, window=DAY, clusters=[cluster("dark")])
