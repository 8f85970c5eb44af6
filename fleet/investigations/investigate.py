"""Answers one question: what happened at this place around this time, and what probably caused it."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import NAMESPACE_URL, uuid5

from fleet.investigations.hypotheses.catalogue import GENERATORS
from fleet.investigations.investigation import Cause, Evidence, Investigation, Sentence, Symptom
from fleet.investigations.missing import missing_of
from fleet.investigations.narration import narrate
from fleet.investigations.question import Material, Question
from fleet.investigations.ranking import Ranked, rank, verdict_of
from fleet.investigations.scene import Scene, scene_of
from fleet.investigations.wording import opened


def investigate(question: Question, material: Material) -> Investigation:
    """Gathers evidence, ranks hypotheses, tells the story. Pure: the same question and material give the same answer.

    Evidence is that which symptoms, causes or sentences cite; its ids count from ``E1`` in the order of the telling.
    """
    scene = scene_of(question, material)
    ranked = rank([each for generator in GENERATORS for each in generator(scene)], scene) if scene.symptoms else []
    verdict = verdict_of(ranked)
    missing = missing_of(scene)
    unseen = [(text, scene.book.coverage(text, question.place, None)) for text in missing]
    narrative = narrate(scene, ranked, verdict, unseen)
    shown = [scene.book.deviation(each) for each in scene.symptoms]
    evidence, names = scene.book.numbered(_cited(narrative, shown, ranked, unseen))
    return Investigation(
        id=_identity(question),
        cluster_id=question.cluster_id,
        incident_id=question.incident_id,
        place=question.place,
        at=question.at,
        window=question.window,
        symptoms=_symptoms(scene, shown, evidence, names),
        evidence=evidence,
        causes=[_cause(number, each, names) for number, each in enumerate(ranked, start=1)],
        verdict=verdict,
        narrative=[
            Sentence(text=opened(each.text), evidence=[names[identifier] for identifier in each.evidence])
            for each in narrative
        ],
        missing=missing,
        created_at=material.now,
    )


def _identity(question: Question) -> str:
    """The same question has the same id, so that a rerun overwrites its answer, whatever more is seen by then."""
    place = [question.place.identity, question.place.name, question.at.isoformat(), *sorted(question.fingerprints)]
    asked = [question.incident_id] if question.incident_id else place
    window = f"{question.window.start.isoformat()}/{question.window.end.isoformat()}"
    text = "|".join([question.cluster_id, *asked, window])
    return str(uuid5(NAMESPACE_URL, f"fleetscope:investigation:{text}"))


def _cited(
    narrative: Sequence[Sentence], shown: Sequence[str], ranked: Sequence[Ranked], unseen: Sequence[tuple[str, str]]
) -> list[str]:
    """Provisional ids in the order in which a reader meets them."""
    told = [identifier for sentence in narrative for identifier in sentence.evidence]
    causes = [identifier for each in ranked for identifier in (*each.supports, *each.against)]
    return [*told, *shown, *causes, *(identifier for _, identifier in unseen)]


def _symptoms(scene: Scene, shown: Sequence[str], evidence: Sequence[Evidence], names: dict[str, str]) -> list[Symptom]:
    summaries = {each.id: each.summary for each in evidence}
    return [
        Symptom(
            summary=summaries[names[identifier]],
            subject=symptom.subject,
            started_at=symptom.window.start,
            evidence=[names[identifier]],
        )
        for symptom, identifier in zip(scene.symptoms, shown, strict=True)
    ]


def _cause(number: int, ranked: Ranked, names: dict[str, str]) -> Cause:
    cause = ranked.hypothesis
    return Cause(
        rank=number,
        kind=cause.kind,
        title=opened(cause.title),
        subject=cause.subject,
        started_at=cause.started_at,
        confidence=ranked.confidence,
        factors=ranked.factors,
        supports=[names[each] for each in ranked.supports],
        against=[names[each] for each in ranked.against],
    )
