"""A stored report: what it is about and where its rendered forms lie."""

from __future__ import annotations

from enum import StrEnum

from pydantic import AwareDatetime, BaseModel, Field, JsonValue

from fleet.frames.window import Window


class ReportKind(StrEnum):
    """What a report is about."""

    FLEET = "fleet"
    CLUSTER = "cluster"
    INCIDENT = "incident"


class ReportFormat(StrEnum):
    """The forms that a report is rendered to; the value is the file name's extension."""

    PDF = "pdf"
    HTML = "html"
    MARKDOWN = "md"

    @property
    def content_type(self) -> str:
        """The media type of the form."""
        return {"pdf": "application/pdf", "html": "text/html; charset=utf-8", "md": "text/markdown; charset=utf-8"}[
            self.value
        ]


class StoredForm(BaseModel):
    """One rendered form in the object store: key, SHA-256 of the bytes in hexadecimal digits, and their number."""

    object_key: str
    object_hash: str
    object_bytes: int = Field(ge=0)


class ReportRecord(BaseModel):
    """One report. ``scan_id`` is the scan that it tells of, None where it spans several or none.

    ``summary`` is what the next report of its kind compares itself with (``fleet.reports.content.ReportSummary``).
    """

    id: str
    kind: ReportKind
    title: str
    created_at: AwareDatetime
    scan_id: str | None = None
    window: Window
    summary: dict[str, JsonValue] | None = None
    formats: dict[ReportFormat, StoredForm] = Field(default_factory=dict)
