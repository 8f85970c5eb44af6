"""Entities with the fields that a test does not care about filled in."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from fleet.detectors.contract import Sensitivity
from fleet.findings.finding import Finding, FindingKind, SeriesRef, fingerprint
from fleet.findings.incident import Incident
from fleet.findings.scan import Scan
from fleet.frames.coverage import Coverage, CoverageStatus, QueryCoverage
from fleet.frames.pack import (
    Direction,
    PackQuery,
    QueryKind,
    QueryPack,
    Severity,
    SignalGroup,
    SubjectLabels,
)
from fleet.frames.window import Window
from fleet.inventory.subject import Subject, SubjectKind

T0 = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
CLUSTER = "0123456789ab"


def hours(first: float, last: float) -> Window:
    """The window between two hours after ``T0``."""
    return Window(start=T0 + timedelta(hours=first), end=T0 + timedelta(hours=last))


def subject(workload: str = "cart", cluster_id: str = CLUSTER) -> Subject:
    return Subject(cluster_id=cluster_id, kind=SubjectKind.WORKLOAD, namespace="shop", name=workload)


def finding(window: Window, *, workload: str = "cart", cluster_id: str = CLUSTER, **fields: Any) -> Finding:
    about = subject(workload, cluster_id)
    query_id = fields.pop("query_id", "container_mem_bytes")
    return Finding.model_validate(
        {
            "fingerprint": fingerprint(cluster_id, query_id, about, FindingKind.ABOVE),
            "cluster_id": cluster_id,
            "scan_id": "scan-1",
            "query_id": query_id,
            "subject": about,
            "what": "Memory",
            "title": "Memory of a container",
            "kind": FindingKind.ABOVE,
            "severity": Severity.WARNING,
            "window": window,
            "ongoing": False,
            "score": 5.0,
            "threshold": 3.0,
            "sensitivity": Sensitivity.MEDIUM,
            "detectors": ["robust-z"],
            "unit": "bytes",
            "series": SeriesRef(query_id=query_id, promql="up", labels={}),
            **fields,
        }
    )


def incident(incident_id: str, fingerprints: list[str], **fields: Any) -> Incident:
    return Incident.model_validate(
        {
            "id": incident_id,
            "cluster_id": CLUSTER,
            "scan_id": "scan-1",
            "title": "Memory of cart",
            "subject": subject(),
            "severity": Severity.WARNING,
            "started_at": T0,
            "fingerprints": fingerprints,
            **fields,
        }
    )


def pack() -> QueryPack:
    query = PackQuery(
        id="container_mem_bytes",
        title="Memory of a container",
        group=SignalGroup.MEMORY,
        promql="container_memory_working_set_bytes",
        unit="bytes",
        kind=QueryKind.GAUGE,
        direction=Direction.UP,
        subject=SubjectLabels(kind=SubjectKind.CLUSTER),
        severity=Severity.WARNING,
        needs=["container_memory_working_set_bytes"],
    )
    return QueryPack(name="test", version=1, queries=[query])


def scan(scan_id: str, window: Window, **fields: Any) -> Scan:
    return Scan.model_validate(
        {
            "id": scan_id,
            "scheduled_start": window.end,
            "window": window,
            "pack": pack(),
            "sensitivity": Sensitivity.MEDIUM,
            "created_at": window.end,
            "cluster_ids": [CLUSTER],
            **fields,
        }
    )


def coverage(window: Window, status: CoverageStatus = CoverageStatus.OK, **fields: Any) -> Coverage:
    return Coverage.model_validate(
        {
            "cluster_id": CLUSTER,
            "signal": "metrics",
            "collector": "prometheus",
            "window": window,
            "step_seconds": 30,
            "pack_hash": pack().content_hash,
            "status": status,
            "endpoint": "https://prometheus.example",
            "queries": [QueryCoverage(query_id="container_mem_bytes", status=status, series=2)],
            **fields,
        }
    )
