"""Materials for reports: an ordinary fleet of three clusters, and one with everything that is hard."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np

from fleet.findings.finding import Finding, FindingKind, FindingState, SeriesRef, fingerprint
from fleet.findings.grade import Grade, Letter
from fleet.findings.incident import Incident
from fleet.frames.coverage import Coverage, CoverageStatus, QueryCoverage
from fleet.frames.pack import Severity, Thresholds
from fleet.frames.window import CHUNK, Window
from fleet.inventory.change import Change, ChangeKind
from fleet.inventory.cluster import Cluster, Endpoint, EndpointKind
from fleet.inventory.inventory import Gap
from fleet.inventory.subject import Subject, SubjectKind
from fleet.investigations.investigation import (
    Cause,
    CauseKind,
    Evidence,
    EvidenceKind,
    Investigation,
    Sentence,
    Verdict,
)
from fleet.reports.charts import ChartSeries
from fleet.reports.compose import compose_fleet_report
from fleet.reports.content import ReportSummary
from fleet.reports.material import FleetReportMaterial

END = datetime(2026, 11, 21, 13, tzinfo=UTC)
DAY = Window.before(END, timedelta(days=1))
STEP = 30
HOSTILE = [
    "<script>alert(1)</script><img src=http://evil.example/x.png onerror=alert(1)>",
    "pipe|name\nwith a second line\r\n| and | a | row |",
    "\u202egnp.esrever\u202c \u05e9\u05dc\u05d5\u05dd \u0645\u0631\u062d\u0628\u0627",
    "very-long-name-" + "x" * 285,
    "\U0001f525\U0001f680 party \U0001f468\u200d\U0001f469\u200d\U0001f467",
    "</style><style>body{display:none}</style> background:url(file:///etc/passwd)",
    "{{ 7*7 }}{% for x in y %}{{ config }}${HOME} $\\frac{1}{2}$ `code` **bold** [link](http://evil.example)",
    "]]><!-- --><a id=x href='javascript:alert(1)'>\x00\x07\x1b[31mred",
]


def hours(count: float) -> timedelta:
    return timedelta(hours=count)


def cluster(name: str) -> Cluster:
    endpoint = Endpoint(url=f"https://prometheus.{name}.example:9090")
    return Cluster(name=name, environment="production", region="eu-1", endpoints={EndpointKind.PROMETHEUS: endpoint})


def coverage(owner: Cluster, unknown_hours: int = 0, reason: str = "", window: Window = DAY) -> list[Coverage]:
    """One row an hour; the last ``unknown_hours`` could not be seen."""
    chunks = list(window.chunks(CHUNK))
    rows = []
    for place, chunk in enumerate(chunks):
        hidden = place >= len(chunks) - unknown_hours
        queries = [QueryCoverage(query_id="gpu_util", status=CoverageStatus.ABSENT, reason="no such metric")]
        rows.append(
            Coverage(
                cluster_id=owner.id,
                signal="metrics",
                collector="prometheus",
                window=chunk,
                step_seconds=STEP,
                status=CoverageStatus.UNKNOWN if hidden else CoverageStatus.OK,
                reason=reason if hidden else "",
                endpoint=owner.endpoints[EndpointKind.PROMETHEUS].url,
                queries=[] if hidden else queries,
            )
        )
    return rows


def finding(
    subject: Subject,
    query_id: str,
    title: str,
    start: datetime,
    end: datetime | None,
    severity: Severity,
    unit: str = "ratio",
) -> Finding:
    mark = fingerprint(subject.cluster_id, query_id, subject, FindingKind.ABOVE)
    return Finding(
        id=mark,
        fingerprint=mark,
        cluster_id=subject.cluster_id,
        scan_id="scan-1",
        query_id=query_id,
        subject=subject,
        title=title,
        kind=FindingKind.ABOVE,
        severity=severity,
        window=Window(start=start, end=end or END),
        ongoing=end is None,
        score=14.2,
        threshold=6.0,
        sensitivity="MEDIUM",
        detectors=["robust-zscore", "interquartile"],
        observed=0.971,
        baseline_low=0.41,
        baseline_middle=0.46,
        baseline_high=0.52,
        unit=unit,
        series=SeriesRef(query_id=query_id, promql=f"max by (pod) ({query_id})", labels={"pod": subject.name}),
    )


def chart(of: Finding, seed: int) -> ChartSeries:
    """A day of noise around a daily wave, with a ramp in the finding's stretch."""
    rng = np.random.default_rng(seed)
    points = DAY.points(STEP)
    time = np.arange(points) * STEP
    middle = 0.46 + 0.05 * np.sin(2 * np.pi * time / 86400)
    values = middle + rng.normal(0, 0.012, points)
    first = max(int((of.window.start - DAY.start).total_seconds() // STEP), 0)
    last = min(int((of.window.end - DAY.start).total_seconds() // STEP), points)
    values[first:last] += np.linspace(0.05, 0.45, last - first)
    values[300:330] = np.nan
    return ChartSeries(
        fingerprint=of.fingerprint,
        title=of.title,
        subject=of.subject.display,
        unit=of.unit,
        start=DAY.start,
        step_seconds=STEP,
        values=values.astype(np.float32),
        low=(middle - 0.045).astype(np.float32),
        middle=middle.astype(np.float32),
        high=(middle + 0.045).astype(np.float32),
        thresholds=Thresholds(warning=0.85, critical=0.95),
    )


def incident(
    number: int, title: str, findings: list[Finding], severity: Severity, ended: datetime | None = None
) -> Incident:
    return Incident(
        id=f"incident-{number:04d}",
        cluster_id=findings[0].cluster_id,
        scan_id="scan-1",
        title=title,
        subject=findings[0].subject,
        severity=severity,
        state=FindingState.RESOLVED if ended else FindingState.OPEN,
        started_at=min(each.window.start for each in findings),
        ended_at=ended,
        fingerprints=[each.fingerprint for each in findings],
        affected=[each.subject for each in findings],
        rank=number,
    )


def investigation(of: Incident, findings: list[Finding], causes: list[tuple[CauseKind, str, float]]) -> Investigation:
    evidence = [
        Evidence(
            id=f"E{number}",
            kind=EvidenceKind.METRIC,
            summary=f"{each.title} of {each.subject.display} rose to 97.1%, usually 41% to 52%.",
            subject=each.subject,
            window=each.window,
            query=each.series.promql,
            endpoint="https://prometheus.example:9090",
            labels=each.series.labels,
            object_keys=[f"frames/{each.cluster_id}/prometheus/0f3c/30/{hour:02d}.parquet" for hour in range(6)],
            content_hash="9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            fingerprint=each.fingerprint,
        )
        for number, each in enumerate(findings, start=1)
    ]
    evidence.append(
        Evidence(
            id=f"E{len(evidence) + 1}",
            kind=EvidenceKind.CHANGE,
            summary="A new image was rolled out 6 minutes before.",
            subject=of.subject,
            at=of.started_at - timedelta(minutes=6),
        )
    )
    last = evidence[-1].id
    return Investigation(
        id=f"investigation-{of.id}",
        cluster_id=of.cluster_id,
        incident_id=of.id,
        place=of.subject,
        at=of.started_at,
        window=DAY,
        evidence=evidence,
        causes=[
            Cause(
                rank=rank,
                kind=kind,
                title=title,
                subject=of.subject,
                started_at=of.started_at,
                confidence=confidence,
                factors={"earliness": 0.92, "strength": 0.81, "closeness": 1.0, "specificity": 0.7},
                supports=["E1", last] if rank == 1 else ["E1"],
                against=[] if rank == 1 else [last],
            )
            for rank, (kind, title, confidence) in enumerate(causes, start=1)
        ],
        verdict=Verdict.PROBABLE_CAUSE if causes else Verdict.NOT_ENOUGH_EVIDENCE,
        narrative=[
            Sentence(text=f"{of.title} began when {findings[0].title.lower()} left its usual range.", evidence=["E1"]),
            Sentence(text="Six minutes before, a new image was rolled out on the same workload.", evidence=[last]),
        ],
        missing=["Logs and traces are not collected yet; what a container wrote before it was killed is not known."],
        created_at=END,
    )


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
            west.id: coverage(west),
            east.id: coverage(east, 2, "no answer within 30 s at https://prometheus.prod-east.example:9090"),
            north.id: coverage(north),
        },
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


def _yesterday(material: FleetReportMaterial) -> ReportSummary:
    """The summary of a report a day before, in which two of the incidents stood, one milder, and grades were better."""
    summary = compose_fleet_report(
        replace(material, charts=[], generated_at=material.generated_at - timedelta(days=1))
    ).summary
    lines = [
        line.model_copy(update={"state": FindingState.OPEN})
        for line in summary.incidents
        if "Disk" in line.title or "CPU" in line.title
    ]
    lines = [line.model_copy(update={"severity": Severity.INFO}) if "Disk" in line.title else line for line in lines]
    grades = [line.model_copy(update={"letter": "A"}) for line in summary.grades]
    return summary.model_copy(update={"incidents": lines, "grades": grades})


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
    seen = {each.id: coverage(each) for each in clusters[:18]}
    seen[clusters[17].id] = coverage(clusters[17], 24, f"401 from {HOSTILE[0]}")
    for number in range(4, 16):
        seen[clusters[number].id] = coverage(clusters[number], number, "connection refused")
    letters = [*"ABCDF"]
    worst = sorted(incidents, key=lambda each: -each.severity.rank)[:3]
    shown = {mark for each in worst for mark in each.fingerprints}
    return FleetReportMaterial(
        generated_at=END,
        window=DAY,
        clusters=clusters,
        coverage=seen,
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
