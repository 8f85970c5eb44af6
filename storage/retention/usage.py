"""How much is stored, by kind."""

from __future__ import annotations

from pydantic import AwareDatetime, BaseModel
from sqlalchemy import text

from storage.database import Database
from storage.objects import ObjectStore
from storage.retention.chunks import CHUNK_BYTES, CHUNK_CONDITIONS
from storage.retention.lifetimes import DataKind, Lifetimes
from storage.retention.models import PART_BYTES
from storage.retention.sweep import CHUNKS, MODELS, REPORTS
from storage.tables import METADATA

_TABLES = {
    DataKind.MODELS: ("models", "created_at"),
    DataKind.SCANS: ("scans", "created_at"),
    DataKind.FINDINGS: ("findings", "end_at"),
    DataKind.INCIDENTS: ("incidents", "started_at"),
    DataKind.INVESTIGATIONS: ("investigations", "created_at"),
    DataKind.REPORTS: ("reports", "created_at"),
    DataKind.INVENTORIES: ("inventories", "observed_at"),
    DataKind.CHANGES: ("changes", "at"),
}


_REPORT_BYTES = """
    coalesce(sum((SELECT sum(CAST(form.value->>'object_bytes' AS bigint)) FROM jsonb_each(body->'formats') AS form)), 0)
"""
_OBJECT_BYTES = {DataKind.REPORTS: _REPORT_BYTES, DataKind.MODELS: PART_BYTES}


class KindUsage(BaseModel):
    """What is stored of one kind.

    Attributes:
        kind: of what.
        days: that it is kept.
        rows: in the database.
        oldest: the earliest time that any of it tells of; None where there is none.
        object_bytes: in the object store that its rows name; 0 for kinds that have no objects.
    """

    kind: DataKind
    days: int
    rows: int
    oldest: AwareDatetime | None
    object_bytes: int = 0


class Usage(BaseModel):
    """What is stored in all.

    Attributes:
        kinds: by kind.
        database_bytes: of our tables with their indexes.
        objects: in the object store, those that nothing names included.
        object_bytes: their size together.
    """

    kinds: list[KindUsage]
    database_bytes: int
    objects: int
    object_bytes: int


def usage_of(database: Database, objects: ObjectStore, lifetimes: Lifetimes) -> Usage:
    """Count rows, and list the objects of the kinds that expire.

    Args:
        database: where the rows are.
        objects: where the objects are.
        lifetimes: to be told beside them.
    """
    count, size = 0, 0
    for folder in (CHUNKS, MODELS, REPORTS):
        for each in objects.under(folder):
            count, size = count + 1, size + each.size_bytes
    return Usage(
        kinds=[_of_kind(database, kind, lifetimes) for kind in DataKind],
        database_bytes=_database_bytes(database),
        objects=count,
        object_bytes=size,
    )


def _of_kind(database: Database, kind: DataKind, lifetimes: Lifetimes) -> KindUsage:
    if kind in CHUNK_CONDITIONS:
        table, at, size = f"coverage WHERE {CHUNK_CONDITIONS[kind]}", "chunk_start", CHUNK_BYTES
    else:
        table, at = _TABLES[kind]
        size = _OBJECT_BYTES.get(kind, "0")
    query = text(f"SELECT count(*) AS rows, min({at}) AS oldest, {size} AS object_bytes FROM {table}")  # noqa: S608
    with database.session() as session:
        row = session.connection().execute(query).mappings().one()
    return KindUsage(kind=kind, days=lifetimes.days(kind), **row)


def _database_bytes(database: Database) -> int:
    sizes = "SELECT sum(pg_total_relation_size(to_regclass(name))) FROM unnest(CAST(:tables AS text[])) AS name"
    with database.session() as session:
        return int(session.connection().execute(text(sizes), {"tables": list(METADATA.tables)}).scalar_one())
