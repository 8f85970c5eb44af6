"""An investigation: what was seen around a place and a time, what may have caused it, and on what evidence."""

from __future__ import annotations

from enum import StrEnum

from pydantic import AwareDatetime, BaseModel, Field

from fleet.frames.window import Window
from fleet.inventory.subject import Subject


class EvidenceKind(StrEnum):
    """What kind of fact a piece of evidence is."""

    METRIC = "metric"
    CHANGE = "change"
    EVENT = "event"
    TOPOLOGY = "topology"
    COVERAGE = "coverage"


class Evidence(BaseModel):
    """A stored fact that a claim can point at.

    ``id`` is unique within its investigation (``E1``, ``E2`` …). ``query``, ``endpoint`` and ``window`` say how to ask
    again; ``object_keys`` and ``content_hash`` where the answer lies. ``values`` are the figures that sentences use.
    """

    id: str
    kind: EvidenceKind
    summary: str
    subject: Subject | None = None
    at: AwareDatetime | None = None
    window: Window | None = None
    query: str = ""
    endpoint: str = ""
    labels: dict[str, str] = Field(default_factory=dict)
    object_keys: list[str] = Field(default_factory=list)
    content_hash: str = ""
    fingerprint: str | None = None
    values: dict[str, float] = Field(default_factory=dict)


class Symptom(BaseModel):
    """What somebody would notice: a finding, phrased, with its evidence."""

    summary: str
    subject: Subject
    started_at: AwareDatetime
    evidence: list[str]


class CauseKind(StrEnum):
    """Kinds of causes that the first form can name."""

    ROLLOUT = "bad-rollout"
    MEMORY_LEAK = "memory-leak"
    NOISY_NEIGHBOUR = "noisy-neighbour"
    DISK_FILLING = "disk-filling"
    EXPORTER_DOWN = "exporter-down"
    NODE_FAILURE = "node-failure"
    SATURATION = "saturation"
    CHANGE = "change"
    DEVIATION = "deviation"
    """The earliest strong deviation, where nothing more specific fits."""


class Cause(BaseModel):
    """A ranked hypothesis.

    ``confidence`` lies in 0..1 and falls with what is missing or speaks against; ``factors`` are the parts that
    it was made of (each 0..1), ``supports`` and ``against`` the ids of evidence.
    """

    rank: int
    kind: CauseKind
    title: str
    subject: Subject
    started_at: AwareDatetime
    confidence: float = Field(ge=0, le=1)
    factors: dict[str, float] = Field(default_factory=dict)
    supports: list[str]
    against: list[str] = Field(default_factory=list)


class Verdict(StrEnum):
    """How an investigation ended. Not enough evidence is a legal answer."""

    PROBABLE_CAUSE = "probable-cause"
    SEVERAL_CANDIDATES = "several-candidates"
    NOT_ENOUGH_EVIDENCE = "not-enough-evidence"


class Sentence(BaseModel):
    """One sentence of a narrative and the ids of the evidence on which it rests."""

    text: str
    evidence: list[str]


class Investigation(BaseModel):
    """One investigation. ``place`` and ``at`` are what was asked about, ``window`` where evidence was sought."""

    id: str
    cluster_id: str
    incident_id: str | None = None
    place: Subject
    at: AwareDatetime
    window: Window
    symptoms: list[Symptom] = Field(default_factory=list)
    evidence: list[Evidence] = Field(default_factory=list)
    causes: list[Cause] = Field(default_factory=list)
    verdict: Verdict
    narrative: list[Sentence] = Field(default_factory=list)
    missing: list[str] = Field(default_factory=list)
    """What could not be seen and might have mattered, in words."""
    created_at: AwareDatetime
