"""Memory leak: a container's memory climbs for long, and a restart or an OOM kill ends the climb."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from fleet.frames.frame import SeriesKey
from fleet.frames.pack import PackQuery, SignalGroup
from fleet.inventory.change import ChangeKind
from fleet.inventory.subject import Subject
from fleet.investigations.graph import TOLERANCE, workload_subject
from fleet.investigations.hypotheses.hypothesis import Expectation, Hypothesis
from fleet.investigations.investigation import CauseKind
from fleet.investigations.rises import Rise, noticed_start, sustained_rise
from fleet.investigations.scene import Scene
from fleet.investigations.signals import Role
from fleet.investigations.wording import clock, named, quantity, span

_MEMORY = (Role.CONTAINER_MEMORY, Role.MEMORY_OF_LIMIT)
_KILLED = frozenset({ChangeKind.OOM_KILL, ChangeKind.RESTART})
_EFFECTS = frozenset(
    {
        SignalGroup.MEMORY,
        SignalGroup.WORKLOADS,
        SignalGroup.INGRESS,
        SignalGroup.NODES,
        SignalGroup.SERVICE_LEVELS,
    }
)
_LONG_HOURS = 1.0
_STRAIGHT = 0.8
_GROWTH = 1.2
"""A rise by less than a fifth is what caches and days do."""
_NEAR_LIMIT = 0.9
_AFTER = timedelta(minutes=20)


@dataclass(frozen=True)
class _Climb:
    """A climbing series of a workload and what it rests on."""

    rise: Rise
    query: PackQuery
    key: SeriesKey
    subject: Subject


def memory_leaks(scene: Scene) -> Iterator[Hypothesis]:
    """One hypothesis for every workload whose memory climbs and leaves its usual range or ends in a kill."""
    climbs = _climbs(scene)
    for workload, own in sorted(climbs.items()):
        # The relative series shows the limit, the absolute one the amount: the absolute leads where both climb.
        lead = max(own, key=lambda each: (each.query.unit == "bytes", each.rise.high - each.rise.low))
        yield _leak(scene, workload_subject(scene.cluster_id, workload), lead, own, others=len(climbs) - 1)


def _climbs(scene: Scene) -> dict[tuple[str, str], list[_Climb]]:
    suspects = _suspects(scene)
    climbs: defaultdict[tuple[str, str], list[_Climb]] = defaultdict(list)
    for _, key, query, subject in scene.series(*_MEMORY):
        workload = scene.graph.workload_of(subject)
        if workload is None or workload not in suspects:
            continue
        rise = sustained_rise(scene.material, key, scene.began, scene.ended)
        if rise is not None and rise.high >= _GROWTH * max(rise.low, 0) and rise.fit >= _STRAIGHT / 2:
            climbs[workload].append(_Climb(rise, query, key, subject))
    return climbs


def _suspects(scene: Scene) -> set[tuple[str, str] | None]:
    """Workloads whose memory left its usual range, or whose containers were killed: only their series are fitted."""
    noticed = scene.playing(*_MEMORY, Role.OOM_KILLS, Role.RESTARTS, sign=1)
    killed = [change.subject for change in scene.changes if change.kind is ChangeKind.OOM_KILL]
    return {scene.graph.workload_of(subject) for subject in [*(each.subject for each in noticed), *killed]}


def _leak(scene: Scene, workload: Subject, lead: _Climb, own: list[_Climb], others: int) -> Hypothesis:
    rise, name = lead.rise, named(workload)
    climbed = (
        f"Memory of {named(lead.subject)} climbed from {quantity(rise.low, lead.query.unit)} to "
        f"{quantity(rise.high, lead.query.unit)} in {span(rise.length)}, "
        f"{quantity(rise.per_hour, lead.query.unit)} an hour"
    )
    shown = scene.book.series(
        lead.query,
        lead.key,
        rise.window,
        subject=lead.subject,
        summary=f"{climbed}, until {clock(rise.window.end)}",
        values={"low": rise.low, "high": rise.high, "per_hour": rise.per_hour, "fit": rise.fit, "hours": rise.hours},
    )
    killed = _ending(scene, workload, rise)
    left = scene.of_workload(workload, scene.playing(*_MEMORY, sign=1))
    ending: tuple[tuple[str, tuple[str, ...]], ...] = ()
    if killed.holds:
        ending = ((f"The climb ended so: {scene.book.at(killed.evidence[0]).summary}.", killed.evidence[:1]),)
    return Hypothesis(
        kind=CauseKind.MEMORY_LEAK,
        title=f"Memory leak in {name}: {quantity(rise.low, lead.query.unit)} to "
        f"{quantity(rise.high, lead.query.unit)} in {span(rise.length)}",
        subject=workload,
        started_at=noticed_start(rise, left),
        strength=min(1.0, (rise.high - rise.low) / max(4 * rise.noise, 1e-9) / 4),
        horizon=timedelta(days=2),
        until=rise.window.end + _AFTER,
        effects=_EFFECTS,
        expectations=(
            Expectation(
                "memory climbs steadily for more than an hour",
                rise.hours >= _LONG_HOURS and rise.fit >= _STRAIGHT,
                3,
                (shown,),
                essential=True,
            ),
            Expectation(
                "memory leaves its usual range", bool(left), 1, tuple(scene.book.deviation(each) for each in left[:1])
            ),
            killed,
            _at_limit(scene, own),
            Expectation("other workloads do not climb alike", others < 3, 1),
        ),
        story=((f"{climbed}, from {clock(rise.window.start)} to {clock(rise.window.end)}.", (shown,)), *ending),
    )


def _ending(scene: Scene, workload: Subject, rise: Rise) -> Expectation:
    """A restart or kill where the climb ends; while it still climbs, that cannot be known."""
    end = rise.window.end
    kills = [
        change
        for change in scene.changes
        if change.kind in _KILLED
        and end - _AFTER <= change.at <= end + _AFTER
        and scene.graph.same_workload(workload, change.subject)
    ]
    counted = [
        each
        for each in scene.of_workload(workload, scene.playing(Role.OOM_KILLS, Role.RESTARTS, sign=1))
        if end - _AFTER <= each.window.start <= end + _AFTER
    ]
    evidence = (
        *(scene.book.change(change) for change in kills[:2]),
        *(scene.book.deviation(each) for each in counted[:2]),
    )
    climbing_on = end >= scene.material.frame.window.end - TOLERANCE
    holds = True if evidence else (None if climbing_on else False)
    return Expectation("an OOM kill or a restart ends the climb", holds, 3, evidence)


def _at_limit(scene: Scene, own: list[_Climb]) -> Expectation:
    limited = [each for each in own if each.query.id in scene.material.signals.ids(Role.MEMORY_OF_LIMIT)]
    if not limited:
        return Expectation("memory comes near its limit", None)
    highest = max(limited, key=lambda each: each.rise.high)
    share = quantity(highest.rise.high, highest.query.unit)
    shown = scene.book.series(
        highest.query,
        highest.key,
        highest.rise.window,
        subject=highest.subject,
        summary=f"Memory of {named(highest.subject)} came to {share} of its limit",
        values={"low": highest.rise.low, "high": highest.rise.high},
    )
    scale = 100.0 if highest.query.unit == "percent" else 1.0
    return Expectation("memory comes near its limit", highest.rise.high >= _NEAR_LIMIT * scale, 1, (shown,))
