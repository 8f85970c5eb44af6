"""Ranks hypotheses: what each explains, when, how strongly and how near, and what speaks against it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from fleet.frames.coverage import CoverageStatus
from fleet.investigations.deviation import Deviation
from fleet.investigations.graph import NEAR, TOLERANCE
from fleet.investigations.hypotheses.hypothesis import Hypothesis
from fleet.investigations.investigation import CauseKind, Verdict
from fleet.investigations.scene import Scene

_CEILINGS: dict[CauseKind, float] = {
    CauseKind.SATURATION: 0.7,
    CauseKind.CHANGE: 0.6,
    CauseKind.DEVIATION: 0.5,
}
"""Specificity: a kind that many situations fit is never as sure as one that only its own situation fits."""
_CEILING = 0.95
_WEIGHTS = {"signature": 0.4, "explained": 0.2, "timing": 0.15, "strength": 0.15, "closeness": 0.1}
_REFUTED = 0.4
"""What is left of a confidence when an essential expectation fails."""
_UNSEEN = 0.35
"""How much of a confidence hangs on expectations that could not be checked."""
_NO_INVENTORY = 0.9
_WEAKEST = 0.15
POSSIBLE = 0.35
"""From this confidence on, a cause is worth telling."""
_LIKELY, _CLEAR = 0.6, 0.1
_MOST = 5
_SAME_PLACE = 0.9


@dataclass(frozen=True)
class Ranked:
    """A hypothesis with its confidence, the parts it was made of, and evidence (provisional ids) for and against."""

    hypothesis: Hypothesis
    confidence: float
    factors: dict[str, float]
    supports: tuple[str, ...]
    against: tuple[str, ...]


def rank(hypotheses: Sequence[Hypothesis], scene: Scene) -> list[Ranked]:
    """Hypotheses that explain at least one symptom, best first, at most five, none told twice."""
    weighed = [ranked for each in hypotheses if (ranked := _weigh(each, scene)) is not None]
    weighed.sort(key=lambda each: (-each.confidence, each.hypothesis.started_at, each.hypothesis.title))
    kept: list[Ranked] = []
    for each in weighed:
        if each.confidence >= _WEAKEST and not any(_tells(one, each, scene) for one in kept):
            kept.append(each)
    return kept[:_MOST]


def verdict_of(ranked: Sequence[Ranked]) -> Verdict:
    """How sure the best cause is, alone and beside the second."""
    if not ranked or ranked[0].confidence < POSSIBLE:
        return Verdict.NOT_ENOUGH_EVIDENCE
    second = ranked[1].confidence if len(ranked) > 1 else 0.0
    clear = ranked[0].confidence >= _LIKELY and ranked[0].confidence - second >= _CLEAR
    return Verdict.PROBABLE_CAUSE if clear else Verdict.SEVERAL_CANDIDATES


def _weigh(hypothesis: Hypothesis, scene: Scene) -> Ranked | None:
    explained = [(symptom, weight) for symptom in scene.symptoms if (weight := _weight(hypothesis, symptom, scene)) > 0]
    if not explained:
        return None
    earlier = [
        symptom
        for symptom in scene.symptoms
        if symptom.window.start < hypothesis.started_at - TOLERANCE and symptom not in hypothesis.claims
    ]
    factors = {
        "signature": _signature(hypothesis),
        "explained": sum(symptom.strength * min(1.0, weight / NEAR) for symptom, weight in explained)
        / max(sum(symptom.strength for symptom in scene.symptoms), 1e-9),
        "timing": _timing(hypothesis, explained) * (1 - len(earlier) / len(scene.symptoms)),
        "strength": hypothesis.strength,
        "closeness": max(weight for _, weight in explained),
    }
    refuted = sum(each.essential and each.holds is False for each in hypothesis.expectations)
    confidence = (
        _CEILINGS.get(hypothesis.kind, _CEILING)
        * sum(_WEIGHTS[name] * value for name, value in factors.items())
        * _REFUTED**refuted
        * (1 - _UNSEEN * _unseen(hypothesis))
        * _visibility(scene)
    )
    supports = [identifier for each in hypothesis.expectations if each.holds for identifier in each.evidence]
    against = [identifier for each in hypothesis.expectations if each.holds is False for identifier in each.evidence]
    told = [identifier for _, evidence in hypothesis.story for identifier in evidence]
    against += [scene.book.deviation(symptom) for symptom in earlier[:2]]
    supports = list(dict.fromkeys([*told, *supports]))
    return Ranked(
        hypothesis=hypothesis,
        confidence=round(min(max(confidence, 0.0), 1.0), 3),
        factors={name: round(min(max(value, 0.0), 1.0), 3) for name, value in factors.items()},
        supports=tuple(supports),
        against=tuple(each for each in dict.fromkeys(against) if each not in supports),
    )


def _weight(hypothesis: Hypothesis, symptom: Deviation, scene: Scene) -> float:
    if symptom in hypothesis.claims:
        return 1.0
    late = hypothesis.until is not None and symptom.window.start > hypothesis.until + TOLERANCE
    if late or symptom.query.group not in hypothesis.effects:
        return 0.0
    return scene.graph.weight(hypothesis.subject, hypothesis.started_at, symptom, hypothesis.horizon)


def _signature(hypothesis: Hypothesis) -> float:
    """Share of what would have to be true that is, by weight, among what could be checked."""
    checked = [each for each in hypothesis.expectations if each.holds is not None]
    return sum(each.weight for each in checked if each.holds) / max(sum(each.weight for each in checked), 1e-9)


def _unseen(hypothesis: Hypothesis) -> float:
    """Share of the expectations, by weight, that could not be checked."""
    unseen = sum(each.weight for each in hypothesis.expectations if each.holds is None)
    return unseen / max(sum(each.weight for each in hypothesis.expectations), 1e-9)


def _timing(hypothesis: Hypothesis, explained: Sequence[tuple[Deviation, float]]) -> float:
    """1 while effects follow within a third of the horizon, falling to 0.3 at its end."""
    first = min(symptom.window.start for symptom, _ in explained)
    share = max(first - hypothesis.started_at, timedelta(0)) / hypothesis.horizon
    return 1.0 if share <= 1 / 3 else max(0.3, 1 - 1.05 * (share - 1 / 3))


def _visibility(scene: Scene) -> float:
    """What is left of any confidence with what could not be seen at all."""
    queries = [each for row in scene.material.coverage for each in row.queries]
    blind = {CoverageStatus.UNKNOWN, CoverageStatus.PARTIAL}
    share = sum(each.status in blind for each in queries) / len(queries) if queries else 0.0
    return (1 - 0.3 * share) * (1.0 if scene.material.inventory is not None else _NO_INVENTORY)


def _tells(better: Ranked, other: Ranked, scene: Scene) -> bool:
    """Whether a better hypothesis already tells what another says: the same, or a general one at the same place."""
    one, two = better.hypothesis, other.hypothesis
    if one.kind is two.kind:
        return one.subject.identity == two.subject.identity
    if two.kind not in _CEILINGS or (one.kind in _CEILINGS and one.kind is not CauseKind.SATURATION):
        return False
    if two.kind is CauseKind.DEVIATION and any(_weight(one, each, scene) >= NEAR for each in two.claims):
        return True
    claimed = any(claim.subject == two.subject for claim in one.claims)
    near = claimed or scene.graph.closeness(one.subject, two.subject) >= _SAME_PLACE
    return near and two.started_at >= one.started_at - TOLERANCE
