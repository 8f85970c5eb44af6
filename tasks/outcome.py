"""What a task tells the flow: small, free of secrets, and honest about what is missing."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Stage(StrEnum):
    """The stages of a run, in order."""

    DISCOVER = "discover"
    COLLECT = "collect"
    LEARN = "learn"
    DETECT = "detect"
    COMPARE = "compare"
    CORRELATE = "correlate"
    SIGNALS = "signals"
    INVESTIGATE = "investigate"
    REPORT = "report"
    DELIVER = "deliver"
    SHARDS = "shards"
    """All the others, of a part of the fleet at a time."""


@dataclass(frozen=True)
class ClusterOutcome:
    """One stage's result for one cluster.

    Attributes:
        gaps: what could not be seen, in words; empty when everything was.
        seen: whether anything at all was seen; a cluster that was not seen is unknown, not healthy.
        counts: small figures for tables and logs, by name.
    """

    stage: Stage
    cluster_id: str
    cluster: str
    seen: bool = True
    gaps: tuple[str, ...] = ()
    counts: dict[str, int] = field(default_factory=dict)
