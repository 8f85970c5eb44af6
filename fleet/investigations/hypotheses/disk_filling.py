"""Disk filling: the used share of one file system or volume climbs for long, until the node feels the pressure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from fleet.frames.frame import SeriesKey
from fleet.frames.pack import PackQuery, SignalGroup
from fleet.inventory.change import ChangeKind
from fleet.inventory.subject import Subject
from fleet.investigations.deviation import Deviation
from fleet.investigations.graph import NEAR
from fleet.investigations.hypotheses.hypothesis import Expectation, Hypothesis
from fleet.investigations.investigation import CauseKind
from fleet.investigations.rises import Rise, noticed_start, sustained_rise
from fleet.investigations.scene import Scene
from fleet.investigations.signals import Role
from fleet.investigations.wording import clock, measured, named, quantity, span

_EFFECTS = frozenset(
    {
        SignalGroup.STORAGE,
        SignalGroup.NODES,
        SignalGroup.WORKLOADS,
        SignalGroup.INGRESS,
        SignalGroup.CONTROL_PLANE,
        SignalGroup.SERVICE_LEVELS,
    }
)
_LONG_HOURS = 0.5
_STRAIGHT = 0.8
_GROWTH = 0.03
"""A rise by less than three points of a hundred is what every day brings."""
_FULL = 0.85
_PRESSED = 0.93
_DAY_HOURS = 24.0


def filling_disks(scene: Scene) -> Iterator[Hypothesis]:
    """One hypothesis for every file system or volume that deviates and climbs."""
    suspects = {each.key: each for each in reversed(scene.playing(Role.DISK_SPACE, sign=1))}
    rises: dict[SeriesKey, tuple[Rise, PackQuery, Subject]] = {}
    for _, key, query, subject in scene.series(Role.DISK_SPACE):
        if key in suspects:
            rise = sustained_rise(scene.material, key, scene.began, scene.ended)
            scale = 100.0 if query.unit == "percent" else 1.0
            if rise is not None and rise.high - rise.low >= _GROWTH * scale:
                rises[key] = (rise, query, subject)
    for key, (rise, query, subject) in rises.items():
        yield _filling(scene, key, (rise, query, subject), suspects[key], others=len(rises) - 1)


def _filling(
    scene: Scene, key: SeriesKey, climb: tuple[Rise, PackQuery, Subject], left: Deviation, others: int
) -> Hypothesis:
    rise, query, subject = climb
    name, unit = named(subject), query.unit
    scale = 100.0 if unit == "percent" else 1.0
    climbed = (
        f"{measured(query.title, subject)} climbed from {quantity(rise.low, unit)} to {quantity(rise.high, unit)} in "
        f"{span(rise.length)}"
    )
    shown = scene.book.series(
        query,
        key,
        rise.window,
        subject=subject,
        summary=f"{climbed}, until {clock(rise.window.end)}",
        values={"low": rise.low, "high": rise.high, "per_hour": rise.per_hour, "fit": rise.fit, "hours": rise.hours},
    )
    hours_left = (scale - rise.high) / rise.per_hour
    full = rise.high >= _FULL * scale or hours_left <= _DAY_HOURS
    rest = "" if rise.fell else f"; at that pace it is full {span(timedelta(hours=max(hours_left, 0)))} later"
    pressed = _pressure(scene, subject, rise, rise.high / scale)
    felt: tuple[tuple[str, tuple[str, ...]], ...] = ()
    if pressed.holds:
        felt = ((f"The node felt it: {scene.book.at(pressed.evidence[0]).summary}.", pressed.evidence[:1]),)
    return Hypothesis(
        kind=CauseKind.DISK_FILLING,
        title=f"{name} is filling up: {quantity(rise.low, unit)} to {quantity(rise.high, unit)} in {span(rise.length)}",
        subject=subject,
        started_at=noticed_start(rise, [left]),
        strength=min(1.0, (rise.high - rise.low) / scale * 4),
        horizon=timedelta(days=2),
        until=left.window.end,
        effects=_EFFECTS,
        expectations=(
            Expectation(
                "the used share climbs steadily",
                rise.hours >= _LONG_HOURS and rise.fit >= _STRAIGHT,
                3,
                (shown,),
                essential=True,
            ),
            Expectation("it leaves its usual range", holds=True, weight=1, evidence=(scene.book.deviation(left),)),
            Expectation("it is nearly full, or will be within a day", full, 2, (shown,)),
            pressed,
            Expectation("other disks do not climb alike", others < 3, 1),
        ),
        story=((f"{climbed}, from {clock(rise.window.start)}{rest}.", (shown,)), *felt),
    )


def _pressure(scene: Scene, subject: Subject, rise: Rise, share: float) -> Expectation:
    """Disk pressure or evictions on the node after the climb began; below the kubelet's limits none is due."""
    pressed = [
        each
        for each in scene.playing(Role.NODE_PRESSURE, sign=1)
        if "disk" in (each.subject.part or "").lower()
        and each.window.start >= rise.window.start
        and scene.graph.closeness(subject, each.subject) >= NEAR
    ]
    told = [
        change
        for change in scene.changes
        if change.at >= rise.window.start
        and (change.kind is ChangeKind.EVICTION or "diskpressure" in f"{change.summary}{change.after}".lower())
        and change.kind in {ChangeKind.EVICTION, ChangeKind.NODE_CONDITION, ChangeKind.EVENT}
        and scene.graph.closeness(subject, change.subject) >= NEAR
    ]
    evidence = (
        *(scene.book.deviation(each) for each in pressed[:1]),
        *(scene.book.change(change) for change in told[:1]),
    )
    holds = True if evidence else (False if share >= _PRESSED else None)
    return Expectation("the node reports disk pressure", holds, 1, evidence)
