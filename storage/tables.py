"""The tables: each holds an entity's indexed columns and, in ``body``, the entity's own JSON.

The body is the truth; the other columns repeat what is searched by. Times are ``timestamptz`` in UTC.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, ClassVar

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Column,
    DateTime,
    Dialect,
    Index,
    Integer,
    MetaData,
    String,
    TypeDecorator,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

METADATA = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_name)s",
    }
)


class UtcDateTime(TypeDecorator[datetime]):
    """A point in time; refuses naive ones, since the server would read them in its own time zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse what has no time zone.

        Raises:
            ValueError: the time is naive.
        """
        if value is not None and value.tzinfo is None:
            raise ValueError(f"{value.isoformat()} has no time zone")
        return value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Hand out UTC, whatever the session's time zone is."""
        return None if value is None else value.astimezone(UTC)


def _time(*, nullable: bool = False, primary_key: bool = False) -> Any:
    return Field(sa_column=Column(UtcDateTime(), nullable=nullable, primary_key=primary_key))


def _body() -> Any:
    return Field(sa_column=Column(JSONB(), nullable=False))


class Row(SQLModel):
    """What all tables share: the entity's JSON."""

    metadata: ClassVar[MetaData] = METADATA


class ClusterRow(Row, table=True):
    """The registry of clusters."""

    __tablename__ = "clusters"

    id: str = Field(primary_key=True)
    name: str = Field(unique=True)
    environment: str
    region: str
    active: bool
    origin: str
    body: dict[str, Any] = _body()


class InventoryRow(Row, table=True):
    """What discovery saw, one version a look."""

    __tablename__ = "inventories"

    cluster_id: str = Field(primary_key=True)
    observed_at: datetime = _time(primary_key=True)
    body: dict[str, Any] = _body()


class ChangeRow(Row, table=True):
    """Dated facts that can be causes."""

    __tablename__ = "changes"
    __table_args__ = (Index("ix_changes_cluster_id_at", "cluster_id", "at"),)

    id: str = Field(primary_key=True)
    cluster_id: str
    kind: str
    at: datetime = _time()
    body: dict[str, Any] = _body()


class ScanRow(Row, table=True):
    """Runs over clusters and a window."""

    __tablename__ = "scans"

    id: str = Field(primary_key=True)
    state: str
    created_at: datetime = Field(sa_column=Column(UtcDateTime(), nullable=False, index=True))
    body: dict[str, Any] = _body()


class CoverageRow(Row, table=True):
    """What was seen of one chunk, and the object that holds it: a frame exists only through this row."""

    __tablename__ = "coverage"
    __table_args__ = (Index("ix_coverage_cluster_id_chunk_start", "cluster_id", "chunk_start"),)

    cluster_id: str = Field(primary_key=True)
    collector: str = Field(primary_key=True)
    pack_hash: str = Field(primary_key=True)
    step_seconds: int = Field(primary_key=True)
    chunk_start: datetime = _time(primary_key=True)
    chunk_end: datetime = _time(primary_key=True)
    status: str
    standing: int
    object_key: str | None
    object_hash: str | None
    body: dict[str, Any] = _body()


class FindingRow(Row, table=True):
    """Anomalies that matter, one row an episode of a fingerprint."""

    __tablename__ = "findings"
    __table_args__ = (
        Index("ix_findings_cluster_id_state", "cluster_id", "state"),
        Index("ix_findings_fingerprint_start_at", "fingerprint", "start_at"),
    )

    id: str = Field(primary_key=True)
    cluster_id: str
    fingerprint: str
    scan_id: str
    incident_id: str | None = Field(index=True)
    query_id: str
    state: str
    severity_rank: int
    start_at: datetime = _time()
    end_at: datetime = _time()
    body: dict[str, Any] = _body()


class IncidentRow(Row, table=True):
    """Findings that belong together. ``announced_at`` is when the event of its opening went out."""

    __tablename__ = "incidents"
    __table_args__ = (Index("ix_incidents_cluster_id_state", "cluster_id", "state"),)

    id: str = Field(primary_key=True)
    cluster_id: str
    scan_id: str
    state: str
    severity_rank: int
    rank: int
    started_at: datetime = _time()
    ended_at: datetime | None = _time(nullable=True)
    announced_at: datetime | None = _time(nullable=True)
    body: dict[str, Any] = _body()


class FindingSightingRow(Row, table=True):
    """Which scans saw which finding; its own ``scan_id`` is only the last of them."""

    __tablename__ = "finding_sightings"

    scan_id: str = Field(primary_key=True)
    seen_id: str = Field(primary_key=True, index=True)
    cluster_id: str


class IncidentSightingRow(Row, table=True):
    """Which scans saw which incident."""

    __tablename__ = "incident_sightings"

    scan_id: str = Field(primary_key=True)
    seen_id: str = Field(primary_key=True, index=True)
    cluster_id: str


class InvestigationRow(Row, table=True):
    """What was seen around a place and a time, and the causes."""

    __tablename__ = "investigations"
    __table_args__ = (Index("ix_investigations_cluster_id_at", "cluster_id", "at"),)

    id: str = Field(primary_key=True)
    cluster_id: str
    incident_id: str | None = Field(index=True)
    at: datetime = _time()
    created_at: datetime = Field(sa_column=Column(UtcDateTime(), nullable=False, index=True))
    body: dict[str, Any] = _body()


class ReportRow(Row, table=True):
    """Stored reports; their bytes lie in the object store."""

    __tablename__ = "reports"

    id: str = Field(primary_key=True)
    kind: str
    scan_id: str | None = Field(index=True)
    created_at: datetime = Field(sa_column=Column(UtcDateTime(), nullable=False, index=True))
    body: dict[str, Any] = _body()


class DeliveryRow(Row, table=True):
    """The outbox: mails that are owed."""

    __tablename__ = "outbox"
    __table_args__ = (Index("ix_outbox_state_next_attempt_at", "state", "next_attempt_at"),)

    id: str = Field(primary_key=True)
    report_id: str
    state: str
    next_attempt_at: datetime = _time()
    body: dict[str, Any] = _body()


class ModelRow(Row, table=True):
    """Versions of what was learnt of each cluster's past; the state itself lies in the object store."""

    __tablename__ = "models"
    __table_args__ = (
        Index("ix_models_active", "cluster_id", "pack_hash", unique=True, postgresql_where=text("active")),
    )

    cluster_id: str = Field(primary_key=True)
    version: int = Field(primary_key=True, sa_type=Integer, sa_column_kwargs={"autoincrement": False})
    pack_hash: str
    active: bool
    created_at: datetime = _time()
    body: dict[str, Any] = _body()


class ModelUseRow(SQLModel, table=True):
    """By which version a scan judged a cluster. No entity: it is a fact about a scan."""

    metadata: ClassVar[MetaData] = METADATA
    __tablename__ = "model_uses"

    scan_id: str = Field(primary_key=True)
    cluster_id: str = Field(primary_key=True)
    version: int


class ClusterLevelsRow(Row, table=True):
    """By what a scan compared each cluster with its like: some kilobytes a cluster."""

    __tablename__ = "cluster_levels"

    scan_id: str = Field(primary_key=True)
    cluster_id: str = Field(primary_key=True, index=True)
    written_at: datetime = _time()
    body: dict[str, Any] = _body()


def _texts() -> Any:
    return Field(sa_column=Column(ARRAY(String()), nullable=False))


def _times() -> Any:
    return Field(sa_column=Column(ARRAY(DateTime(timezone=True)), nullable=False))


def _total() -> Any:
    return Field(sa_column=Column(BigInteger(), nullable=False))


class GovernedEndpointRow(SQLModel, table=True):
    """What each endpoint is being asked, by all processes; a row is one statement's to read and write.

    Arrays of one prefix belong together, element by element. No entity: ``storage.governor_statements`` is all that
    knows it.
    """

    metadata: ClassVar[MetaData] = METADATA
    __tablename__ = "governed_endpoints"

    endpoint: str = Field(primary_key=True)
    lease_ids: list[str] = _texts()
    lease_owners: list[str] = _texts()
    lease_ends: list[datetime] = _times()
    waiting_ids: list[str] = _texts()
    waiting_since: list[datetime] = _times()
    waiting_ends: list[datetime] = _times()
    ended: list[datetime] = _times()
    """When the requests of the last second ended."""
    bytes_left: float
    """Of the last minute's budget, at ``counted_at``; negative while it is overdrawn."""
    counted_at: datetime = _time()
    failures_in_a_row: int
    minute_began: datetime = _time()
    minute_requests: int
    minute_failures: int
    open_until: datetime | None = _time(nullable=True)
    """The breaker is open until then, and half open from then on; None while it is closed."""
    openings: int
    """How often it opened since it was closed last."""
    probe: str | None
    """The lease of the one request that a half-open breaker lets through."""
    admitted: int = _total()
    held_back: int = _total()
    failed: int = _total()
    opened: int = _total()
    answer_bytes: int = _total()
    asked_seconds: float
    waited_seconds: float


class ObjectLetGoRow(SQLModel, table=True):
    """An object whose row expired lately, and which somebody may be reading. No entity: ``storage.retention`` alone
    knows it."""

    metadata: ClassVar[MetaData] = METADATA
    __tablename__ = "objects_let_go"

    object_key: str = Field(primary_key=True)
    let_go_at: datetime = _time()
