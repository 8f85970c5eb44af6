"""A finding: one anomaly that matters, on one subject."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from uuid import NAMESPACE_URL, uuid5

from pydantic import AwareDatetime, BaseModel, Field

from fleet.frames.pack import Severity
from fleet.frames.window import Window
from fleet.inventory.subject import Subject, SubjectKind

ONE_EPISODE = timedelta(hours=1)
"""Stretches of one fingerprint no further apart are one finding: a chunk that was not seen must not cut it in two."""

ONGOING_WITHIN = timedelta(minutes=5)
"""What ends no further from the end of a window goes on there: its last samples may not have come yet."""


class FindingState(StrEnum):
    """OPEN until it is surely over (RESOLVED, see ``lifecycle``) or somebody says that they know (ACKNOWLEDGED)."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"


UNRESOLVED = (FindingState.OPEN, FindingState.ACKNOWLEDGED)


class FindingKind(StrEnum):
    """How the series is not as it should be: beside its own past, or, for as long as it is known, beside its like."""

    ABOVE = "above"
    BELOW = "below"
    GAP = "gap"
    ABOVE_PEERS = "above-peers"
    BELOW_PEERS = "below-peers"

    @property
    def among_peers(self) -> bool:
        """Whether it stands beside its like, and began at no time that is known."""
        return self in {FindingKind.ABOVE_PEERS, FindingKind.BELOW_PEERS}

    @property
    def sign(self) -> int:
        """+1 above, -1 below, 0 for a gap."""
        if self is FindingKind.GAP:
            return 0
        return 1 if self in {FindingKind.ABOVE, FindingKind.ABOVE_PEERS} else -1


class SeriesRef(BaseModel):
    """Where the values behind a finding lie: the query, the labels and the stored chunks (object keys in S3)."""

    query_id: str
    promql: str
    labels: dict[str, str]
    object_keys: list[str] = Field(default_factory=list)
    endpoint: str = ""


class PeerEvidence(BaseModel):
    """What a member of a cohort was compared with.

    Attributes:
        members: what they are, as it follows "19 like" (``nodes``, ``clusters``).
        cohort: by what they are alike.
        seen, known: members that were compared, of those that are known; the one that the finding is on is among them.
        q_value: the share of findings at least as strong that is to be expected to be chance, over all comparisons of
            the scan. No false findings a day: those are what a sensitivity promises.
    """

    members: str
    cohort: str
    seen: int
    known: int
    q_value: float


class Finding(BaseModel):
    """One anomaly that matters.

    ``what`` says what the value is, in the pack's words; ``title`` is the whole sentence with its figures.
    ``why`` says what harm it may be, where both sides of a value may hurt; ``service_level`` that users feel it.
    ``window`` is the anomalous stretch; ``ongoing`` is true when it reaches the end of what was scanned; ``undated``
    when it is silence from the beginning of what was seen on, so that it may have begun earlier.
    ``observed`` and ``baseline_*`` are in ``unit`` (None for gaps). ``score`` passed ``threshold`` at
    ``sensitivity``; higher is more anomalous. ``model_version`` is the learnt state by which it was judged
    (None: by its own window alone). ``peers`` is set where it was compared with its like, whose range
    the baseline then is. ``scan_id`` is the scan that saw it last. ``quiet_at`` are the ends of
    windows that reach beyond it, were seen, and do not show it any more.
    """

    id: str = ""
    fingerprint: str
    cluster_id: str
    scan_id: str
    query_id: str
    subject: Subject
    what: str
    title: str
    why: str = ""
    service_level: bool = False
    kind: FindingKind
    severity: Severity
    state: FindingState = FindingState.OPEN
    window: Window
    ongoing: bool
    undated: bool = False
    score: float
    threshold: float
    p_value: float | None = None
    sensitivity: str
    model_version: int | None = None
    detectors: list[str]
    observed: float | None = None
    baseline_low: float | None = None
    baseline_middle: float | None = None
    baseline_high: float | None = None
    peers: PeerEvidence | None = None
    unit: str
    series: SeriesRef
    first_seen_at: AwareDatetime | None = None
    last_seen_at: AwareDatetime | None = None
    incident_id: str | None = None
    quiet_at: list[AwareDatetime] = Field(default_factory=list)

    @property
    def across_fleet(self) -> bool:
        """Whether a cluster was compared with others, which is done when all of them have been judged."""
        return self.peers is not None and self.subject.kind in {SubjectKind.CLUSTER, SubjectKind.COMPONENT}

    @property
    def strength(self) -> float:
        """How many times its threshold the score is."""
        return self.score / max(self.threshold, 1e-9)


def fingerprint(cluster_id: str, query_id: str, subject: Subject, kind: FindingKind) -> str:
    """A finding's identity over scans: 16 hexadecimal digits that survive pod renames (the workload counts)."""
    return sha256("|".join([cluster_id, query_id, subject.identity, kind]).encode()).hexdigest()[:16]


def gap_fingerprint(cluster_id: str, node: str) -> str:
    """The identity of a node's silence, whichever of its series and devices fall silent."""
    return fingerprint(
        cluster_id, "", Subject(cluster_id=cluster_id, kind=SubjectKind.NODE, name=node), FindingKind.GAP
    )


def episode_id(mark: str, start: datetime) -> str:
    """The id of the episode of a fingerprint that starts then: the same one however often it is computed."""
    return uuid5(NAMESPACE_URL, f"fleetscope:finding:{mark}:{start.astimezone(UTC).isoformat()}").hex
