"""Bad rollout: a workload was changed shortly before its own pods and routes began to suffer."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from fleet.inventory.change import Change, ChangeKind
from fleet.inventory.subject import Subject
from fleet.investigations.deviation import Deviation
from fleet.investigations.graph import TOLERANCE, workload_subject
from fleet.investigations.hypotheses.hypothesis import Expectation, Hypothesis
from fleet.investigations.hypotheses.pod_names import rollouts_in_names
from fleet.investigations.investigation import CauseKind
from fleet.investigations.scene import Scene, hurts
from fleet.investigations.signals import Role
from fleet.investigations.wording import clock, named, plain, span

_SOON = timedelta(minutes=30)
_CALM = timedelta(hours=1)
_SERVED = (Role.ERRORS, Role.LATENCY)


def bad_rollouts(scene: Scene) -> Iterator[Hypothesis]:
    """One hypothesis for every rollout of a workload that suffered after it."""
    reported = [change for change in scene.changes if change.kind is ChangeKind.ROLLOUT]
    for change in reported:
        yield from _judged(scene, change, (scene.book.change(change),))
    known = {scene.graph.workload_of(change.subject) for change in reported}
    for change, evidence in rollouts_in_names(scene):
        if scene.graph.workload_of(change.subject) not in known:
            yield from _judged(scene, change, evidence)


def _judged(scene: Scene, change: Change, told: tuple[str, ...]) -> Iterator[Hypothesis]:
    workload = scene.graph.workload_of(change.subject)
    if workload is None:
        return
    subject = workload_subject(scene.cluster_id, workload)
    own = [each for each in scene.of_workload(subject) if hurts(each) and each.sign != 0]
    after = [each for each in own if change.at - TOLERANCE <= each.window.start <= change.at + 2 * _SOON]
    if not after:
        return
    first = min(after, key=lambda each: each.window.start)
    worst = max(after, key=lambda each: each.strength)
    shown = tuple(dict.fromkeys(scene.book.deviation(each) for each in (first, worst)))
    lag = max(first.window.start - change.at, timedelta(0))
    name = named(subject)
    yield Hypothesis(
        kind=CauseKind.ROLLOUT,
        title=f"Rollout of {name} at {clock(change.at)}{_images(change)}",
        subject=subject,
        started_at=change.at,
        strength=worst.strength,
        horizon=2 * _SOON,
        expectations=(
            Expectation("the workload was rolled out", holds=True, weight=2, evidence=told),
            Expectation("its troubles begin within half an hour", lag <= _SOON, 2, shown, essential=True),
            _calm_before(scene, change, own),
            _served_worse(scene, after),
            _peers_well(scene, change, subject),
        ),
        story=(
            (f"{name} was rolled out at {clock(change.at)}{_images(change)}.", told),
            (
                f"Its first trouble began {span(lag)} later: {scene.book.at(shown[0]).summary}."
                if lag
                else f"Its first trouble began with it: {scene.book.at(shown[0]).summary}.",
                (*told, shown[0]),
            ),
        ),
    )


def _images(change: Change) -> str:
    return f" ({plain(change.before, 60)} → {plain(change.after, 60)})" if change.before and change.after else ""


def _calm_before(scene: Scene, change: Change, own: list[Deviation]) -> Expectation:
    earlier = [
        each
        for each in own
        if each.window.start < change.at - TOLERANCE
        and each.window.end > change.at - _CALM
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


def _peers_well(scene: Scene, change: Change, subject: Subject) -> Expectation:
    """Were other workloads' routes to worsen at the same time, the reason would lie elsewhere."""
    routes = {route for _, _, _, route in scene.series(*_SERVED) if not scene.graph.same_workload(subject, route)}
    worse = [
        each
        for each in scene.playing(*_SERVED, sign=1)
        if each.subject in routes and each.finding is not None and abs(each.window.start - change.at) <= _SOON
    ]
    holds = None if not routes else len({each.subject for each in worse}) <= len(routes) / 4
    return Expectation(
        "other workloads go on as before", holds, 1, tuple(scene.book.deviation(each) for each in worse[:2])
    )
