"""Tells an investigation in sentences, each of which rests on evidence that it names."""

from __future__ import annotations

from collections.abc import Sequence

from fleet.investigations.investigation import CauseKind, Sentence, Verdict
from fleet.investigations.ranking import POSSIBLE, Ranked
from fleet.investigations.scene import Scene
from fleet.investigations.wording import clock, moment, named

_KINDS: dict[CauseKind, str] = {
    CauseKind.ROLLOUT: "a bad rollout",
    CauseKind.MEMORY_LEAK: "a memory leak",
    CauseKind.NOISY_NEIGHBOUR: "a noisy neighbour",
    CauseKind.DISK_FILLING: "a disk that fills up",
    CauseKind.EXPORTER_DOWN: "an exporter that is down",
    CauseKind.NODE_FAILURE: "the failure of a node",
    CauseKind.SATURATION: "a saturated resource",
    CauseKind.CHANGE: "a change",
    CauseKind.DEVIATION: "an earlier deviation",
}
_SYMPTOMS = 3
_AGAINST = 2


def narrate(
    scene: Scene, ranked: Sequence[Ranked], verdict: Verdict, missing: Sequence[tuple[str, str]]
) -> list[Sentence]:
    """The narrative, with provisional evidence ids.

    Args:
        missing: what could not be seen, each with the provisional id of its coverage evidence.
    """
    sentences = [_opening(scene)]
    if ranked:
        sentences += _best(scene, ranked[0], verdict)
        sentences += [
            _candidate(number, each) for number, each in enumerate(ranked[1:3], start=2) if each.confidence >= POSSIBLE
        ]
    sentences += [Sentence(text=text, evidence=[evidence]) for text, evidence in missing[:3]]
    return sentences


def _opening(scene: Scene) -> Sentence:
    place, at = named(scene.question.place), moment(scene.question.at)
    if not scene.symptoms:
        frame = scene.material.frame
        text = (
            f"Nothing at {place} left its usual range around {at}: {len(frame.keys)} series were looked at from "
            f"{clock(frame.window.start)} to {clock(frame.window.end)}."
        )
        return Sentence(text=text, evidence=[scene.book.coverage(text, scene.question.place, scene.question.at)])
    told = sorted(scene.symptoms, key=lambda each: each.window.start)[:_SYMPTOMS]
    evidence = [scene.book.deviation(each) for each in told]
    subjects = len({each.subject.identity for each in scene.symptoms})
    count = len(scene.symptoms)
    text = (
        f"{count} {'symptom' if count == 1 else 'symptoms'} on {subjects} {'subject' if subjects == 1 else 'subjects'} "
        f"from {moment(scene.began)}; the first: {scene.book.at(evidence[0]).summary}."
    )
    return Sentence(text=text, evidence=list(dict.fromkeys(evidence)))


def _best(scene: Scene, best: Ranked, verdict: Verdict) -> list[Sentence]:
    cause, kind = best.hypothesis, _KINDS[best.hypothesis.kind]
    opening = {
        Verdict.PROBABLE_CAUSE: f"The probable cause is {kind}",
        Verdict.SEVERAL_CANDIDATES: f"The likeliest of several candidates is {kind}",
        Verdict.NOT_ENOUGH_EVIDENCE: f"There is not enough evidence for a cause; what comes nearest is {kind}",
    }[verdict]
    sure = f"confidence {best.confidence * 100:.0f}%"
    sentences = [Sentence(text=f"{opening}: {cause.title} ({sure}).", evidence=list(best.supports[:4]))]
    sentences += [Sentence(text=text, evidence=list(evidence)) for text, evidence in cause.story]
    sentences += [
        Sentence(text=f"Against it speaks: {scene.book.at(each).summary}.", evidence=[each])
        for each in best.against[:_AGAINST]
    ]
    return sentences


def _candidate(number: int, ranked: Ranked) -> Sentence:
    return Sentence(
        text=f"Candidate {number} is {_KINDS[ranked.hypothesis.kind]}: {ranked.hypothesis.title} "
        f"(confidence {ranked.confidence * 100:.0f}%).",
        evidence=list(ranked.supports[:3]),
    )
