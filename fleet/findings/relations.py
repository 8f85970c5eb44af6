"""Which findings of one cluster belong together, by time and topology.

Two findings belong together when their stretches of time meet and topology relates them closely: the same thing, the
same workload (its pods, its route), the same node with its devices, or a node and what stands on it when both began
at about the same time. Sharing a node or a namespace alone is not enough: two faults in two places are two groups.

Findings on something wide (a namespace, the cluster, a component) would tie everything together. They join nothing:
each is added to the one group that fits it best, or stands for itself. So is a lone slow route that began with
trouble on a node.

Rules by hand; the closest published relative is temporal and topological alert clustering, for example
Z. Chen et al., Towards Intelligent Incident Management, ESEC/FSE 2020.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass

from fleet.findings.finding import Finding, FindingKind
from fleet.findings.grouping import Groups, Reach
from fleet.frames.pack import Severity
from fleet.inventory.subject import SubjectKind
from fleet.inventory.topology import Topology

WIDE = frozenset({SubjectKind.CLUSTER, SubjectKind.COMPONENT, SubjectKind.NAMESPACE})
_HOSTS = {SubjectKind.NODE, SubjectKind.DEVICE}
_PODS = {SubjectKind.POD, SubjectKind.CONTAINER}
_ONE_BY_ONE = {SubjectKind.NAMESPACE, SubjectKind.ROUTE}
"""Without a home, several of these are several groups, however close in time."""

_MINUTE = 60.0
_MEETS = 15 * _MINUTE
_SAME_ONSET = 20 * _MINUTE
_SAME_MOMENT = 3 * _MINUTE
_SAME_OUTAGE = 10 * _MINUTE
_HOME_WITHIN = {SubjectKind.NAMESPACE: float("inf"), SubjectKind.ROUTE: 5 * _MINUTE}
"""How far the onset of a finding without a place of its own may lie from that of the group to which it is added."""


def groups_of(findings: Sequence[Finding], topology: Topology) -> list[list[Finding]]:
    """Each finding in exactly one group; the same groups whatever the order.

    Args:
        findings: of one cluster.
        topology: of the cluster; one that knows nothing leaves names to tell.
    """
    ordered = sorted(findings, key=lambda each: (each.window.start, each.fingerprint, each.window.end))
    placed = [_Placed.of(finding, topology) for finding in ordered]
    # What always was so began at no time by which it could belong to what began lately.
    dated = _groups_of([each for each in placed if not each.finding.kind.among_peers])
    standing = [each for each in placed if each.finding.kind.among_peers]
    parted = _cores([each for each in standing if not each.wide]) + _alike([each for each in standing if each.wide])
    return [[each.finding for each in group] for group in dated + parted]


def _groups_of(placed: list[_Placed]) -> list[list[_Placed]]:
    wide = [each for each in placed if each.wide]
    cores = _cores([each for each in placed if not each.wide])
    wide += [core[0] for core in cores if _is_hint(core)]
    homes = _Homes([core for core in cores if not _is_hint(core)])
    homeless = [each for each in wide if not homes.take_in(each)]
    return homes.groups + _alike(homeless)


@dataclass(frozen=True)
class _Placed:
    """A finding, where it stands, and when (seconds since 1970)."""

    finding: Finding
    start: float
    end: float
    nodes: frozenset[str]
    keys: tuple[Hashable, ...]
    """Things of which two that share one are closely related."""

    @classmethod
    def of(cls, finding: Finding, topology: Topology) -> _Placed:
        subject = topology.resolve(finding.subject)
        nodes = topology.nodes_of(subject)
        keys: list[Hashable] = [("node", node) for node in nodes]
        if subject.kind not in _HOSTS:
            keys = [("thing", subject.identity, subject.name)]
            if workload := topology.workload_of(subject):
                keys.append(("workload", workload))
            if subject.kind in _PODS:
                keys.append(("pod", subject.namespace, subject.name))
        window = finding.window
        return cls(finding, window.start.timestamp(), window.end.timestamp(), nodes, tuple(keys))

    @property
    def wide(self) -> bool:
        return self.finding.subject.kind in WIDE

    def reach(self, number: int, within: float = float("inf")) -> Reach:
        """As a numbered thing that meets what starts before its end, and ``within`` so many seconds of its start."""
        return Reach(self.start, min(self.start + within, self.end + _MEETS), number)

    def meets(self, other: _Placed) -> bool:
        return self.start <= other.end + _MEETS and other.start <= self.end + _MEETS


def _cores(narrow: list[_Placed]) -> list[list[_Placed]]:
    """Findings on things with a place of their own, joined by what stands close together."""
    joined = Groups(len(narrow))
    near: defaultdict[Hashable, list[Reach]] = defaultdict(list)
    for number, each in enumerate(narrow):
        if each.finding.kind is FindingKind.GAP:
            # Exporters that fall silent together have one reason, wherever they stand.
            near["silence", each.finding.query_id].append(each.reach(number, _SAME_OUTAGE))
        for key in each.keys:
            near[key].append(each.reach(number))
    for reaches in near.values():
        joined.join_meeting(reaches)
    for hosts, guests in _hosts_and_guests(narrow):
        joined.join_across(hosts, guests)
    return [[narrow[member] for member in members] for members in joined.members()]


def _hosts_and_guests(narrow: list[_Placed]) -> Iterator[tuple[list[Reach], list[Reach]]]:
    """Trouble on a node, and on what stands on it, that may be one: it began at about the same time.

    Where a pod stood is not always known: then it takes more than about the same time.
    """
    on: defaultdict[str, tuple[list[Reach], list[Reach]]] = defaultdict(lambda: ([], []))
    anywhere: tuple[list[Reach], list[Reach]] = ([], [])
    for number, each in enumerate(narrow):
        kind = each.finding.subject.kind
        if kind is SubjectKind.NODE:
            anywhere[0].append(each.reach(number, _SAME_MOMENT))
        elif kind is not SubjectKind.DEVICE and not each.nodes:
            anywhere[1].append(each.reach(number, _SAME_MOMENT))
        if kind is not SubjectKind.DEVICE:
            for node in each.nodes:
                on[node][kind is not SubjectKind.NODE].append(each.reach(number, _SAME_ONSET))
    yield anywhere
    yield from on.values()


def _is_hint(core: list[_Placed]) -> bool:
    """A route that is slower than usual, short of any bound, and nothing else: its pods may have moved on since."""
    first = core[0].finding
    return len(core) == 1 and first.subject.kind is SubjectKind.ROUTE and first.severity is Severity.INFO


class _Homes:
    """Groups that take in findings without a place of their own."""

    def __init__(self, cores: list[list[_Placed]]) -> None:
        self.groups = [list(core) for core in cores]
        self._members: defaultdict[Hashable, list[tuple[float, int, _Placed]]] = defaultdict(list)
        self._undated: list[tuple[int, _Placed]] = []
        for number, core in enumerate(cores):
            self._undated += [(number, each) for each in core if each.finding.undated]
            for each in core:
                subject = each.finding.subject
                for key in {None, subject.kind, (SubjectKind.NAMESPACE, subject.namespace)}:
                    self._members[key].append((each.start, number, each))
        for members in self._members.values():
            members.sort(key=lambda member: member[:2])

    def take_in(self, each: _Placed) -> bool:
        """Add a finding to the group that it meets and whose onset is nearest to its own, if there is one."""
        subject = each.finding.subject
        key: Hashable = None
        if subject.kind is SubjectKind.NAMESPACE:
            key = (SubjectKind.NAMESPACE, subject.name)
        elif subject.kind is SubjectKind.ROUTE:
            key = SubjectKind.NODE
        limit = _HOME_WITHIN.get(subject.kind, _SAME_ONSET)
        members = self._members.get(key, [])
        first = bisect_left(members, each.start - limit, key=lambda member: member[0])
        last = bisect_right(members, each.start + limit, key=lambda member: member[0])
        near = [(abs(start - each.start), number) for start, number, it in members[first:last] if each.meets(it)]
        near = near or self._silent_within(each)
        if near:
            self.groups[min(near)[1]].append(each)
        return bool(near)

    def _silent_within(self, each: _Placed) -> list[tuple[float, int]]:
        """Groups that fell silent at no time that is known, for a component that does less than usual since earlier."""
        finding = each.finding
        if finding.kind is not FindingKind.BELOW or finding.subject.kind is not SubjectKind.COMPONENT:
            return []
        silent = [(number, it) for number, it in self._undated if each.start <= it.start and each.meets(it)]
        return [(it.start - each.start, number) for number, it in silent]


def _alike(homeless: list[_Placed]) -> list[list[_Placed]]:
    """Findings without a home: those on one thing, or of the whole cluster at one time, belong together."""
    joined = Groups(len(homeless))
    near: defaultdict[Hashable, list[Reach]] = defaultdict(list)
    for number, each in enumerate(homeless):
        near[each.finding.subject.identity].append(each.reach(number))
        if each.finding.subject.kind not in _ONE_BY_ONE:
            near[None].append(each.reach(number, _SAME_ONSET))
    for reaches in near.values():
        joined.join_meeting(reaches)
    return [[homeless[member] for member in members] for members in joined.members()]
