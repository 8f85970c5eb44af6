"""A finding: one anomaly that matters, on one subject."""

from __future__ import annotations

from enum import StrEnum
from hashlib import sha256

from pydantic import AwareDatetime, BaseModel, Field

from fleet.frames.pack import Severity
from fleet.frames.window import Window
from fleet.inventory.subject import Subject


class FindingState(StrEnum):
    """OPEN until it is seen no more (RESOLVED) or somebody says that they know (ACKNOWLEDGED)."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"


UNRESOLVED = (FindingState.OPEN, FindingState.ACKNOWLEDGED)


class FindingKind(StrEnum):
    """How the series is not as it should be."""

    ABOVE = "above"
    BELOW = "below"
    GAP = "gap"


class SeriesRef(BaseModel):
    """Where the values behind a finding lie: the query, the labels and the stored chunks (object keys in S3)."""

    query_id: str
    promql: str
    labels: dict[str, str]
    object_keys: list[str] = Field(default_factory=list)
    endpoint: str = ""


class Finding(BaseModel):
    """One anomaly that matters.

    ``what`` says what the value is, in the pack's words; ``title`` is the whole sentence with its figures.
    ``window`` is the anomalous stretch; ``ongoing`` is true when it reaches the end of what was scanned.
    ``observed`` and ``baseline_*`` are in ``unit`` (None for gaps). ``score`` passed ``threshold`` at
    ``sensitivity``; higher is more anomalous. ``scan_id`` is the scan that saw it last.
    """

    id: str = ""
    fingerprint: str
    cluster_id: str
    scan_id: str
    query_id: str
    subject: Subject
    what: str
    title: str
    kind: FindingKind
    severity: Severity
    state: FindingState = FindingState.OPEN
    window: Window
    ongoing: bool
    score: float
    threshold: float
    p_value: float | None = None
    sensitivity: str
    detectors: list[str]
    observed: float | None = None
    baseline_low: float | None = None
    baseline_middle: float | None = None
    baseline_high: float | None = None
    unit: str
    series: SeriesRef
    first_seen_at: AwareDatetime | None = None
    last_seen_at: AwareDatetime | None = None
    incident_id: str | None = None


def fingerprint(cluster_id: str, query_id: str, subject: Subject, kind: FindingKind) -> str:
    """A finding's identity over scans: 16 hexadecimal digits that survive pod renames (the workload counts)."""
    return sha256("|".join([cluster_id, query_id, subject.identity, kind]).encode()).hexdigest()[:16]
