"""What a report is made from: stored results, as they are, without a store."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import TypeVar

from fleet.detectors.contract import Sensitivity
from fleet.findings.finding import Finding
from fleet.findings.grade import Grade, Letter
from fleet.findings.incident import Incident, Phase
from fleet.findings.ranking import worst_first
from fleet.frames.alerts import Alert
from fleet.frames.coverage import Coverage, Signal
from fleet.frames.window import HISTORY, Window
from fleet.inventory.change import Change
from fleet.inventory.cluster import Cluster
from fleet.inventory.inventory import Gap
from fleet.investigations.investigation import Investigation
from fleet.reports.charts import ChartSeries
from fleet.reports.content import ReportSummary

Item = TypeVar("Item")
Key = TypeVar("Key", bound=Hashable)


def importance(finding: Finding) -> tuple[float, float, str, float]:
    """By which findings are ordered, the most severe and then the strongest first."""
    return (-finding.severity.rank, -finding.strength, finding.fingerprint, finding.window.start.timestamp())


def most_important(findings: Sequence[Finding], most: int) -> list[Finding]:
    """So many of some findings, the most severe and then the strongest, in the order in which they were given."""
    chosen = sorted(range(len(findings)), key=lambda at: importance(findings[at]))[:most]
    return [findings[at] for at in sorted(chosen)]


def grouped(items: Iterable[Item], key: Callable[[Item], Key]) -> dict[Key, list[Item]]:
    """Items by key, in the order given."""
    groups: dict[Key, list[Item]] = {}
    for item in items:
        groups.setdefault(key(item), []).append(item)
    return groups


@dataclass(frozen=True)
class FleetReportMaterial:
    """Everything that a report may tell.

    Attributes:
        generated_at: the time that the report carries (UTC).
        window: what was scanned.
        coverage, grades, history, gaps: by cluster id. ``history`` is how much past the baselines rest on, ``gaps``
            what discovery could not read. A cluster without coverage was not seen, and without a grade is not graded.
        models: by cluster id, the version of the learnt state by which it was judged; without one, by its window alone.
        unread: by cluster id, what is stored and could not be read for this report, in words.
        uncompared: ids of clusters that were not compared with others, since too few that are alike were seen, by what
            they are like ("" where that is not known).
        alerts: by cluster id, those that fired at the window's end, the most severe first; of a cluster that is not
            there nothing is known, or it has no section of its own.
        incidents: open ones, and those that were resolved within the window or since the previous report.
        findings: those of the incidents, and others worth a line.
        changes: dated facts of the clusters, in any order.
        charts: series for findings, at most one a fingerprint.
        previous: the summary of the last report of this kind, or None.
    """

    generated_at: datetime
    window: Window
    clusters: list[Cluster]
    sensitivity: Sensitivity = Sensitivity.MEDIUM
    coverage: dict[str, list[Coverage]] = field(default_factory=dict)
    alerts: dict[str, list[Alert]] = field(default_factory=dict)
    grades: dict[str, Grade] = field(default_factory=dict)
    history: dict[str, timedelta] = field(default_factory=dict)
    models: dict[str, int] = field(default_factory=dict)
    gaps: dict[str, list[Gap]] = field(default_factory=dict)
    unread: dict[str, tuple[str, ...]] = field(default_factory=dict)
    uncompared: dict[str, list[str]] = field(default_factory=dict)
    incidents: list[Incident] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    investigations: list[Investigation] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    charts: list[ChartSeries] = field(default_factory=list)
    previous: ReportSummary | None = None

    @cached_property
    def names(self) -> dict[str, str]:
        """Cluster names by id."""
        return {cluster.id: cluster.name for cluster in self.clusters}

    @cached_property
    def ranked_clusters(self) -> list[Cluster]:
        """The worst grade first, then the least seen, then by name."""
        return sorted(
            self.clusters, key=lambda each: (-self.letter_of(each.id).trouble, self.seen_of(each.id), each.name)
        )

    def name_of(self, cluster_id: str) -> str:
        """A cluster's name; the id where the cluster is registered no more."""
        return self.names.get(cluster_id, cluster_id)

    @cached_property
    def ranked_incidents(self) -> list[Incident]:
        """Incidents that go on, or may, before resolved ones, the worst first."""
        return sorted(
            self.incidents,
            key=lambda each: (
                each.phase is Phase.RESOLVED,
                worst_first(each),
                each.started_at,
                each.id,
            ),
        )

    @cached_property
    def open_incidents(self) -> list[Incident]:
        """Ranked incidents that go on."""
        return [incident for incident in self.ranked_incidents if incident.phase is Phase.ONGOING]

    @cached_property
    def ranked_findings(self) -> list[Finding]:
        """Findings, the most severe and then the strongest first."""
        return sorted(self.findings, key=importance)

    @cached_property
    def findings_in(self) -> dict[str, list[Finding]]:
        """Ranked findings by cluster id."""
        return grouped(self.ranked_findings, lambda each: each.cluster_id)

    @cached_property
    def incidents_in(self) -> dict[str, list[Incident]]:
        """Ranked incidents by cluster id."""
        return grouped(self.ranked_incidents, lambda each: each.cluster_id)

    @cached_property
    def changes_in(self) -> dict[str, list[Change]]:
        """Changes by cluster id."""
        return grouped(self.changes, lambda each: each.cluster_id)

    def metrics_of(self, cluster_id: str) -> list[Coverage]:
        """The coverage by which a cluster is graded."""
        return [row for row in self.coverage.get(cluster_id, []) if row.signal == Signal.METRICS]

    @cached_property
    def judged_alone(self) -> list[Cluster]:
        """Clusters that were seen and have no history, so that they were judged by the window itself."""
        seen = [each for each in self.clusters if self.seen_of(each.id)]
        return [each for each in seen if each.id not in self.models and not self.history.get(each.id)]

    @cached_property
    def judged_by_little(self) -> list[Cluster]:
        """Clusters that were judged by less history than a budget of false findings needs."""
        return [each for each in self.clusters if timedelta() < self.history.get(each.id, timedelta()) < HISTORY]

    @cached_property
    def unsettled_incidents(self) -> list[Incident]:
        """Ranked incidents that go on, and those of which it is not sure yet that they ended."""
        return [incident for incident in self.ranked_incidents if incident.phase is not Phase.RESOLVED]

    def open_in(self, cluster_id: str) -> list[Incident]:
        """A cluster's incidents that go on, the worst first."""
        return [each for each in self.incidents_in.get(cluster_id, []) if each.phase is Phase.ONGOING]

    def findings_of(self, incident: Incident) -> list[Finding]:
        """An incident's findings in order of time."""
        near = [each for key in set(incident.fingerprints) for each in self._findings_by_fingerprint.get(key, [])]
        return sorted(filter(incident.holds, near), key=lambda each: (each.window.start, each.fingerprint))

    @cached_property
    def _findings_by_fingerprint(self) -> dict[str, list[Finding]]:
        return grouped(self.findings, lambda each: each.fingerprint)

    def investigation_of(self, incident: Incident) -> Investigation | None:
        """The latest investigation of an incident."""
        found = self._investigations_by_incident.get(incident.id, [])
        return max(found, key=lambda each: (each.created_at, each.id), default=None)

    @cached_property
    def _investigations_by_incident(self) -> dict[str | None, list[Investigation]]:
        return grouped(self.investigations, lambda each: each.incident_id)

    def chart_of(self, finding: Finding) -> ChartSeries | None:
        """The series of a finding, where it was given."""
        return self._charts_by_fingerprint.get(finding.fingerprint)

    @cached_property
    def _charts_by_fingerprint(self) -> dict[str, ChartSeries]:
        return {each.fingerprint: each for each in self.charts}

    def reason_of(self, cluster_id: str) -> str:
        """Why a cluster has its grade, without a full stop."""
        grade = self.grades.get(cluster_id)
        return grade.reason.rstrip(".") if grade else "nothing is known of it"

    def seen_of(self, cluster_id: str) -> float:
        """The share (0..1) of what was asked of a cluster that was seen."""
        grade = self.grades.get(cluster_id)
        return grade.coverage if grade else 0.0

    def letter_of(self, cluster_id: str) -> Letter:
        """A cluster's grade; not graded where nothing is known."""
        grade = self.grades.get(cluster_id)
        return grade.letter if grade else Letter.NOT_GRADED
