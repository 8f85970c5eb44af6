"""Findings of one cluster joined into incidents, by time and topology.

Two findings belong together when their stretches of time meet and topology relates them closely: the same thing, the
same workload (its pods, its route), the same node with its devices, or a node and what stands on it when both began
at about the same time. Sharing a node or a namespace alone is not enough: two faults in two places are two incidents.

Findings on something wide (a namespace, the cluster, a component) would tie everything together. They join nothing:
each is added to the one group that fits it best, or stands for itself. So is a lone slow route that began with
trouble on a node.

Rules by hand; the closest published relative is temporal and topological alert clustering, for example
Z. Chen et al., Towards Intelligent Incident Management, ESEC/FSE 2020.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID, uuid5

from fleet.findings.finding import Finding, FindingKind, FindingState
from fleet.findings.grouping import Groups
from fleet.findings.harm import touches_service
from fleet.findings.incident import Incident
from fleet.findings.wording import incident_title
from fleet.frames.pack import Severity
from fleet.inventory.subject import Subject, SubjectKind
from fleet.inventory.topology import Topology

_NAMESPACE = UUID("6f1c2f4e-6a0b-5a55-9d55-6f7d2b9b8c01")
"""Of incident ids only; changing it would make every known incident a new one."""
_MEETS = timedelta(minutes=15)
_SAME_ONSET = timedelta(minutes=20)
_SAME_MOMENT = timedelta(minutes=3)
_SAME_OUTAGE = timedelta(minutes=10)
_KNOWN_FOR = timedelta(hours=1)
"""An incident that ended no longer ago than this goes on when one of its findings comes back."""
_HOME_WITHIN = {SubjectKind.NAMESPACE: timedelta.max, SubjectKind.ROUTE: timedelta(minutes=5)}
"""How far the onset of a finding without a place of its own may lie from that of the group to which it is added."""
_WIDE = {SubjectKind.CLUSTER, SubjectKind.COMPONENT, SubjectKind.NAMESPACE}
_HOSTS = {SubjectKind.NODE, SubjectKind.DEVICE}


def correlate(
    findings: Sequence[Finding], topology: Topology | None, known: Sequence[Incident], scan_id: str
) -> list[Incident]:
    """The incidents that a scan's findings make up, ranked by harm.

    Args:
        findings: of one cluster, one for each fingerprint.
        topology: of the cluster; None where it is not known.
        known: incidents of earlier scans that are not resolved. A group that shares a fingerprint with one of
            them, at about its time, is that incident and keeps its id. Those that no finding meets are not returned.
        scan_id: of this scan.

    Returns:
        Incidents in order of rank; the same findings give the same ids again.
    """
    groups = Grouping(findings, topology or Topology.of(None)).groups()
    incidents: list[tuple[Incident, list[Finding]]] = []
    unclaimed = list(known)
    for group in sorted(groups, key=_founding_order):
        before = _known_as(group, unclaimed)
        if before is not None:
            unclaimed.remove(before)
        incidents.append((_incident(group, before, scan_id), group))
    incidents.sort(key=lambda pair: (tuple(-part for part in _harm(pair[1])), pair[0].started_at, pair[0].id))
    return [incident.model_copy(update={"rank": rank}) for rank, (incident, _) in enumerate(incidents, start=1)]


class Grouping:
    """The findings of one cluster and which of them belong together."""

    def __init__(self, findings: Sequence[Finding], topology: Topology) -> None:
        self._findings = sorted(findings, key=lambda each: (each.window.start, each.fingerprint))
        self._topology = topology

    def groups(self) -> list[list[Finding]]:
        """Each finding in exactly one group."""
        narrow = [finding for finding in self._findings if finding.subject.kind not in _WIDE]
        wide = [finding for finding in self._findings if finding.subject.kind in _WIDE]
        joined = Groups(len(narrow))
        for one, finding in enumerate(narrow):
            for other in range(one):
                if not joined.same(one, other) and self._belong(finding, narrow[other]):
                    joined.join(one, other)
        cores = [[narrow[member] for member in members] for members in joined.members()]
        wide += [core[0] for core in cores if _is_hint(core)]
        cores = [core for core in cores if not _is_hint(core)]
        homes = [(finding, self._home(finding, cores)) for finding in wide]
        groups = [list(core) for core in cores]
        for finding, home in homes:
            if home is not None:
                groups[home].append(finding)
        return groups + self._wide_groups([finding for finding, home in homes if home is None])

    def _belong(self, one: Finding, other: Finding) -> bool:
        if not _meet(one, other):
            return False
        if one.kind is other.kind is FindingKind.GAP and one.query_id == other.query_id:
            # Exporters that fall silent together have one reason, wherever they stand.
            return _onsets_apart(one, other) <= _SAME_OUTAGE
        hosts = [each.subject.kind in _HOSTS for each in (one, other)]
        if all(hosts):
            return bool(self._topology.nodes_of(one.subject) & self._topology.nodes_of(other.subject))
        distance = self._topology.distance(one.subject, other.subject)
        if any(hosts):
            return self._on_node(one, other, distance)
        return distance is not None and distance <= 1

    def _on_node(self, one: Finding, other: Finding, distance: int | None) -> bool:
        """Whether trouble on a node and on something that may stand on it began together."""
        host, guest = (one, other) if one.subject.kind in _HOSTS else (other, one)
        if host.subject.kind is not SubjectKind.NODE:
            return False
        if distance == 1:
            return _onsets_apart(one, other) <= _SAME_ONSET
        # Where a pod stood is not always known: then it takes more than about the same time.
        return not self._topology.nodes_of(guest.subject) and _onsets_apart(one, other) <= _SAME_MOMENT

    def _home(self, finding: Finding, cores: list[list[Finding]]) -> int | None:
        """The core that a wide finding fits: one that it meets, and whose onset is nearest to its own."""
        best: tuple[timedelta, int] | None = None
        for number, core in enumerate(cores):
            related = [each for each in core if _meet(finding, each) and _may_explain(each.subject, finding.subject)]
            if not related:
                continue
            apart = min(_onsets_apart(finding, each) for each in related)
            limit = _HOME_WITHIN.get(finding.subject.kind, _SAME_ONSET)
            if apart <= limit and (best is None or apart < best[0]):
                best = (apart, number)
        return best[1] if best else None

    def _wide_groups(self, findings: list[Finding]) -> list[list[Finding]]:
        """Wide findings without a home: those on one thing, or of the whole cluster at one time, belong together."""
        joined = Groups(len(findings))
        for one, finding in enumerate(findings):
            for other in range(one):
                if _meet(finding, findings[other]) and _alike(finding, findings[other]):
                    joined.join(one, other)
        return [[findings[member] for member in members] for members in joined.members()]


def _may_explain(part: Subject, whole: Subject) -> bool:
    if whole.kind is SubjectKind.NAMESPACE:
        return part.namespace == whole.name
    return whole.kind is not SubjectKind.ROUTE or part.kind is SubjectKind.NODE


def _is_hint(core: list[Finding]) -> bool:
    """A route that is slower than usual, short of any bound, and nothing else: its pods may have moved on since."""
    return len(core) == 1 and core[0].subject.kind is SubjectKind.ROUTE and core[0].severity is Severity.INFO


def _alike(one: Finding, other: Finding) -> bool:
    kinds = {one.subject.kind, other.subject.kind}
    if kinds & {SubjectKind.NAMESPACE, SubjectKind.ROUTE}:
        return one.subject.identity == other.subject.identity
    return one.subject.identity == other.subject.identity or _onsets_apart(one, other) <= _SAME_ONSET


def _meet(one: Finding, other: Finding) -> bool:
    return one.window.start <= other.window.end + _MEETS and other.window.start <= one.window.end + _MEETS


def _onsets_apart(one: Finding, other: Finding) -> timedelta:
    return abs(one.window.start - other.window.start)


def _founding_order(group: list[Finding]) -> tuple[datetime, str]:
    return min((finding.window.start, finding.fingerprint) for finding in group)


def _known_as(group: list[Finding], known: list[Incident]) -> Incident | None:
    """The known incident that shares most fingerprints with a group, at about the same time."""
    start = min(finding.window.start for finding in group)
    end = max(finding.window.end for finding in group)
    marks = {finding.fingerprint for finding in group}
    shared = [
        (len(marks & set(incident.fingerprints)), incident)
        for incident in known
        if incident.cluster_id == group[0].cluster_id
        and incident.started_at <= end + _KNOWN_FOR
        and (incident.ended_at is None or start <= incident.ended_at + _KNOWN_FOR)
    ]
    best = max(shared, key=lambda pair: (pair[0], -pair[1].started_at.timestamp(), pair[1].id), default=None)
    return best[1] if best is not None and best[0] > 0 else None


def _incident(group: list[Finding], before: Incident | None, scan_id: str) -> Incident:
    centre = max(group, key=_weight)
    founder = min(group, key=lambda finding: (finding.window.start, finding.fingerprint))
    start = founder.window.start
    ongoing = any(finding.ongoing for finding in group)
    subjects = list(dict.fromkeys(finding.subject for finding in sorted(group, key=_weight, reverse=True)))
    mark = f"{founder.cluster_id}|{founder.fingerprint}|{start.isoformat()}"
    return Incident(
        id=before.id if before else str(uuid5(_NAMESPACE, mark)),
        cluster_id=founder.cluster_id,
        scan_id=scan_id,
        title=incident_title(centre, len(subjects) - 1),
        subject=centre.subject,
        severity=max((finding.severity for finding in group), key=lambda severity: severity.rank),
        state=before.state if before else FindingState.OPEN,
        started_at=min(start, before.started_at) if before else start,
        ended_at=None if ongoing else max(finding.window.end for finding in group),
        opened_at=(before.opened_at if before else None) or start,
        fingerprints=list(dict.fromkeys(finding.fingerprint for finding in sorted(group, key=_weight, reverse=True))),
        affected=subjects,
    )


def _weight(finding: Finding) -> tuple[int, bool, float, str]:
    """Which finding of an incident stands for it."""
    strength = finding.score / max(finding.threshold, 1e-9)
    return finding.severity.rank, finding.subject.kind not in _WIDE, min(strength, 1e6), finding.fingerprint


def _harm(group: list[Finding]) -> tuple[float, ...]:
    """Severity first, then services that users feel, what still goes on, how much is touched, how strongly."""
    return (
        max(finding.severity.rank for finding in group),
        any(touches_service(finding.subject) for finding in group),
        any(finding.ongoing for finding in group),
        len({finding.subject.identity for finding in group}),
        max(finding.score / max(finding.threshold, 1e-9) for finding in group),
    )
