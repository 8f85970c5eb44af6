"""Grades: how a cluster is, from A to F, and NOT_GRADED where nothing was seen or judged."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from pydantic import BaseModel

from fleet.findings.finding import FindingState
from fleet.findings.incident import Incident, Phase
from fleet.frames.coverage import Coverage, CoverageStatus
from fleet.frames.pack import Severity

MIN_COVERAGE = 0.8
"""Below this share of what was asked, a cluster is not called better than C."""
_SEEN = {CoverageStatus.OK: 1.0, CoverageStatus.PARTIAL: 0.5, CoverageStatus.UNKNOWN: 0.0}


class Letter(StrEnum):
    """A: nothing open but hints. B: warnings. C: warnings that users feel, or too little seen. D: critical.
    F: critical, and users feel it. NOT_GRADED: nothing was seen, or it was not judged.
    """

    A = "A"
    B = "B"
    C = "C"
    D = "D"
    F = "F"
    NOT_GRADED = "not graded"

    @property
    def trouble(self) -> int:
        """For lists that begin with the worst: 0 for A, 5 for F; what was not seen may be bad and comes before C."""
        return [Letter.A, Letter.B, Letter.C, Letter.NOT_GRADED, Letter.D, Letter.F].index(self)


class Grade(BaseModel):
    """A cluster's grade, why, and the share (0..1) of what was asked that was seen."""

    letter: Letter
    reason: str
    coverage: float


def grade_cluster(incidents: Sequence[Incident], coverage: Sequence[Coverage], *, judged: bool = True) -> Grade:
    """The grade of one cluster.

    Args:
        incidents: of the cluster; resolved ones do not count. One that has ended counts until that is sure, so that
            the grade does not flap.
        coverage: every chunk that was asked for in the window.
        judged: whether what was seen was judged at all: a scan can fail behind its collection.
    """
    share = coverage_share(coverage)
    if share is None or share == 0:
        return Grade(letter=Letter.NOT_GRADED, reason="Nothing was seen of this cluster.", coverage=0.0)
    if not judged:
        return Grade(letter=Letter.NOT_GRADED, reason="What was seen could not be judged.", coverage=share)
    letter, reason = _by_incidents([each for each in incidents if each.state is not FindingState.RESOLVED])
    if share < MIN_COVERAGE and letter in {Letter.A, Letter.B}:
        return Grade(letter=Letter.C, reason=f"Only {_percent(share)} of what was asked was seen.", coverage=share)
    return Grade(letter=letter, reason=reason, coverage=share)


def coverage_share(coverage: Sequence[Coverage]) -> float | None:
    """Share of the asked queries and chunks that was seen; what the cluster does not have is left out.

    None where nothing was asked, or where the cluster has nothing of what was asked.
    """
    weights = [_SEEN[status] for chunk in coverage for status in _statuses(chunk) if status in _SEEN]
    return sum(weights) / len(weights) if weights else None


def distribution(grades: Sequence[Grade]) -> dict[Letter, int]:
    """The fleet's grade: how many clusters have which letter, all letters in order."""
    return {letter: sum(grade.letter is letter for grade in grades) for letter in Letter}


def _statuses(chunk: Coverage) -> list[CoverageStatus]:
    return [query.status for query in chunk.queries] or [chunk.status]


def _by_incidents(incidents: list[Incident]) -> tuple[Letter, str]:
    if not incidents:
        return Letter.A, "No open incident."
    worst = max(incidents, key=lambda each: (each.severity.rank, bool(each.harm.service), -each.rank))
    felt = any(each.harm.service for each in incidents if each.severity is worst.severity)
    letter = {
        Severity.CRITICAL: Letter.F if felt else Letter.D,
        Severity.WARNING: Letter.C if felt else Letter.B,
        Severity.INFO: Letter.A,
    }[worst.severity]
    return letter, f"{worst.title} (ended, not sure yet)" if worst.phase is Phase.ENDED else worst.title


def _percent(share: float) -> str:
    """Whole percent, rounded down: 79.9% is not 80%."""
    return f"{int(100 * share)}%"
