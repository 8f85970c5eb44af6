"""What changed since the last report: it stands first, since it is why somebody opens the report."""

from __future__ import annotations

from collections import Counter

from fleet.findings.finding import FindingState
from fleet.findings.grade import Letter
from fleet.findings.incident import Incident, Phase
from fleet.inventory.alike import told_together
from fleet.inventory.change import Change, ChangeKind
from fleet.reports.content import IncidentLine, ReportSummary, Statement
from fleet.reports.material import FleetReportMaterial
from fleet.reports.wording import brief, counted, date_time, joined, short_moment, short_time

_CLUSTER_CHANGES = {
    ChangeKind.VERSION,
    ChangeKind.NODE_JOINED,
    ChangeKind.NODE_LEFT,
    ChangeKind.NODE_LABELS,
    ChangeKind.NODE_CORDON,
    ChangeKind.CAPABILITY,
    ChangeKind.CAPACITY,
    ChangeKind.DRIVER,
    ChangeKind.MACHINE_CONFIG,
    ChangeKind.OPERATOR,
    ChangeKind.COMPONENT_HEALTH,
    ChangeKind.GPU_CONFIG,
    ChangeKind.SRIOV_CONFIG,
    ChangeKind.PTP_CONFIG,
    ChangeKind.PERFORMANCE_PROFILE,
}
_MOST_NAMES = 6
_MOST_CHANGES = 10


def what_changed(material: FleetReportMaterial) -> list[Statement]:
    """Lines on what is new, worse, over or going on, what grades moved, and what changed in the clusters."""
    previous = material.previous
    if previous is None:
        return [Statement(text="This is the first report of its kind: there is nothing to compare it with.")]
    lines = [
        *_new_incidents(material, previous),
        *_known_incidents(material, previous),
        *_missing_incidents(material, previous),
        *_grades(material, previous),
        *_members(material, previous),
        *_clusters(material, previous),
    ]
    return lines or [Statement(text=f"Nothing changed since the last report of {date_time(previous.generated_at)}.")]


def _new_incidents(material: FleetReportMaterial, previous: ReportSummary) -> list[Statement]:
    known = {line.id for line in previous.incidents}
    return [
        Statement(
            lead="New",
            text=f"{brief(incident.title)} in {material.name_of(incident.cluster_id)}, {incident.severity.value}, "
            f"{'since' if incident.ended_at is None else 'began'} {short_time(incident.started_at)}"
            f"{_over_by_now(incident)}.",
        )
        for incident in material.ranked_incidents
        if incident.id not in known
    ]


def _over_by_now(incident: Incident) -> str:
    if incident.phase is Phase.ONGOING or incident.ended_at is None:
        return ""
    return f", ended {short_time(incident.ended_at)}{', not sure yet' if incident.phase is Phase.ENDED else ''}"


def _known_incidents(material: FleetReportMaterial, previous: ReportSummary) -> list[Statement]:
    before = {line.id: line for line in previous.incidents}
    moved: list[Statement] = []
    ongoing: list[Incident] = []
    for incident in material.ranked_incidents:
        line = before.get(incident.id)
        if line is None:
            continue
        told = _moved(incident, line, material.name_of(incident.cluster_id))
        if told:
            moved.append(told)
        elif incident.phase is not Phase.RESOLVED:
            ongoing.append(incident)
    if ongoing:
        names = [f"{brief(each.title, 60)} in {material.name_of(each.cluster_id)}" for each in ongoing]
        text = f"{counted(len(ongoing), 'incident')} ({joined(names, _MOST_NAMES)})."
        moved.append(Statement(lead="Going on", text=text))
    return moved


def _moved(incident: Incident, line: IncidentLine, cluster: str) -> Statement | None:
    """What became of an incident that the last report had; None where nothing did."""
    name = f"{brief(incident.title)} in {cluster}"
    over_now, over_then = incident.state is FindingState.RESOLVED, line.state is FindingState.RESOLVED
    if over_now and not over_then:
        return Statement(lead="Resolved", text=f"{name}{_over_by_now(incident)}.")
    if over_then and not over_now:
        return Statement(lead="Back", text=f"{name}, {incident.severity.value}.")
    if incident.phase is Phase.ENDED and line.ended_at is None:
        return Statement(lead="Ended", text=f"{name}{_over_by_now(incident)}.")
    if not over_now and incident.severity is not line.severity:
        word = "Worse" if incident.severity.rank > line.severity.rank else "Better"
        return Statement(lead=word, text=f"{name}, {line.severity.value} → {incident.severity.value}.")
    return None


def _missing_incidents(material: FleetReportMaterial, previous: ReportSummary) -> list[Statement]:
    now = {incident.id for incident in material.incidents}
    lines: list[Statement] = []
    for line in previous.incidents:
        if line.id in now or line.state is FindingState.RESOLVED or line.cluster_id not in material.names:
            continue
        judged = material.letter_of(line.cluster_id) is not Letter.NOT_GRADED
        why = "no longer reported" if judged else "cannot be judged now, since the cluster was not seen"
        lines.append(Statement(lead="Not seen", text=f"{brief(line.title)} in {line.cluster}: {why}."))
    return lines


def _grades(material: FleetReportMaterial, previous: ReportSummary) -> list[Statement]:
    before = {line.cluster_id: line.letter for line in previous.grades}
    lines: list[Statement] = []
    for cluster in material.clusters:
        now = material.letter_of(cluster.id).value
        if before.get(cluster.id, now) != now:
            text = f"{before[cluster.id]} → {now}: {material.reason_of(cluster.id)}."
            lines.append(Statement(lead=f"Grade of {cluster.name}", text=text))
    return lines


def _members(material: FleetReportMaterial, previous: ReportSummary) -> list[Statement]:
    before = {line.cluster_id: line.cluster for line in previous.grades}
    joined_now = sorted(name for each, name in material.names.items() if each not in before)
    left = sorted(name for each, name in before.items() if each not in material.names)
    lines: list[Statement] = []
    if joined_now:
        lines.append(Statement(lead="New in this report", text=f"{joined(joined_now, _MOST_NAMES)}."))
    if left:
        lines.append(Statement(lead="Not in this report any more", text=f"{joined(left, _MOST_NAMES)}."))
    return lines


def _clusters(material: FleetReportMaterial, previous: ReportSummary) -> list[Statement]:
    since = [change for change in material.changes if not _could_tell(previous, change)]
    ordered = sorted((each for each in since if each.kind in _CLUSTER_CHANGES), key=lambda each: (each.at, each.id))
    told = told_together(ordered)
    lines = [_cluster_change(material, change) for change in told[:_MOST_CHANGES]]
    if len(told) > _MOST_CHANGES:
        left = counted(len(told) - _MOST_CHANGES, "more cluster change")
        lines.append(Statement(text=f"{left}: see the clusters' sections."))
    rollouts = Counter(change.cluster_id for change in since if change.kind is ChangeKind.ROLLOUT)
    if rollouts:
        counts = sorted(rollouts.items(), key=lambda each: (-each[1], material.name_of(each[0])))
        per_cluster = [f"{material.name_of(each)} {number}" for each, number in counts]
        lines.append(Statement(lead="Rollouts", text=f"{rollouts.total()} ({joined(per_cluster, _MOST_NAMES)})."))
    return lines


def _could_tell(previous: ReportSummary, change: Change) -> bool:
    """Whether the last report knew of a change: one that dates itself within its window, any other once it was seen."""
    return change.at < (previous.window.end if change.not_before is None else previous.generated_at)


def _cluster_change(material: FleetReportMaterial, change: Change) -> Statement:
    lead = f"{material.name_of(change.cluster_id)}, {short_moment(change)}"
    return Statement(lead=lead, text=f"{change.summary.rstrip('.')}.")
