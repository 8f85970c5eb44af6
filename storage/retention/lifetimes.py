"""How long each kind of data is kept."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Days = Annotated[int, Field(ge=1, le=36_500)]
FramesDays = Annotated[int, Field(ge=8, le=36_500)]
"""A scan may look back seven days: what is younger would be asked for again and again."""
HistoryDays = Annotated[int, Field(ge=16, le=36_500)]
"""Baselines are learnt from 14 days."""


class DataKind(StrEnum):
    """A kind of data with a lifetime of its own."""

    FRAMES = "frames"
    HISTORY = "history"
    EVIDENCE = "evidence"
    MODELS = "models"
    SCANS = "scans"
    FINDINGS = "findings"
    INCIDENTS = "incidents"
    INVESTIGATIONS = "investigations"
    REPORTS = "reports"
    INVENTORIES = "inventories"
    CHANGES = "changes"


class Lifetimes(BaseModel):
    """Days that data are kept after the time that they tell of.

    Attributes:
        frames_days: metrics at the step that scans judge.
        history_days: metrics at the coarse step from which baselines are learnt.
        evidence_days: what else was collected: logs, traces, alerts, events.
        models_days: what was learnt from the history; of each cluster and pack the active version and the newest stay.
        scans_days: scans, and what each saw; the newest stays.
        findings_days: findings and incidents, after they were resolved.
        investigations_days: investigations, and with them the frames and the evidence that they cite.
        reports_days: reports.
        inventories_days: inventories and changes; each registered cluster's newest inventory stays.
    """

    model_config = ConfigDict(frozen=True)

    frames_days: FramesDays = 30
    history_days: HistoryDays = 60
    evidence_days: Days = 30
    models_days: Days = 30
    scans_days: Days = 90
    findings_days: Days = 400
    investigations_days: Days = 400
    reports_days: Days = 400
    inventories_days: Days = 400

    def days(self, kind: DataKind) -> int:
        """The lifetime of a kind."""
        shared = {DataKind.INCIDENTS: self.findings_days, DataKind.CHANGES: self.inventories_days}
        return shared[kind] if kind in shared else int(getattr(self, f"{kind.value}_days"))

    def cutoff(self, kind: DataKind, now: datetime) -> datetime:
        """What tells of an earlier time than this has expired."""
        return now - timedelta(days=self.days(kind))
