"""Chunks of collected data whose time is over: frames, history, and what else was collected."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import text

from fleet.frames.window import HISTORY_STEP_SECONDS
from storage.database import Database
from storage.retention.citations import cited_keys
from storage.retention.expired import Expired
from storage.retention.lifetimes import DataKind, Lifetimes

JUST_COLLECTED = timedelta(days=1)
"""Old time that somebody looks into now was asked for on purpose: it is not taken away at once."""
_BATCH = 500
CHUNK_CONDITIONS: Mapping[DataKind, str] = {
    DataKind.FRAMES: f"collector = 'prometheus' AND step_seconds BETWEEN 1 AND {HISTORY_STEP_SECONDS - 1}",
    DataKind.HISTORY: f"collector = 'prometheus' AND step_seconds >= {HISTORY_STEP_SECONDS}",
    DataKind.EVIDENCE: "(collector <> 'prometheus' OR step_seconds = 0)",
}
"""Which rows of ``coverage`` are of which kind; only series have steps."""

_EXPIRED = """
    cluster_id = :cluster_id AND {of_kind} AND chunk_end < :cutoff
    AND coalesce(CAST(body->>'collected_at' AS timestamptz) < :just_collected, true)
"""
_UNCITED = "coalesce(object_key <> ALL (CAST(:cited AS text[])), true)"
CHUNK_BYTES = "coalesce(sum(CAST(body->>'object_bytes' AS bigint)), 0)"


class ExpiringChunks:
    """Coverage rows with their objects' sizes. The row goes first: without it, its object is nothing to anybody."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def expire(self, lifetimes: Lifetimes, now: datetime, *, dry_run: bool) -> list[Expired]:
        """Delete the rows whose time is over and whose object nobody cites, some at a time; a rerun goes on.

        Rows that somebody is just writing are left to the next run.

        Args:
            lifetimes: how long each kind is kept.
            now: the current time (aware).
            dry_run: only count.
        """
        totals = {kind: Expired(kind=kind, older_than=lifetimes.cutoff(kind, now), rows=0) for kind in CHUNK_CONDITIONS}
        for cluster_id in self._clusters():
            cited = list(cited_keys(self._database, cluster_id))
            for kind, total in totals.items():
                terms = {
                    "cluster_id": cluster_id,
                    "cited": cited,
                    "cutoff": total.older_than,
                    "just_collected": now - JUST_COLLECTED,
                }
                rows, size = self._count(kind, terms) if dry_run else self._delete(kind, terms)
                went = {"rows": total.rows + rows, "object_bytes": total.object_bytes + size}
                totals[kind] = total.model_copy(update={**went, "kept": total.kept + self._kept(kind, terms)})
        return list(totals.values())

    def _clusters(self) -> list[str]:
        with self._database.session() as session:
            return list(session.connection().execute(text("SELECT DISTINCT cluster_id FROM coverage")).scalars())

    def _count(self, kind: DataKind, terms: dict[str, Any]) -> tuple[int, int]:
        query = f"SELECT count(*), {CHUNK_BYTES} FROM coverage WHERE {_expired(kind)} AND {_UNCITED}"  # noqa: S608
        with self._database.session() as session:
            rows, size = session.connection().execute(text(query), terms).one()
        return int(rows), int(size)

    def _kept(self, kind: DataKind, terms: dict[str, Any]) -> int:
        query = f"SELECT count(*) FROM coverage WHERE {_expired(kind)} AND NOT {_UNCITED}"  # noqa: S608
        with self._database.session() as session:
            return int(session.connection().execute(text(query), terms).scalar_one())

    def _delete(self, kind: DataKind, terms: dict[str, Any]) -> tuple[int, int]:
        statement = text(
            f"""
            WITH gone AS (
                DELETE FROM coverage WHERE ctid = ANY (ARRAY(
                    SELECT ctid FROM coverage WHERE {_expired(kind)} AND {_UNCITED} LIMIT {_BATCH}
                    FOR UPDATE SKIP LOCKED
                )) RETURNING object_key, body
            ), let_go AS (
                INSERT INTO objects_let_go (object_key, let_go_at)
                SELECT DISTINCT object_key, clock_timestamp() FROM gone WHERE object_key IS NOT NULL
                ON CONFLICT (object_key) DO UPDATE SET let_go_at = excluded.let_go_at
            )
            SELECT count(*), {CHUNK_BYTES} FROM gone
            """  # noqa: S608 - made of constants
        )
        rows, size = 0, 0
        while True:
            with self._database.session() as session:
                more, bytes_more = session.connection().execute(statement, terms).one()
            rows, size = rows + int(more), size + int(bytes_more)
            if not more:
                return rows, size


def _expired(kind: DataKind) -> str:
    return _EXPIRED.format(of_kind=CHUNK_CONDITIONS[kind])
