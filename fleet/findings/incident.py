"""An incident: findings of one cluster that belong together in time and topology."""

from __future__ import annotations

from pydantic import AwareDatetime, BaseModel, Field

from fleet.findings.finding import FindingState
from fleet.frames.pack import Severity
from fleet.inventory.subject import Subject


class Incident(BaseModel):
    """Findings that belong together.

    ``subject`` is where the trouble centres, ``affected`` every subject it touches. ``fingerprints`` are those of
    its findings. ``rank`` orders the incidents of a scan by harm: 1 is the worst.
    """

    id: str
    cluster_id: str
    scan_id: str
    title: str
    subject: Subject
    severity: Severity
    state: FindingState = FindingState.OPEN
    started_at: AwareDatetime
    ended_at: AwareDatetime | None = None
    opened_at: AwareDatetime | None = None
    fingerprints: list[str]
    affected: list[Subject] = Field(default_factory=list)
    rank: int = 0
