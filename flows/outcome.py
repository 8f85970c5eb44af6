"""What a run saw of its clusters, in one piece or shard by shard, and the state in which it ends."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from prefect.states import Completed, Failed, State
from pydantic import BaseModel, ConfigDict, Field

from fleet.findings.scan import ScanState

WITH_GAPS = "CompletedWithGaps"
MOST_NAMES = 12
"""Clusters named in a state's message: the rest are counted, for a message is one line of Prefect's UI."""


class FleetOutcome(BaseModel):
    """What has become of each cluster of a run.

    Attributes:
        names: names of the clusters by id.
        seen: ids of those that came through all stages, in the same order.
        gaps: what could not be seen, in words, by cluster id.
        counts: the stages' figures, summed over the clusters.
    """

    model_config = ConfigDict(frozen=True)

    names: dict[str, str]
    seen: list[str] = Field(default_factory=list)
    gaps: dict[str, list[str]] = Field(default_factory=dict)
    counts: dict[str, int] = Field(default_factory=dict)

    @classmethod
    def unseen(cls, names: dict[str, str], reason: str) -> FleetOutcome:
        """Clusters of which nothing is known, all for one reason."""
        return cls(names=names, gaps={cluster_id: [reason] for cluster_id in names})

    @classmethod
    def together(cls, parts: Iterable[FleetOutcome]) -> FleetOutcome:
        """One outcome of several parts that have no cluster in common."""
        names: dict[str, str] = {}
        seen: list[str] = []
        gaps: dict[str, list[str]] = {}
        counts: Counter[str] = Counter()
        for part in parts:
            names |= part.names
            seen += part.seen
            gaps |= part.gaps
            counts.update(part.counts)
        return cls(names=names, seen=seen, gaps=gaps, counts=dict(counts))

    def then(self, later: FleetOutcome) -> FleetOutcome:
        """This and what a later step made of those that were seen: its gaps and counts come to these.

        Those are seen that came through both: of which something was found, but not what it makes up, nothing is known.
        """
        gaps = {cluster_id: list(reasons) for cluster_id, reasons in self.gaps.items()}
        for cluster_id, reasons in later.gaps.items():
            gaps.setdefault(cluster_id, []).extend(reasons)
        counts = Counter(self.counts)
        counts.update(later.counts)
        through = set(later.seen)
        seen = [cluster_id for cluster_id in self.seen if cluster_id in through]
        return FleetOutcome(names=self.names, seen=seen, gaps=gaps, counts=dict(counts))

    def gaps_by_name(self) -> dict[str, list[str]]:
        """What could not be seen, by cluster name; clusters without gaps are left out."""
        return {self.names[cluster_id]: gaps for cluster_id, gaps in self.gaps.items() if gaps}

    def conclude(self) -> State[None]:
        """The flow's final state: with gaps where some could not be seen, failed where none could."""
        gaps = self.gaps_by_name()
        if not self.seen:
            return Failed(message=f"None of {len(self.names)} clusters could be seen. {_first(gaps)}")
        if gaps or len(self.seen) < len(self.names):
            message = f"{len(self.seen)} of {len(self.names)} clusters seen; gaps in {_listed(sorted(gaps))}."
            return Completed(name=WITH_GAPS, message=message)
        return Completed(message=f"All {len(self.names)} clusters seen.")


def scan_state(state: State[None]) -> ScanState:
    """How a scan ended, from the flow's final state."""
    if state.is_failed():
        return ScanState.FAILED
    return ScanState.COMPLETED_WITH_GAPS if state.name == WITH_GAPS else ScanState.COMPLETED


def _listed(names: list[str]) -> str:
    more = len(names) - MOST_NAMES
    return ", ".join(names[:MOST_NAMES]) + (f" and {more} more" if more > 0 else "")


def _first(gaps: dict[str, list[str]]) -> str:
    return next((f"{name}: {reasons[0]}" for name, reasons in sorted(gaps.items())), "")
