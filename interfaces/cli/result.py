"""A scan's result as the command line gives it; ``--json`` is exactly this."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from typing import TYPE_CHECKING

from pydantic import AwareDatetime, BaseModel, Field

from fleet.detectors.cohorts.clusters import too_few
from fleet.detectors.contract import Sensitivity
from fleet.findings.grade import grade_cluster
from fleet.findings.incident import Incident, Phase
from fleet.findings.scan import Scan
from fleet.frames.pack import Severity
from fleet.frames.signals import SignalCoverage, by_signal
from fleet.frames.window import Window
from fleet.investigations.investigation import CauseKind, Investigation
from tasks.coverage import coverage_of, history_of, metrics_of

if TYPE_CHECKING:
    from storage.stores import Stores


class ClusterCoverage(SignalCoverage):
    """What was seen of one cluster: of its metrics, by which it is graded, and ``beside`` them of the other signals.

    ``model_version`` is the learnt state by which it was judged; None where there was no history to learn from.
    ``history_days`` is how much history is stored of the days before the window.
    """

    cluster: str
    grade: str
    model_version: int | None = None
    history_days: int = 0
    beside: list[SignalCoverage]


class CauseLine(BaseModel):
    """A ranked cause."""

    rank: int
    kind: CauseKind
    title: str
    subject: str
    started_at: AwareDatetime
    confidence: float


class IncidentLine(BaseModel):
    """An incident with its causes, the most probable first.

    ``phase`` says whether it goes on, has ended, or is resolved, ``standing`` the same with more in words; ``why`` is
    the reason of its rank; ``reopenings`` is how often it came back.
    """

    id: str
    cluster: str
    subject: str
    title: str
    severity: Severity
    started_at: AwareDatetime
    ended_at: AwareDatetime | None
    phase: Phase
    standing: str
    reopenings: int
    why: str
    investigation_id: str | None
    causes: list[CauseLine]


class ScanResult(BaseModel):
    """A scan's result.

    ``incidents`` are those of its clusters that are not resolved, and others that it saw or that are over by it.
    ``findings`` counts what it saw, ``findings_apart`` those that are in no incident since they are too weak and too
    short; ``worst`` is the worst severity of these findings and of the incidents that are not resolved. ``uncompared``
    are the clusters that were not compared with others, since too few that are alike were seen, by what they are like
    ("" where that is not known).
    """

    scan_id: str
    state: str
    window: Window
    sensitivity: Sensitivity
    coverage: list[ClusterCoverage]
    incidents: list[IncidentLine]
    findings: int
    findings_apart: int
    worst: Severity | None
    uncompared: dict[str, list[str]] = Field(default_factory=dict)


def result_of(stores: Stores, scan_id: str) -> ScanResult:
    """Read a scan's result back from the stores."""
    scan = stores.scans.get(scan_id)
    names = {cluster_id: cluster.name for cluster_id, cluster in stores.clusters.known(scan.cluster_ids).items()}
    incidents = stores.incidents.told_by(scan, list(names))
    investigations = stores.investigations.of_incidents([incident.id for incident in incidents])
    findings = stores.findings.severities(scan.id)
    severities = {*findings, *(each.severity for each in incidents if each.phase is not Phase.RESOLVED)}
    return ScanResult(
        scan_id=scan.id,
        state=scan.state.value,
        window=scan.window,
        sensitivity=scan.sensitivity,
        coverage=_coverage(stores, scan, names, incidents),
        incidents=[_incident(names, incident, investigations.get(incident.id)) for incident in incidents],
        findings=sum(findings.values()),
        findings_apart=stores.findings.apart(scan.id),
        worst=max(severities, key=lambda severity: severity.rank, default=None),
        uncompared={
            alike: [names.get(cluster_id, cluster_id) for cluster_id in few]
            for alike, few in too_few(stores.levels.cohorts_seen(scan.id)).items()
        },
    )


def _coverage(stores: Stores, scan: Scan, names: dict[str, str], incidents: list[Incident]) -> list[ClusterCoverage]:
    found: dict[str, list[Incident]] = defaultdict(list)
    for incident in incidents:
        found[incident.cluster_id].append(incident)
    models = stores.models.used(scan.id)
    history = history_of(stores, scan, list(names))
    rows = []
    for cluster_id, own in coverage_of(stores, scan, list(names)):
        grade = grade_cluster(found[cluster_id], metrics_of(own), judged=scan.has_judged(cluster_id))
        metrics, *beside = by_signal(own, scan.window)
        unjudged = [grade.reason] if grade.coverage and not scan.has_judged(cluster_id) else []
        told = {**metrics.model_dump(), "reasons": sorted({*metrics.reasons, *unjudged})}
        rows.append(
            ClusterCoverage(
                **told,
                cluster=names[cluster_id],
                grade=grade.letter.value,
                model_version=models.get(cluster_id),
                history_days=history.get(cluster_id, timedelta()).days,
                beside=beside,
            )
        )
    return rows


def _incident(names: dict[str, str], incident: Incident, investigation: Investigation | None) -> IncidentLine:
    return IncidentLine(
        id=incident.id,
        cluster=names[incident.cluster_id],
        subject=incident.subject.display,
        title=incident.title,
        severity=incident.severity,
        started_at=incident.started_at,
        ended_at=incident.ended_at,
        phase=incident.phase,
        standing=incident.standing,
        reopenings=incident.reopenings,
        why=incident.harm.why,
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
