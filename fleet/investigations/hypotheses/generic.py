"""Where nothing more specific fits: a change shortly before, or the earliest strong deviation."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from fleet.inventory.change import Change, ChangeKind
from fleet.investigations.graph import NEAR, TOLERANCE
from fleet.investigations.hypotheses.hypothesis import Expectation, Hypothesis
from fleet.investigations.investigation import CauseKind
from fleet.investigations.scene import Scene, hurts
from fleet.investigations.wording import clock, measured, plain, span, when

_SHORTLY = timedelta(hours=1)
_SOON = timedelta(minutes=15)
_BEFORE = timedelta(hours=2)
_EFFECTS = frozenset({ChangeKind.OOM_KILL, ChangeKind.RESTART, ChangeKind.ROLLOUT, ChangeKind.COMPONENT_HEALTH})
"""Rollouts have a hypothesis of their own; kills, restarts and degraded components are what a cause does."""
_STRONG = 0.4
_MOST = 3


def recent_changes(scene: Scene) -> Iterator[Hypothesis]:
    """One hypothesis for every change near the symptoms that was, or can have been, in the hour before the first."""
    for change in scene.changes:
        if change.kind in _EFFECTS or not _shortly_before(scene.began, change):
            continue
        near = [each for each in scene.symptoms if scene.graph.closeness(change.subject, each.subject) >= NEAR]
        if near:
            yield _changed(scene, change)


def _shortly_before(began: datetime, change: Change) -> bool:
    return change.earliest <= began + TOLERANCE and change.at >= began - _SHORTLY


def _changed(scene: Scene, change: Change) -> Hypothesis:
    shown = scene.book.change(change)
    nothing = timedelta(0)
    lag, longest = max(scene.began - change.at, nothing), max(scene.began - change.earliest, nothing)
    # Where only two looks date it, it may have come sooner or later than that.
    soon = True if longest <= _SOON else False if lag > _SOON else None
    first = min(scene.symptoms, key=lambda each: each.window.start)
    follows = f"{span(lag)} before the first symptom" if lag == longest else "the first symptom came at"
    follows += "" if lag == longest else f" {clock(scene.began)}"
    return Hypothesis(
        kind=CauseKind.CHANGE,
        title=f"{plain(change.summary)} {when(change)}",
        subject=scene.material.topology.resolve(change.subject),
        started_at=min(change.at, max(change.earliest, scene.began)),
        # The longer the time between the looks, the less it says that the symptoms began in it.
        strength=0.5 * min(1.0, _SHORTLY / max(change.at - change.earliest, _SHORTLY)),
        horizon=_SHORTLY,
        expectations=(
            Expectation("something was changed", holds=True, weight=1, evidence=(shown,)),
            Expectation(
                "the first symptom follows within a quarter of an hour",
                soon,
                1,
                (scene.book.deviation(first),),
            ),
        ),
        story=((f"{scene.book.at(shown).summary}; {follows}.", (shown,)),),
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
