"""Node failure: a node stops being ready, and what stands on it goes with it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from fleet.inventory.change import ChangeKind
from fleet.inventory.subject import SubjectKind
from fleet.investigations.graph import NEAR, TOLERANCE, node_subject
from fleet.investigations.hypotheses.gaps import Silence, silences
from fleet.investigations.hypotheses.hypothesis import Expectation, Hypothesis
from fleet.investigations.investigation import CauseKind
from fleet.investigations.scene import Scene, hurts
from fleet.investigations.signals import Role
from fleet.investigations.wording import clock, named

_HORIZON = timedelta(hours=1)


def failed_nodes(scene: Scene) -> Iterator[Hypothesis]:
    """One hypothesis for every node that was seen not to be ready, or to have left."""
    down = _not_ready(scene)
    silent = silences(scene) if down else []
    for node, (since, evidence) in sorted(down.items()):
        own = [each for each in silent if each.place == node and _around(since, each.since)]
        yield _failed(scene, node, (since, evidence), own, others=len(down) - 1)


def _not_ready(scene: Scene) -> dict[str, tuple[datetime, tuple[str, ...]]]:
    """By node, since when it is not ready and what says so."""
    told: dict[str, list[tuple[datetime, str]]] = {}
    for each in scene.playing(Role.NODE_READY, sign=-1):
        told.setdefault(each.subject.name, []).append((each.window.start, scene.book.deviation(each)))
    for change in scene.changes:
        gone = change.kind is ChangeKind.NODE_LEFT or (
            change.kind is ChangeKind.NODE_CONDITION and "notready" in _squeezed(change.summary + change.after)
        )
        if gone and change.subject.kind is SubjectKind.NODE and scene.question.window.contains(change.at):
            told.setdefault(change.subject.name, []).append((change.at, scene.book.change(change)))
    return {
        node: (min(at for at, _ in rows), tuple(dict.fromkeys(evidence for _, evidence in rows)))
        for node, rows in told.items()
    }


def _squeezed(text: str) -> str:
    return text.lower().replace(" ", "")


def _around(since: datetime, at: datetime) -> bool:
    return since - TOLERANCE <= at <= since + _HORIZON


def _failed(
    scene: Scene, node: str, told: tuple[datetime, tuple[str, ...]], silent: list[Silence], others: int
) -> Hypothesis:
    subject = node_subject(scene.cluster_id, node)
    since, evidence = told
    hit = [
        each
        for each in scene.deviations
        if hurts(each)
        and _around(since, each.window.start)
        and each.subject.kind is not SubjectKind.CLUSTER
        and scene.graph.closeness(subject, each.subject) >= NEAR
        and each.query.id not in scene.material.signals.ids(Role.NODE_READY)
    ]
    name = named(subject)
    suffering = tuple(scene.book.deviation(each) for each in hit[:3])
    quiet = tuple(identifier for each in silent[:1] for identifier in each.evidence)
    return Hypothesis(
        kind=CauseKind.NODE_FAILURE,
        title=f"{name} was not ready from {clock(since)}",
        subject=subject,
        started_at=since,
        strength=1.0,
        horizon=_HORIZON,
        expectations=(
            Expectation("the node is not ready", holds=True, weight=3, evidence=evidence, essential=True),
            Expectation("what stands on it suffers", bool(hit or silent), 2, (*suffering, *quiet)),
            Expectation("other nodes are ready", others == 0, 1),
        ),
        claims=(
            *(deviation for each in silent for deviation in each.deviations),
            *(each for each in scene.playing(Role.TARGETS_UP, sign=-1) if _around(since, each.window.start)),
        ),
        story=((f"{name} was not ready from {clock(since)}.", evidence),),
    )
