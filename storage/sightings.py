"""Which findings and incidents each scan saw: several scans may see one, and none takes it from another."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import ColumnElement, delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import InstrumentedAttribute
from sqlmodel import Session, col

from storage.statements import table_of
from storage.tables import FindingSightingRow, IncidentSightingRow

SightingRow = FindingSightingRow | IncidentSightingRow


def note_seen(
    session: Session, table: type[SightingRow], scan_id: str, cluster_id: str, seen_ids: Collection[str]
) -> None:
    """Note what a scan saw in one cluster, instead of what it saw there when it ran before (a rerun)."""
    rows = table_of(table)
    session.connection().execute(delete(rows).where(rows.c.scan_id == scan_id, rows.c.cluster_id == cluster_id))
    _insert(session, table, [(scan_id, cluster_id, seen_id) for seen_id in seen_ids])


def note_also_seen(
    session: Session, table: type[SightingRow], scan_id: str, cluster_id: str, seen_ids: Collection[str]
) -> None:
    """Note what a later step of a scan saw in one cluster, beside what it saw there before."""
    _insert(session, table, [(scan_id, cluster_id, seen_id) for seen_id in seen_ids])


def move_sightings(session: Session, table: type[SightingRow], absorbed: dict[str, str]) -> None:
    """Scans that saw what was absorbed have seen what absorbed it.

    Args:
        session: an open transaction.
        table: whose sightings.
        absorbed: the id that is no more, to the id that it became part of.
    """
    if not absorbed:
        return
    rows = table_of(table)
    gone = delete(rows).where(rows.c.seen_id.in_(absorbed)).returning(rows.c.scan_id, rows.c.cluster_id, rows.c.seen_id)
    moved = [(scan, cluster, absorbed[seen]) for scan, cluster, seen in session.connection().execute(gone)]
    _insert(session, table, moved)


def seen_by(table: type[SightingRow], entity_id: InstrumentedAttribute[str] | str, scan_id: str) -> ColumnElement[bool]:
    """The condition that a scan saw the entity with this id."""
    rows = table_of(table)
    return col(entity_id).in_(select(rows.c.seen_id).where(rows.c.scan_id == scan_id))


def _insert(session: Session, table: type[SightingRow], rows: Collection[tuple[str, str, str]]) -> None:
    if rows:
        values = [
            {"scan_id": scan, "cluster_id": cluster, "seen_id": seen} for scan, cluster, seen in sorted(set(rows))
        ]
        session.connection().execute(insert(table_of(table)).on_conflict_do_nothing(), values)
