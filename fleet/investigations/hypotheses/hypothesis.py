"""What a hypothesis is: a possible cause, and what would have to be true if it were the cause."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from fleet.frames.pack import SignalGroup
from fleet.inventory.subject import Subject
from fleet.investigations.deviation import Deviation
from fleet.investigations.investigation import CauseKind
from fleet.investigations.scene import Scene


@dataclass(frozen=True)
class Expectation:
    """Something that would have to be true.

    Attributes:
        claim: in words, for example ``a restart ends the rise``.
        holds: True or False as observed; None where it could not be seen.
        weight: how much the hypothesis rests on it.
        evidence: provisional ids of what shows it, for or against.
        essential: a hypothesis whose essential expectation fails is next to refuted.
    """

    claim: str
    holds: bool | None
    weight: float = 1.0
    evidence: tuple[str, ...] = ()
    essential: bool = False


@dataclass(frozen=True)
class Hypothesis:
    """A possible cause before it is ranked.

    Attributes:
        strength: 0..1, of the deviation that stands for the cause itself.
        horizon: how long after the cause its effects may begin; ``until`` is when the cause itself ended, after
            which it has no new effects, or None.
        effects: in which signals its effects may show.
        claims: symptoms that are part of the cause itself, wherever they stand (the series of a dead exporter).
        story: sentences about the cause, each with the provisional ids of its evidence.
    """

    kind: CauseKind
    title: str
    subject: Subject
    started_at: datetime
    strength: float
    expectations: tuple[Expectation, ...]
    horizon: timedelta = timedelta(hours=6)
    until: datetime | None = None
    effects: frozenset[SignalGroup] = frozenset(SignalGroup)
    claims: tuple[Deviation, ...] = ()
    story: tuple[tuple[str, tuple[str, ...]], ...] = field(default_factory=tuple)


Generator = Callable[[Scene], Iterator[Hypothesis]]
"""Looks at a scene and proposes the hypotheses of one kind; ranking decides what they are worth."""
