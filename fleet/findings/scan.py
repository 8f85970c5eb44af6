"""A scan: one run over some clusters and one window, and how it ended."""

from __future__ import annotations

from enum import StrEnum

from pydantic import AwareDatetime, BaseModel, Field, JsonValue

from fleet.detectors.contract import Sensitivity
from fleet.frames.pack import QueryPack
from fleet.frames.window import Window


class ScanState(StrEnum):
    """RUNNING until it ends; with gaps where some clusters could not be scanned, FAILED where none could."""

    RUNNING = "running"
    COMPLETED = "completed"
    COMPLETED_WITH_GAPS = "completed-with-gaps"
    FAILED = "failed"


class ScanPurpose(StrEnum):
    """A SCAN judges the fleet; an INQUIRY only looks around one place for an investigation that somebody asked for."""

    SCAN = "scan"
    INQUIRY = "inquiry"


class Scan(BaseModel):
    """One scan of the fleet or of a part of it.

    ``window`` is what is judged; it derives from ``scheduled_start``, so that a rerun meets the same window.
    ``pack``, ``sensitivity`` and ``second_looks`` (detectors that look at the shortlist) are kept with it, so that a
    rerun asks and judges alike when files or defaults have changed since.
    ``parameters`` are those of the run, ``counts`` what it found (``findings``, ``incidents``, …).
    ``judged_ids`` are the clusters whose data were judged; None until the scan has ended.
    """

    id: str
    purpose: ScanPurpose = ScanPurpose.SCAN
    sensitivity: Sensitivity
    pack: QueryPack
    second_looks: list[str] = Field(default_factory=list)
    scheduled_start: AwareDatetime
    window: Window
    parameters: dict[str, JsonValue] = Field(default_factory=dict)
    state: ScanState = ScanState.RUNNING
    created_at: AwareDatetime
    finished_at: AwareDatetime | None = None
    cluster_ids: list[str] = Field(default_factory=list)
    counts: dict[str, int] = Field(default_factory=dict)
    judged_ids: list[str] | None = None

    def has_judged(self, cluster_id: str) -> bool:
        """Whether silence about a cluster means anything: its data were judged, or the scan is still under way."""
        return self.judged_ids is None or cluster_id in self.judged_ids
