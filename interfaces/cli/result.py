"""A scan's result as the command line gives it; ``--json`` is exactly this."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from pydantic import AwareDatetime, BaseModel

from fleet.findings.grade import grade_cluster
from fleet.findings.incident import Incident
from fleet.findings.scan import Scan
from fleet.frames.coverage import CoverageStatus, combine
from fleet.frames.pack import Severity
from fleet.frames.window import STEP_SECONDS, Window
from fleet.investigations.investigation import CauseKind, Investigation

if TYPE_CHECKING:
    from storage.stores import Stores


class ClusterCoverage(BaseModel):
    """What was seen of one cluster: ``seen_ratio`` is the share of the window that is ``ok`` or ``absent``."""

    cluster: str
    signal: str
    status: CoverageStatus
    seen_ratio: float
    reasons: list[str]
    grade: str


class CauseLine(BaseModel):
    """A ranked cause."""

    rank: int
    kind: CauseKind
    title: str
    subject: str
    started_at: AwareDatetime
    confidence: float


class IncidentLine(BaseModel):
    """An incident with its causes, the most probable first."""

    id: str
    cluster: str
    subject: str
    title: str
    severity: Severity
    started_at: AwareDatetime
    ended_at: AwareDatetime | None
    investigation_id: str | None
    causes: list[CauseLine]


class ScanResult(BaseModel):
    """A scan's result: ``findings`` counts what it saw, ``worst`` is the severity of the worst of it."""

    scan_id: str
    state: str
    window: Window
    coverage: list[ClusterCoverage]
    incidents: list[IncidentLine]
    findings: int
    worst: Severity | None


def result_of(stores: Stores, scan_id: str) -> ScanResult:
    """Read a scan's result back from the stores."""
    scan = stores.scans.get(scan_id)
    names = {cluster_id: cluster.name for cluster_id, cluster in stores.clusters.known(scan.cluster_ids).items()}
    incidents = stores.incidents.list(cluster_ids=list(names), scan_id=scan.id)
    investigations = stores.investigations.of_incidents([incident.id for incident in incidents])
    findings = stores.findings.severities(scan.id)
    severities = {*findings, *(incident.severity for incident in incidents)}
    return ScanResult(
        scan_id=scan.id,
        state=scan.state.value,
        window=scan.window,
        coverage=_coverage(stores, scan, names, incidents),
        incidents=[_incident(names, incident, investigations.get(incident.id)) for incident in incidents],
        findings=sum(findings.values()),
        worst=max(severities, key=lambda severity: severity.rank, default=None),
    )


def _coverage(stores: Stores, scan: Scan, names: dict[str, str], incidents: list[Incident]) -> list[ClusterCoverage]:
    found: dict[str, list[Incident]] = defaultdict(list)
    for incident in incidents:
        found[incident.cluster_id].append(incident)
    rows = []
    for cluster_id, own in stores.coverage.by_cluster(
        scan.window, list(names), pack_hash=scan.pack.content_hash, step_seconds=STEP_SECONDS
    ):
        grade = grade_cluster(found[cluster_id], own, judged=scan.has_judged(cluster_id))
        seen = _share([chunk.window for chunk in own if chunk.status.final], scan.window)
        statuses = [chunk.status for chunk in own]
        missing = [chunk for chunk in own if not chunk.status.final]
        if all(chunk.status is CoverageStatus.ABSENT for chunk in own):
            missing = own
        reasons = {chunk.reason for chunk in missing if chunk.reason}
        if _share([chunk.window for chunk in own], scan.window) < 1:
            statuses.append(CoverageStatus.UNKNOWN)
            reasons.add("not all of the window was collected")
        if grade.coverage and not scan.has_judged(cluster_id):
            reasons.add(grade.reason)
        rows.append(
            ClusterCoverage(
                cluster=names[cluster_id],
                signal="metrics",
                status=combine(statuses),
                seen_ratio=seen,
                reasons=sorted(reasons),
                grade=grade.letter.value,
            )
        )
    return rows


def _share(parts: list[Window], whole: Window) -> float:
    """How much of a window (0..1) lies in these, which may overlap each other and its ends."""
    seconds, reached = 0.0, whole.start
    for part in sorted(parts, key=lambda each: each.start):
        start, end = max(part.start, reached), min(part.end, whole.end)
        if start < end:
            seconds += (end - start).total_seconds()
            reached = end
    return seconds / whole.seconds


def _incident(names: dict[str, str], incident: Incident, investigation: Investigation | None) -> IncidentLine:
    return IncidentLine(
        id=incident.id,
        cluster=names[incident.cluster_id],
        subject=incident.subject.display,
        title=incident.title,
        severity=incident.severity,
        started_at=incident.started_at,
        ended_at=incident.ended_at,
        investigation_id=investigation.id if investigation else None,
        causes=[
            CauseLine(
                rank=cause.rank,
                kind=cause.kind,
                title=cause.title,
                subject=cause.subject.display,
                started_at=cause.started_at,
                confidence=cause.confidence,
            )
            for cause in (investigation.causes if investigation else [])
        ],
    )
