"""An incident: findings of one cluster that belong together in time and topology."""

from __future__ import annotations

from enum import StrEnum

from pydantic import AwareDatetime, BaseModel, Field

from fleet.findings.finding import UNRESOLVED, Finding, FindingState
from fleet.frames.pack import Severity
from fleet.inventory.subject import Subject


class Phase(StrEnum):
    """Where an incident stands: ONGOING while it lasts; ENDED when it was not seen lately, which is not sure yet, and
    RESOLVED when that is sure.
    """

    ONGOING = "ongoing"
    ENDED = "ended"
    RESOLVED = "resolved"


class Stretch(BaseModel):
    """A time in which an incident went on, UTC; ``end`` is None while it does."""

    start: AwareDatetime
    end: AwareDatetime | None = None


class Harm(BaseModel):
    """What an incident does, as far as it decides about its rank.

    Attributes:
        service: the service level that it touches, in words; empty where users feel nothing of it.
        workloads, nodes, subjects: how many different ones it touches (blast radius).
        strength: of its strongest finding, in thresholds.
        days_seen: on how many days of the fortnight before its central finding was seen; 0 is news.
        why: why it ranks where it does, in one line.
    """

    service: str = ""
    workloads: int = 0
    nodes: int = 0
    subjects: int = 0
    strength: float = 0.0
    days_seen: int = 0
    why: str = ""


class Incident(BaseModel):
    """Findings that belong together.

    ``subject`` is where the trouble centres, ``affected`` every subject it touches. ``fingerprints`` are those of
    its findings, the one that stands for it first, then those by which it is told, then what it had before;
    ``finding_ids`` are the findings that the last scan saw.
    ``stretches`` are the times in which it went on, with a resolution between each two; the last one's end is
    ``ended_at``. ``resolved_by`` is the scan by which it is over, empty while it is not. ``rank`` orders the incidents
    of a cluster and scan by harm: 1 is the worst.
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
    finding_ids: list[str] = Field(default_factory=list)
    affected: list[Subject] = Field(default_factory=list)
    stretches: list[Stretch] = Field(default_factory=list)
    resolved_by: str = ""
    rank: int = 0
    harm: Harm = Field(default_factory=Harm)

    def holds(self, finding: Finding) -> bool:
        """Whether a finding is one of its own; another episode of a fingerprint may be another incident's."""
        if finding.incident_id is not None:
            return finding.incident_id == self.id
        return finding.fingerprint in self.fingerprints

    @property
    def phase(self) -> Phase:
        """Whether it goes on, has ended, or is over for good."""
        if self.state not in UNRESOLVED:
            return Phase.RESOLVED
        return Phase.ONGOING if self.ended_at is None else Phase.ENDED

    @property
    def reopenings(self) -> int:
        """How often it came back after it was resolved."""
        return max(0, len(self.stretches) - 1)

    @property
    def standing(self) -> str:
        """State in words, for example ``ongoing, acknowledged, reopened 2 times``."""
        acknowledged = ["acknowledged"] if self.state is FindingState.ACKNOWLEDGED else []
        back = {0: [], 1: ["reopened once"]}.get(self.reopenings, [f"reopened {self.reopenings} times"])
        return ", ".join([self.phase.value, *acknowledged, *back])
