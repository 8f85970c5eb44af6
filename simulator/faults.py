"""Where and when faults are planted, and the harmless events beside them."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

from simulator.layout import Layout, Node, Workload
from simulator.options import FaultKind
from simulator.randomness import stream

MINUTE = 60
HOUR = 3600
DAY = 24 * HOUR
FOREVER = float("inf")


@dataclass(frozen=True)
class Fault:
    """A planted fault. Times are Unix seconds (UTC); ``end`` is infinite while it goes on.

    ``workload`` or ``node`` is the place; ``device`` the disk of DISK_FILLING; ``climb_seconds`` how long the ramp
    of a leak or of a filling disk takes.
    """

    id: str
    cluster: str
    kind: FaultKind
    start: float
    end: float
    workload: Workload | None = None
    node: Node | None = None
    device: str = ""
    climb_seconds: float = 0.0


@dataclass(frozen=True)
class Rollout:
    """A Deployment's template changes: a new image, or with ``back`` the one before."""

    workload: Workload
    at: float
    back: bool = False


@dataclass(frozen=True)
class Scaling:
    """A workload gets one replica more for a while."""

    workload: Workload
    at: float
    end: float


@dataclass(frozen=True)
class Restart:
    """A container ends and starts again in place; ``reason`` is Kubernetes' word (OOMKilled, Error, Completed)."""

    workload: Workload
    ordinal: int
    at: float
    reason: str
    exit_code: int


@dataclass(frozen=True)
class Story:
    """Everything that happens in one cluster, in no order."""

    faults: tuple[Fault, ...] = ()
    rollouts: tuple[Rollout, ...] = ()
    scalings: tuple[Scaling, ...] = ()
    restarts: tuple[Restart, ...] = ()

    def only(self, fault: Fault, anchor: float) -> Story:
        """The part of the story that belongs to one fault."""
        return _story_of(fault, anchor)


def spread(seed: int, clusters: list[str], kinds: tuple[FaultKind, ...] | None) -> dict[str, list[FaultKind]]:
    """Which kinds of faults each faulty cluster gets, in order of time.

    With the default mix (None) all five kinds are planted and two clusters in five are faulty, at least two where there
    are three. Named kinds are planted once each.
    """
    draws = stream(seed, "spread")
    order = draws.sample(clusters, len(clusters))
    wanted = list(FaultKind if kinds is None else kinds)
    if not wanted:
        return {}
    faulty = max(1, min(2, len(clusters) - 1)) if len(clusters) < 3 else max(2, round(len(clusters) * 0.4))
    if kinds is None:
        wanted += [wanted[index % len(wanted)] for index in range(faulty - len(wanted))]
    draws.shuffle(wanted)
    plan: dict[str, list[FaultKind]] = {}
    for index, kind in enumerate(wanted):
        plan.setdefault(order[index % faulty], []).append(kind)
    return plan


def plan_story(layout: Layout, kinds: list[FaultKind], anchor: float, *, ongoing: bool) -> Story:
    """A cluster's story: its faults at separate times and places, and harmless events.

    Args:
        layout: the cluster.
        kinds: its faults in order of time.
        anchor: Unix seconds; the faults lie in the 24 hours before, from the third hour on.
        ongoing: whether the last fault goes on at the anchor.
    """
    draws = stream(layout.seed, layout.cluster, "story", int(anchor))
    free = _Places(layout, draws)
    slot = 21 * HOUR / max(1, len(kinds))
    faults = []
    for index, kind in enumerate(kinds):
        begin = anchor - 22 * HOUR + index * slot
        last = index == len(kinds) - 1
        start, end, climb = _times(kind, begin, slot, draws, forever=last and ongoing)
        name = f"{layout.cluster}-{index + 1}-{kind.value}"
        place = _place(layout, kind, draws, free)
        faults.append(Fault(name, layout.cluster, kind, start, end, climb_seconds=climb, **place))
    harmless = _harmless(layout, faults, anchor, draws, free)
    own = [_story_of(fault, anchor) for fault in faults]
    return Story(
        tuple(faults),
        (*harmless.rollouts, *(rollout for story in own for rollout in story.rollouts)),
        harmless.scalings,
        (*harmless.restarts, *(restart for story in own for restart in story.restarts)),
    )


def _story_of(fault: Fault, anchor: float) -> Story:
    """A fault and the rollouts and restarts that belong to it."""
    rollouts: list[Rollout] = []
    restarts: list[Restart] = []
    if fault.kind is FaultKind.BAD_ROLLOUT and fault.workload:
        rollouts.append(Rollout(fault.workload, fault.start))
        if fault.end != FOREVER:
            rollouts.append(Rollout(fault.workload, fault.end, back=True))
    if fault.kind is FaultKind.MEMORY_LEAK and fault.workload:
        restarts += [Restart(fault.workload, 0, at, "OOMKilled", 137) for at in oom_kills(fault, anchor)]
    return Story((fault,), tuple(rollouts), (), tuple(restarts))


def oom_kills(fault: Fault, anchor: float) -> list[float]:
    """When a leak ends in a kill (Unix seconds): each time it is at the limit, up to a day after the anchor."""
    kills, at = [], fault.start + fault.climb_seconds
    while at < min(fault.end, anchor + DAY):
        kills.append(at)
        at += fault.climb_seconds
    return kills


def pressure_from(fault: Fault) -> float:
    """When a filling disk makes its node report DiskPressure (Unix seconds)."""
    return fault.start + 0.9 * fault.climb_seconds


class _Places:
    """Workloads and nodes that no fault has taken yet."""

    def __init__(self, layout: Layout, draws: random.Random) -> None:
        self._layout = layout
        self._draws = draws
        self._taken: set[object] = set()

    def workload(self, suitable: list[Workload]) -> Workload:
        """One of them that is free."""
        chosen = self._draws.choice([each for each in suitable if each.key not in self._taken] or suitable)
        self._taken.add(chosen.key)
        return chosen

    def node(self, avoid: set[str]) -> Node:
        """A worker that is free, else any node that is."""
        nodes = sorted(self._layout.nodes, key=lambda node: (node.control_plane, self._draws.random()))
        usable = [node for node in nodes if node.name not in self._taken | avoid] or nodes
        self._taken.add(usable[0].name)
        return usable[0]


def _times(
    kind: FaultKind, begin: float, slot: float, draws: random.Random, *, forever: bool
) -> tuple[float, float, float]:
    """Start, end and climb of a fault within a stretch of ``slot`` seconds; all in seconds."""
    climb = 0.0
    length = min(slot * 0.5, draws.uniform(1.4, 2.4) * HOUR)
    if kind is FaultKind.MEMORY_LEAK:
        climb = _scrape(min(slot * 0.65, draws.uniform(3, 4.5) * HOUR))
        length = climb + 5 * MINUTE
    elif kind is FaultKind.DISK_FILLING:
        climb = _scrape(min(slot * 0.55, draws.uniform(3, 5) * HOUR))
        length = climb + min(slot * 0.1, draws.uniform(0.5, 1) * HOUR)
    start = begin + draws.uniform(0.1, 0.6) * (slot - length)
    if forever and not climb:
        start = begin + slot + HOUR - draws.uniform(1.2, 2.4) * HOUR
    start = _scrape(start)
    return start, FOREVER if forever else _scrape(start + length), climb


def _place(layout: Layout, kind: FaultKind, draws: random.Random, free: _Places) -> dict[str, Any]:
    applications = [each for each in layout.workloads if each.kind == "Deployment" and not each.batch]
    if kind is FaultKind.NOISY_NEIGHBOUR:
        return {"workload": free.workload([each for each in layout.workloads if each.batch])}
    if kind is FaultKind.BAD_ROLLOUT:
        return {"workload": free.workload([each for each in applications if each.routed])}
    if kind is FaultKind.MEMORY_LEAK:
        platform = {layout.workloads[index].key for index in range(4)}
        return {"workload": free.workload([each for each in applications if each.key not in platform])}
    noisy = {place for each in layout.workloads if each.batch for place in each.places[:1]}
    node = free.node(noisy)
    if kind is FaultKind.DISK_FILLING:
        return {"node": node, "device": draws.choice(node.devices)}
    return {"node": node}


def _harmless(layout: Layout, faults: list[Fault], anchor: float, draws: random.Random, free: _Places) -> Story:
    """Rollouts, scalings and restarts that hurt nobody: some in the past weeks, some shortly before a fault."""
    deployments = [each for each in layout.workloads if each.kind == "Deployment" and not each.batch]
    rollouts = [Rollout(free.workload(deployments), _scrape(anchor - draws.uniform(3, 20) * DAY))]
    near = [fault.start - draws.uniform(15, 50) * MINUTE for fault in faults[:1]]
    for at in near or [anchor - draws.uniform(3, 20) * HOUR]:
        rollouts.append(Rollout(free.workload(deployments), _scrape(at)))
    scaled = free.workload(deployments)
    at = _scrape(anchor - draws.uniform(4, 20) * HOUR)
    scalings = [Scaling(scaled, at, _scrape(at + draws.uniform(1.5, 3) * HOUR))]
    restarts = []
    for day in range(1, 21):
        if draws.random() < 0.3:
            workload = draws.choice(deployments)
            at = _scrape(anchor - day * DAY + draws.uniform(0, 0.95) * DAY)
            restarts.append(Restart(workload, 0, at, "Error", 1))
    return Story((), tuple(rollouts), tuple(scalings), tuple(restarts))


def _scrape(at: float) -> float:
    """The time rounded down to a half minute, when samples are taken."""
    return at // 30 * 30
