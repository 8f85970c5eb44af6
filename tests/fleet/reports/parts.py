"""Parts of materials: clusters, coverage, findings, incidents, investigations and series, as they are stored."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from fleet.findings.finding import Finding, FindingKind, FindingState, SeriesRef, fingerprint
from fleet.findings.incident import Incident
from fleet.frames.alerts import Alert, AlertState
from fleet.frames.coverage import Coverage, CoverageStatus, QueryCoverage, Signal
from fleet.frames.pack import Severity, Thresholds
from fleet.frames.window import CHUNK, Window
from fleet.inventory.cluster import Cluster, Endpoint, EndpointKind
from fleet.inventory.subject import Subject
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


def seen(
    owner: Cluster, signal: Signal, status: CoverageStatus, window: Window = DAY, *, collector: str, **fields: Any
) -> Coverage:
    """What was seen of a signal beside metrics; ``endpoint`` is "" where nobody was asked."""
    told = {"endpoint": f"https://{collector}.{owner.name}.example", **fields}
    return Coverage(
        cluster_id=owner.id, signal=signal, collector=collector, window=window, step_seconds=0, status=status, **told
    )


def alert(name: str, severity: str = "warning", began: float = 2, **fields: Any) -> Alert:
    """An alert that an Alertmanager tells, so many hours old at the window's end."""
    labels = {"alertname": name, "severity": severity, "namespace": "shop", **fields.pop("labels", {})}
    told = {"state": AlertState.ACTIVE, "fingerprint": "00d1f5c8a9b1e2f3", **fields}
    return Alert(name=name, labels=labels, starts_at=END - hours(began), **told)


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
        what="What it is",
        title=f"{title} reached 97.1% (usually 41–52%) on {subject.display}",
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
        title=of.title.partition(" reached")[0],
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
            summary=f"{each.title}.",
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
            Sentence(text=f"{of.title} began when a value left its usual range.", evidence=["E1"]),
            Sentence(text="Six minutes before, a new image was rolled out on the same workload.", evidence=[last]),
        ],
        missing=["Logs and traces are not collected yet; what a container wrote before it was killed is not known."],
        created_at=END,
    )
