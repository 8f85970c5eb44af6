"""Where nothing more specific fits: a change shortly before, or the earliest strong deviation."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from fleet.inventory.change import Change, ChangeKind
from fleet.investigations.graph import NEAR, TOLERANCE
from fleet.investigations.hypotheses.hypothesis import Expectation, Hypothesis
from fleet.investigations.investigation import CauseKind
from fleet.investigations.scene import Scene, hurts
from fleet.investigations.wording import clock, measured, plain, span

_SHORTLY = timedelta(hours=1)
_BEFORE = timedelta(hours=2)
_EFFECTS = frozenset({ChangeKind.OOM_KILL, ChangeKind.RESTART, ChangeKind.ROLLOUT, ChangeKind.COMPONENT_HEALTH})
"""Rollouts have a hypothesis of their own; kills, restarts and degraded components are what a cause does."""
_STRONG = 0.4
_MOST = 3


def recent_changes(scene: Scene) -> Iterator[Hypothesis]:
    """One hypothesis for every change near the symptoms in the hour before the first of them."""
    for change in scene.changes:
        if change.kind in _EFFECTS or not scene.began - _SHORTLY <= change.at <= scene.began + TOLERANCE:
            continue
        near = [each for each in scene.symptoms if scene.graph.closeness(change.subject, each.subject) >= NEAR]
        if near:
            yield _changed(scene, change)


def _changed(scene: Scene, change: Change) -> Hypothesis:
    shown = scene.book.change(change)
    lag = max(scene.began - change.at, timedelta(0))
    first = min(scene.symptoms, key=lambda each: each.window.start)
    return Hypothesis(
        kind=CauseKind.CHANGE,
        title=f"{plain(change.summary)} at {clock(change.at)}",
        subject=scene.material.topology.resolve(change.subject),
        started_at=change.at,
        strength=0.5,
        horizon=_SHORTLY,
        expectations=(
            Expectation("something was changed", holds=True, weight=1, evidence=(shown,)),
            Expectation(
                "the first symptom follows within a quarter of an hour",
                lag <= timedelta(minutes=15),
                1,
                (scene.book.deviation(first),),
            ),
        ),
        story=((f"{scene.book.at(shown).summary}, {span(lag)} before the first symptom.", (shown,)),),
    )


def earliest_deviations(scene: Scene) -> Iterator[Hypothesis]:
    """Hypotheses for the earliest strong deviations near the symptoms, the symptoms themselves among them."""
    near = [
        each
        for each in scene.deviations
        if hurts(each)
        and (each.strength >= _STRONG or each.finding is not None)
        and scene.began - _BEFORE <= each.window.start <= scene.ended
        and any(scene.graph.closeness(each.subject, symptom.subject) >= NEAR for symptom in scene.symptoms)
    ]
    for each in sorted(near, key=lambda one: (one.window.start, -one.strength, one.subject.identity))[:_MOST]:
        shown = scene.book.deviation(each)
        earlier = [one for one in near if one.window.start < each.window.start - TOLERANCE]
        yield Hypothesis(
            kind=CauseKind.DEVIATION,
            title=f"{measured(each.query.title, each.subject)} from {clock(each.window.start)}",
            subject=each.subject,
            started_at=each.window.start,
            strength=each.strength,
            horizon=_BEFORE,
            claims=(each,),
            expectations=(
                Expectation("it deviates strongly", each.strength >= _STRONG, 1, (shown,)),
                Expectation(
                    "nothing near it deviated before",
                    not earlier,
                    1,
                    tuple(scene.book.deviation(one) for one in earlier[:2]),
                ),
            ),
            story=((f"The earliest strong deviation nearby: {scene.book.at(shown).summary}.", (shown,)),),
        )
