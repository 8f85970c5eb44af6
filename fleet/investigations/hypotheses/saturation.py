"""Saturation: a resource with an end comes near it, and what uses it suffers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from fleet.frames.pack import Direction, PackQuery, QueryKind
from fleet.investigations.deviation import Deviation
from fleet.investigations.graph import NEAR, TOLERANCE
from fleet.investigations.hypotheses.hypothesis import Expectation, Hypothesis
from fleet.investigations.investigation import CauseKind
from fleet.investigations.scene import Scene, hurts
from fleet.investigations.signals import Role
from fleet.investigations.wording import clock, measured, quantity

_NOT_RESOURCES = (Role.ERRORS, Role.LATENCY, Role.THROTTLING, Role.TARGETS_UP)
_HORIZON = timedelta(hours=2)
_FULL = 0.9
_MOST = 5


def saturations(scene: Scene) -> Iterator[Hypothesis]:
    """Hypotheses for the strongest shares of a resource that came near their end."""
    effects = scene.material.signals.ids(*_NOT_RESOURCES)
    full = [
        each
        for each in scene.deviations
        if each.sign > 0
        and each.query.kind is QueryKind.RATIO
        and each.query.direction is Direction.UP
        and each.query.id not in effects
        and each.window.end >= scene.began - _HORIZON
        and each.observed >= _end_of(each.query)
    ]
    for each in sorted(full, key=lambda one: (-one.strength, one.window.start, one.subject.identity))[:_MOST]:
        yield _saturated(scene, each)


def _end_of(query: PackQuery) -> float:
    """The level from which a resource counts as used up: the pack's warning, else nine tenths."""
    scale = 100.0 if query.unit == "percent" else 1.0
    return query.thresholds.warning or query.thresholds.critical or _FULL * scale


def _saturated(scene: Scene, full: Deviation) -> Hypothesis:
    since, shown = full.window.start, scene.book.deviation(full)
    suffering = [
        each
        for each in scene.deviations
        if hurts(each)
        and each.subject != full.subject
        and since - TOLERANCE <= each.window.start <= since + _HORIZON
        and scene.graph.closeness(full.subject, each.subject) >= NEAR
    ]
    before = [each for each in suffering if each.window.start < since]
    name = f"{measured(full.query.title, full.subject)}"
    return Hypothesis(
        kind=CauseKind.SATURATION,
        title=f"{name} came to {quantity(full.observed, full.query.unit)} from {clock(since)}",
        subject=full.subject,
        started_at=since,
        strength=full.strength,
        horizon=_HORIZON,
        expectations=(
            Expectation("the resource comes near its end", holds=True, weight=2, evidence=(shown,)),
            Expectation(
                "what uses it suffers from then on",
                bool(suffering),
                2,
                tuple(scene.book.deviation(each) for each in suffering[:3]),
            ),
            Expectation(
                "nothing near it suffered before",
                not before,
                1,
                tuple(scene.book.deviation(each) for each in before[:2]),
            ),
        ),
        story=((f"{scene.book.at(shown).summary}.", (shown,)),),
    )
