"""Versions of what was learnt whose time is over."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import text

from storage.database import Database
from storage.retention.expired import Expired
from storage.retention.lifetimes import DataKind, Lifetimes

KEPT = 3
"""So many of the newest of a registered cluster and pack stay however old they are, to go back to; and so does the
active one. Of a pack that is not used there any more none stays, unless it was pinned by hand."""
PART_BYTES = """
    coalesce(sum((
        SELECT sum(CAST(part->>'object_bytes' AS bigint)) FROM jsonb_array_elements(body->'parts') AS part
    )), 0)
"""
_UNUSED = """
    NOT EXISTS (
        SELECT 1 FROM models AS used WHERE used.cluster_id = models.cluster_id AND used.pack_hash = models.pack_hash
            AND used.created_at >= :cutoff
    ) AND EXISTS (
        SELECT 1 FROM models AS other WHERE other.cluster_id = models.cluster_id AND other.pack_hash <> models.pack_hash
            AND other.created_at >= :cutoff
    )
"""
_EXPIRED = f"""
    created_at < :cutoff AND (
        cluster_id NOT IN (SELECT id FROM clusters)
        OR NOT CAST(body->>'pinned' AS boolean) AND (
            {_UNUSED} OR NOT active AND {KEPT} <= (
                SELECT count(*) FROM models AS newer
                WHERE newer.cluster_id = models.cluster_id AND newer.pack_hash = models.pack_hash
                    AND newer.version > models.version
            )
        )
    )
"""  # noqa: S608 - made of constants
_COUNT = text(f"SELECT count(*), {PART_BYTES} FROM models WHERE {_EXPIRED}")  # noqa: S608
_DELETE = text(
    f"""
    WITH gone AS (
        DELETE FROM models WHERE ctid = ANY (ARRAY(
            SELECT ctid FROM models WHERE {_EXPIRED} FOR UPDATE SKIP LOCKED
        )) RETURNING body
    ), let_go AS (
        INSERT INTO objects_let_go (object_key, let_go_at)
        SELECT DISTINCT part->>'object_key', clock_timestamp()
        FROM gone, jsonb_array_elements(body->'parts') AS part
        ON CONFLICT (object_key) DO UPDATE SET let_go_at = excluded.let_go_at
    )
    SELECT count(*), {PART_BYTES} FROM gone
    """  # noqa: S608 - made of constants
)


class ExpiringModels:
    """Rows of versions; a scan that is just reading what one named still finds it, for the sweep waits."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def expire(self, lifetimes: Lifetimes, now: datetime, *, dry_run: bool) -> Expired:
        """Delete the rows whose time is over; a rerun goes on.

        Args:
            lifetimes: how long they are kept.
            now: the current time (aware).
            dry_run: only count.
        """
        cutoff = lifetimes.cutoff(DataKind.MODELS, now)
        terms: dict[str, Any] = {"cutoff": cutoff}
        with self._database.session() as session:
            rows, size = session.connection().execute(_COUNT if dry_run else _DELETE, terms).one()
        return Expired(kind=DataKind.MODELS, older_than=cutoff, rows=int(rows), object_bytes=int(size))
