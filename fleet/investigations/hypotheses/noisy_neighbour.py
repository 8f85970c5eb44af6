"""Noisy neighbour: one workload takes a node's processors, and what stands beside it is starved."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from fleet.frames.pack import SignalGroup
from fleet.inventory.subject import Subject, SubjectKind
from fleet.investigations.deviation import Deviation
from fleet.investigations.graph import TOLERANCE, workload_subject
from fleet.investigations.hypotheses.hypothesis import Expectation, Hypothesis
from fleet.investigations.investigation import CauseKind
from fleet.investigations.scene import Scene
from fleet.investigations.signals import Role
from fleet.investigations.wording import clock, named, plain, quantity

_SUFFERING = (Role.THROTTLING, Role.LATENCY, Role.ERRORS)
_EFFECTS = frozenset({SignalGroup.CPU, SignalGroup.INGRESS, SignalGroup.WORKLOADS, SignalGroup.CONTROL_PLANE})
_HORIZON = timedelta(minutes=30)
_MOST = 0.5
"""Share of the node's additional use that the workload must account for."""


@dataclass(frozen=True)
class _Jump:
    """A workload's rise in CPU, the node it happened on (None where it is not known), and the rise in cores."""

    workload: Subject
    deviation: Deviation
    node: str | None
    cores: float


def noisy_neighbours(scene: Scene) -> Iterator[Hypothesis]:
    """One hypothesis for every workload whose CPU rose and whose node or neighbours suffered from then on."""
    for jump in _jumps(scene):
        busy = _busy(scene, jump)
        victims = _victims(scene, jump, jump.node)
        if busy or victims:
            yield _noisy(scene, jump, busy, victims)


def _jumps(scene: Scene) -> list[_Jump]:
    """The largest rise of each workload and node, by size."""
    largest: dict[tuple[tuple[str, str], str | None], _Jump] = {}
    for each in scene.playing(Role.CONTAINER_CPU, sign=1):
        workload = scene.graph.workload_of(each.subject)
        cores = each.observed - each.expected
        if workload is None or not cores > 0:
            continue
        node = scene.material.topology.node_of(each.subject) or _node_by_time(scene, each)
        known = largest.get((workload, node))
        if known is None or cores > known.cores:
            largest[workload, node] = _Jump(workload_subject(scene.cluster_id, workload), each, node, cores)
    return sorted(largest.values(), key=lambda jump: (-jump.cores, jump.workload.identity, jump.node or ""))


def _node_by_time(scene: Scene, jump: Deviation) -> str | None:
    """Where no inventory says on which node a pod stands: the one node whose CPU rose at the same time."""
    if scene.material.inventory is not None:
        return None
    together = {
        each.subject.name
        for each in scene.playing(Role.NODE_CPU, sign=1)
        if abs(each.window.start - jump.window.start) <= TOLERANCE
    }
    return together.pop() if len(together) == 1 else None


def _busy(scene: Scene, jump: _Jump) -> list[Deviation]:
    return [
        each
        for each in scene.playing(Role.NODE_CPU, sign=1)
        if each.subject.name == jump.node and _follows(each, jump.deviation)
    ]


def _victims(scene: Scene, jump: _Jump, node: str | None) -> list[Deviation]:
    """Other workloads on the node that are throttled or slow from then on; one each, the strongest."""
    worst: dict[tuple[str, str], Deviation] = {}
    for each in scene.playing(*_SUFFERING, sign=1):
        workload = scene.graph.workload_of(each.subject)
        if workload is None or scene.graph.same_workload(jump.workload, each.subject):
            continue
        if node in scene.graph.nodes_of(each.subject) and _follows(each, jump.deviation):
            worst[workload] = max(worst.get(workload, each), each, key=lambda one: one.strength)
    return sorted(worst.values(), key=lambda each: (-each.strength, each.subject.identity))


def _follows(effect: Deviation, cause: Deviation) -> bool:
    return cause.window.start - TOLERANCE <= effect.window.start <= cause.window.start + _HORIZON


def _noisy(scene: Scene, jump: _Jump, busy: list[Deviation], victims: list[Deviation]) -> Hypothesis:
    since, name = jump.deviation.window.start, named(jump.workload)
    rose = scene.book.deviation(jump.deviation)
    slow = tuple(scene.book.deviation(each) for each in victims[:3])
    full = tuple(scene.book.deviation(each) for each in busy[:2])
    stands = scene.book.topology(*_standing(scene, jump)) if jump.node else None
    where = plain(jump.node) if jump.node else "an unknown node"
    story = [
        (
            f"CPU use of {name} on {where} rose by {quantity(jump.cores, 'cores')} at {clock(since)}.",
            (rose, *((stands,) if stands else ())),
        )
    ]
    if slow:
        others = len(victims) - 1
        more = f", and so did {others} other{'s' if others > 1 else ''} on that node" if others else ""
        story.append((f"Its neighbour suffered: {scene.book.at(slow[0]).summary}{more}.", slow))
    return Hypothesis(
        kind=CauseKind.NOISY_NEIGHBOUR,
        title=f"{name} took {quantity(jump.cores, 'cores')} more of {where} from {clock(since)}",
        subject=jump.workload,
        started_at=since,
        strength=jump.deviation.strength,
        horizon=_HORIZON,
        until=jump.deviation.window.end,
        effects=_EFFECTS,
        expectations=(
            Expectation("the workload's CPU use rose", holds=True, weight=2, evidence=(rose,), essential=True),
            Expectation(
                "its neighbours are throttled or slow from then on",
                bool(victims) if jump.node else None,
                3,
                slow,
            ),
            Expectation("the node's processors are busy from then on", bool(busy) if jump.node else None, 1, full),
            _accounts(scene, jump, busy),
            _elsewhere_calm(scene, jump),
            _has_neighbours(scene, jump, stands),
        ),
        claims=tuple(busy),
        story=tuple(story),
    )


def _standing(scene: Scene, jump: _Jump) -> tuple[str, Subject]:
    node = Subject(cluster_id=scene.cluster_id, kind=SubjectKind.NODE, name=jump.node or "")
    pods = scene.material.topology.members(node.name)
    if not pods:
        return f"{named(jump.workload)} and {named(node)} rose at the same time", node
    return f"{named(jump.deviation.subject)} stands on {named(node)} with {len(pods) - 1} other pods", (node)


def _accounts(scene: Scene, jump: _Jump, busy: list[Deviation]) -> Expectation:
    """Whether the workload's rise is most of the node's rise, where the node's cores are known."""
    inventory = scene.material.inventory
    cores = next((node.cpu_cores for node in inventory.nodes if node.name == jump.node), 0.0) if inventory else 0.0
    used = [each for each in busy if each.query.unit == "ratio" and each.observed > each.expected]
    claim = "its rise is most of the node's rise"
    if not cores or not used:
        return Expectation(claim, None)
    more = max((each.observed - each.expected) * cores for each in used)
    return Expectation(claim, jump.cores >= _MOST * more, 2, tuple(scene.book.deviation(each) for each in used[:1]))


def _elsewhere_calm(scene: Scene, jump: _Jump) -> Expectation:
    """Were workloads without a pod on this node starved as well, the node would not be the reason."""
    claim = "workloads on other nodes do not suffer"
    if jump.node is None:
        return Expectation(claim, None)
    elsewhere = [
        each
        for each in scene.playing(*_SUFFERING, sign=1)
        if each.finding is not None
        and _follows(each, jump.deviation)
        and (nodes := scene.graph.nodes_of(each.subject))
        and jump.node not in nodes
    ]
    evidence = tuple(scene.book.deviation(each) for each in elsewhere[:2])
    return Expectation(claim, len(elsewhere) < 2, 1, evidence)


def _has_neighbours(scene: Scene, jump: _Jump, stands: str | None) -> Expectation:
    claim = "other workloads stand on the node"
    pods = scene.material.topology.members(jump.node) if jump.node else ()
    if not pods or stands is None:
        return Expectation(claim, None)
    others = any(not scene.graph.same_workload(jump.workload, pod) for pod in pods)
    return Expectation(claim, others, 1, (stands,))
