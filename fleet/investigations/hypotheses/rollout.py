"""Bad rollout: a workload was changed shortly before its own pods and routes began to suffer."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from fleet.inventory.change import Change, ChangeKind
from fleet.inventory.subject import Subject
from fleet.investigations.deviation import Deviation
from fleet.investigations.graph import TOLERANCE, workload_subject
from fleet.investigations.hypotheses.hypothesis import Expectation, Hypothesis
from fleet.investigations.hypotheses.pod_names import rollouts_in_names
from fleet.investigations.investigation import CauseKind
from fleet.investigations.scene import Scene, hurts
from fleet.investigations.signals import Role
from fleet.investigations.wording import clock, named, plain, span, when

_SOON = timedelta(minutes=30)
_CALM = timedelta(hours=1)
_SERVED = (Role.ERRORS, Role.LATENCY)


def bad_rollouts(scene: Scene) -> Iterator[Hypothesis]:
    """One hypothesis for every rollout of a workload that suffered after it."""
    reported = [change for change in scene.changes if change.kind is ChangeKind.ROLLOUT]
    for change in reported:
        yield from _judged(scene, change, (scene.book.change(change),))
    known = {scene.graph.workload_of(change.subject) for change in reported if change.not_before is None}
    for change, evidence in rollouts_in_names(scene):
        if scene.graph.workload_of(change.subject) not in known:
            yield from _judged(scene, change, evidence)


def _judged(scene: Scene, change: Change, told: tuple[str, ...]) -> Iterator[Hypothesis]:
    workload = scene.graph.workload_of(change.subject)
    if workload is None:
        return
    subject = workload_subject(scene.cluster_id, workload)
    own = [each for each in scene.of_workload(subject) if hurts(each) and each.sign != 0]
    after = [each for each in own if change.earliest - TOLERANCE <= each.window.start <= change.at + 2 * _SOON]
    if not after:
        return
    first = min(after, key=lambda each: each.window.start)
    worst = max(after, key=lambda each: each.strength)
    shown = tuple(dict.fromkeys(scene.book.deviation(each) for each in (first, worst)))
    nothing = timedelta(0)
    lag, longest = max(first.window.start - change.at, nothing), max(first.window.start - change.earliest, nothing)
    # Where only two looks date it, it may have come sooner or later than that.
    soon = True if longest <= _SOON else False if lag > _SOON else None
    started_at = min(change.at, max(change.earliest, first.window.start))
    name = named(subject)
    yield Hypothesis(
        kind=CauseKind.ROLLOUT,
        title=f"Rollout of {name} {when(change)}{_images(change)}",
        subject=subject,
        started_at=started_at,
        strength=worst.strength,
        horizon=2 * _SOON,
        expectations=(
            Expectation("the workload was rolled out", holds=True, weight=2, evidence=told),
            Expectation("its troubles begin within half an hour", soon, 2, shown, essential=True),
            _calm_before(scene, change, own),
            _served_worse(scene, after),
            _peers_well(scene, started_at, subject),
        ),
        story=(
            (f"{name} was rolled out {when(change)}{_images(change)}.", told),
            (
                f"Its first trouble began {_later(lag, longest, first)}: {scene.book.at(shown[0]).summary}.",
                (*told, shown[0]),
            ),
        ),
    )


def _later(lag: timedelta, longest: timedelta, first: Deviation) -> str:
    if lag != longest:
        return f"at {clock(first.window.start)}"
    return f"{span(lag)} later" if lag else "with it"


def _images(change: Change) -> str:
    return f" ({plain(change.before, 60)} → {plain(change.after, 60)})" if change.before and change.after else ""


def _calm_before(scene: Scene, change: Change, own: list[Deviation]) -> Expectation:
    earlier = [
        each
        for each in own
        if each.window.start < change.earliest - TOLERANCE
        and each.window.end > change.earliest - _CALM
        and each.finding is not None
    ]
    return Expectation(
        "the workload was well before",
        holds=not earlier,
        weight=2,
        evidence=tuple(scene.book.deviation(each) for each in earlier[:2]),
        essential=True,
    )


def _served_worse(scene: Scene, after: list[Deviation]) -> Expectation:
    """A bad version shows in what it serves, or in containers that do not stay up; resource use alone says less."""
    ids = scene.material.signals.ids(*_SERVED, Role.RESTARTS)
    telling = [each for each in after if each.query.id in ids or each.query.subject.kind == "workload"]
    return Expectation(
        "what it serves got worse, or its containers restart",
        holds=bool(telling),
        weight=2,
        evidence=tuple(scene.book.deviation(each) for each in telling[:3]),
    )


def _peers_well(scene: Scene, since: datetime, subject: Subject) -> Expectation:
    """Were other workloads' routes to worsen at the same time, the reason would lie elsewhere."""
    routes = {route for _, _, _, route in scene.series(*_SERVED) if not scene.graph.same_workload(subject, route)}
    worse = [
        each
        for each in scene.playing(*_SERVED, sign=1)
        if each.subject in routes and each.finding is not None and abs(each.window.start - since) <= _SOON
    ]
    holds = None if not routes else len({each.subject for each in worse}) <= len(routes) / 4
    return Expectation(
        "other workloads go on as before", holds, 1, tuple(scene.book.deviation(each) for each in worse[:2])
    )
