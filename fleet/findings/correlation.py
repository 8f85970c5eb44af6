"""Findings of one cluster joined into incidents: which are one, which incident it is, and what it is worth."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from uuid import UUID, uuid5

from fleet.findings.finding import ONE_EPISODE, UNRESOLVED, Finding
from fleet.findings.grouping import Groups, Reach
from fleet.findings.incident import Incident
from fleet.findings.lifecycle import RELAPSE, after_findings
from fleet.findings.opening import opens_incident
from fleet.findings.ranking import Earlier, centre_of, harm_of, ranked, weight_of
from fleet.findings.relations import WIDE, groups_of
from fleet.findings.wording import incident_title
from fleet.inventory.topology import Topology

_NAMESPACE = UUID("6f1c2f4e-6a0b-5a55-9d55-6f7d2b9b8c01")
"""Of incident ids only; changing it would make every known incident a new one."""

TOLD_FOR = timedelta(days=1)
"""As long as a scan looks by default, so that scans of an hour and of a day tell the same of an incident."""


def correlate(
    findings: Sequence[Finding],
    topology: Topology | None,
    known: Sequence[Incident],
    scan_id: str,
    earlier: Earlier | None = None,
    members: Sequence[Finding] = (),
) -> list[Incident]:
    """The incidents that a scan's findings make up, ranked by harm.

    Findings that belong together and are no reason to look at them (``opening``) are in none, unless their incident
    is known.

    Args:
        findings: of one cluster; a fingerprint may have several, far apart.
        topology: of the cluster; None where it is not known.
        known: incidents of earlier scans that are not resolved, or were lately. A group that shares a fingerprint with
            one of them at about its time is that incident and keeps its id; so is one within ``RELAPSE`` of it
            that shares what stands for it. Those that no finding meets are not returned.
        scan_id: of this scan.
        earlier: when earlier findings of these fingerprints began, as far as it is known: what recurs is less news.
        members: findings of the known incidents, whichever scan saw them. What an incident is worth is told by those of
            this scan, those that are not over, and those of its last day: no scan sees all of it.

    Returns:
        Incidents in order of rank; the same findings give the same ids again.
    """
    groups = _with_relapses(groups_of(findings, topology or Topology.of(None)))
    claimed: defaultdict[str, list[Finding]] = defaultdict(list)
    before = _KnownIncidents(known)
    unseen = _unseen(members, findings)
    incidents: list[Incident] = []
    for group in groups:
        incident = before.of(group)
        if incident is not None:
            claimed[incident.id] += group
        elif opens_incident(group):
            incidents.append(_incident(group, None, [], scan_id, earlier or {}))
    for known_id, group in claimed.items():
        incidents.append(_incident(group, before.by_id[known_id], unseen[known_id], scan_id, earlier or {}))
    return ranked(incidents)


def _with_relapses(groups: list[list[Finding]]) -> list[list[Finding]]:
    """Groups, with those that are the same trouble come back made one: what stands for one of them is in the other."""
    joined = Groups(len(groups))
    standing: defaultdict[str, list[Reach]] = defaultdict(list)
    present: defaultdict[str, list[Reach]] = defaultdict(list)
    for number, group in enumerate(groups):
        start, end = _span(group)
        reach = Reach(start.timestamp(), (end + RELAPSE).timestamp(), number)
        standing[_centre(group).fingerprint].append(reach)
        for mark in {finding.fingerprint for finding in group}:
            present[mark].append(reach)
    for mark, reaches in standing.items():
        joined.join_meeting(reaches)
        joined.join_across(reaches, present[mark])
    made = [[finding for member in members for finding in groups[member]] for members in joined.members()]
    # What was joined ends later than its parts, so that more may come back to it.
    return made if len(made) == len(groups) else _with_relapses(made)


class _KnownIncidents:
    """Incidents of earlier scans, to be found by what they share with a group."""

    def __init__(self, known: Iterable[Incident]) -> None:
        self.by_id = {incident.id: incident for incident in known}
        self._by_mark: defaultdict[str, list[Incident]] = defaultdict(list)
        for incident in self.by_id.values():
            for mark in incident.fingerprints:
                self._by_mark[mark].append(incident)

    def of(self, group: list[Finding]) -> Incident | None:
        """The known incident that a group is: of several, the one that shares most with it."""
        centre, (start, end) = _centre(group).fingerprint, _span(group)
        own = _marks(group) | {centre}
        shared: defaultdict[str, int] = defaultdict(int)
        for mark in {finding.fingerprint for finding in group}:
            for incident in self._by_mark.get(mark, ()):
                stands_for_it = mark == incident.fingerprints[0]
                back = mark in own and (stands_for_it or mark == centre)
                # What is wide may have stood for an incident before what it is about was seen.
                if (mark in own or stands_for_it) and _at_its_time(incident, start, end, back=back):
                    shared[incident.id] += 1
        found = [self.by_id[each] for each in shared]
        return max(found, key=lambda each: (shared[each.id], -each.started_at.timestamp(), each.id), default=None)


def _at_its_time(incident: Incident, start: datetime, end: datetime, *, back: bool) -> bool:
    """Whether a group of this time goes on with an incident, or (``back``) may be its return."""
    apart = RELAPSE if back else ONE_EPISODE
    return incident.started_at <= end + apart and (incident.ended_at is None or start <= incident.ended_at + apart)


def _unseen(members: Iterable[Finding], findings: Iterable[Finding]) -> defaultdict[str, list[Finding]]:
    """The members that a scan did not see, by their incident."""
    seen = {finding.id for finding in findings}
    unseen: defaultdict[str, list[Finding]] = defaultdict(list)
    for finding in members:
        if finding.incident_id and finding.id not in seen:
            unseen[finding.incident_id].append(finding)
    return unseen


def _incident(
    group: list[Finding], before: Incident | None, unseen: list[Finding], scan_id: str, earlier: Earlier
) -> Incident:
    telling = _telling(group, unseen)
    centre = centre_of(telling, before.fingerprints[0] if before else "")
    ordered = [centre, *sorted(telling, key=weight_of, reverse=True)]
    founder = min(group, key=lambda finding: (finding.window.start, finding.fingerprint))
    start = founder.window.start
    subjects = list(dict.fromkeys(finding.subject for finding in ordered))
    mark = f"{founder.cluster_id}|{founder.fingerprint}|{start.isoformat()}"
    started_at = min(start, before.started_at) if before else start
    known = {"state": before.state, "stretches": before.stretches} if before else {}
    incident = Incident(
        id=before.id if before else str(uuid5(_NAMESPACE, mark)),
        cluster_id=founder.cluster_id,
        scan_id=scan_id,
        title=incident_title(centre, len(subjects) - 1),
        subject=centre.subject,
        severity=max((finding.severity for finding in telling), key=lambda severity: severity.rank),
        started_at=started_at,
        opened_at=(before.opened_at if before else None) or start,
        # What it was known by stays with it: what it had an hour ago may come back, and is no new incident then.
        fingerprints=list(
            dict.fromkeys([*(finding.fingerprint for finding in ordered), *(before.fingerprints if before else ())])
        ),
        finding_ids=list(dict.fromkeys(each.id for each in sorted(group, key=weight_of, reverse=True))),
        affected=subjects,
        harm=harm_of(telling, centre, started_at, earlier),
        **known,
    )
    return after_findings(incident, [*group, *unseen])


def _telling(group: list[Finding], unseen: list[Finding]) -> list[Finding]:
    """By which findings an incident is told: what a scan saw, and of the rest what is not over or was lately."""
    _, end = _span([*group, *unseen])
    return [*group, *(each for each in unseen if each.state in UNRESOLVED or each.window.end > end - TOLD_FOR)]


def _span(group: list[Finding]) -> tuple[datetime, datetime]:
    return min(finding.window.start for finding in group), max(finding.window.end for finding in group)


def _centre(group: list[Finding]) -> Finding:
    return max(group, key=weight_of)


def _marks(group: list[Finding]) -> set[str]:
    """By what a group is known again: findings on things with a place of their own, if it has any."""
    return {each.fingerprint for each in group if each.subject.kind not in WIDE} or {each.fingerprint for each in group}
