"""Node failure: a node stops being ready, and what stands on it goes with it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from fleet.inventory.change import Change, ChangeKind
from fleet.inventory.subject import SubjectKind
from fleet.investigations.graph import NEAR, TOLERANCE, node_subject
from fleet.investigations.hypotheses.gaps import Silence, silences
from fleet.investigations.hypotheses.hypothesis import Expectation, Hypothesis
from fleet.investigations.investigation import CauseKind
from fleet.investigations.scene import Scene, hurts
from fleet.investigations.signals import Role
from fleet.investigations.wording import clock, named, when

_HORIZON = timedelta(hours=1)


@dataclass(frozen=True)
class _Loss:
    """A node that was not ready or left: since when, how that is said, and what says so."""

    since: datetime
    words: str
    evidence: tuple[str, ...]


def failed_nodes(scene: Scene) -> Iterator[Hypothesis]:
    """One hypothesis for every node that was seen not to be ready, or to have left."""
    lost = _lost(scene)
    silent = silences(scene) if lost else []
    for node, loss in sorted(lost.items()):
        own = [each for each in silent if each.place == node and _around(loss.since, each.since)]
        yield _failed(scene, node, loss, own, others=len(lost) - 1)


def _lost(scene: Scene) -> dict[str, _Loss]:
    """By node, the earliest that says that it is gone, with all that says so."""
    told: dict[str, list[_Loss]] = {}
    for each in scene.playing(Role.NODE_READY, sign=-1):
        since = each.window.start
        loss = _Loss(since, f"was not ready from {clock(since)}", (scene.book.deviation(each),))
        told.setdefault(each.subject.name, []).append(loss)
    for change in scene.changes:
        if _is_loss(change) and change.at >= scene.question.window.start:
            words = f"was not ready from {clock(change.at)}" if change.not_before is None else f"left {when(change)}"
            loss = _Loss(change.earliest, words, (scene.book.change(change),))
            told.setdefault(change.subject.name, []).append(loss)
    return {
        node: replace(
            min(losses, key=lambda each: each.since),
            evidence=tuple(dict.fromkeys(identifier for each in losses for identifier in each.evidence)),
        )
        for node, losses in told.items()
    }


def _is_loss(change: Change) -> bool:
    if change.subject.kind is not SubjectKind.NODE:
        return False
    condition = change.kind is ChangeKind.NODE_CONDITION and "notready" in _squeezed(change.summary + change.after)
    return condition or change.kind is ChangeKind.NODE_LEFT


def _squeezed(text: str) -> str:
    return text.lower().replace(" ", "")


def _around(since: datetime, at: datetime) -> bool:
    return since - TOLERANCE <= at <= since + _HORIZON


def _failed(scene: Scene, node: str, loss: _Loss, silent: list[Silence], others: int) -> Hypothesis:
    subject = node_subject(scene.cluster_id, node)
    since, evidence = loss.since, loss.evidence
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
        title=f"{name} {loss.words}",
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
        story=((f"{name} {loss.words}.", evidence),),
    )
