"""Coverage: what was seen of each chunk, and which chunks are still to be asked for."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from sqlalchemy import ColumnElement, Interval, func, literal, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select

from fleet.errors import CorruptObject
from fleet.frames.coverage import Coverage, CoverageStatus, QueryCoverage
from fleet.frames.window import HISTORY_CHUNK, Window
from storage.database import Database
from storage.documents import from_document, to_document
from storage.statements import table_of
from storage.tables import CoverageRow

STANDING = {
    CoverageStatus.UNKNOWN: 0,
    CoverageStatus.PARTIAL: 1,
    CoverageStatus.ABSENT: 2,
    CoverageStatus.OK: 2,
}
"""A row gives way only to one that saw at least as much: a failing scan takes nothing from one that succeeded."""

Alike = dict[str, QueryCoverage]
"""How queries fared, by the text of it: of a large fleet's day there are millions, of which few differ."""
_CLUSTERS_AT_ONCE = 20
"""A day of one cluster is some 2,000 statuses of queries, about a MiB."""
FINAL = [status.value for status in CoverageStatus if status.final]


class CoverageStore:
    """Coverage by (cluster, collector, pack, step, chunk).

    Every method raises StoreUnavailable or StoreError when the database does.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, coverages: Iterable[Coverage]) -> None:
        """Store what was seen of some chunks, all or nothing; a chunk of which more was seen before stays as it is."""
        table = table_of(CoverageRow)
        statement = insert(table)
        replaced = {
            name: statement.excluded[name] for name in ("status", "standing", "object_key", "object_hash", "body")
        }
        statement = statement.on_conflict_do_update(
            index_elements=list(table.primary_key.columns),
            set_=replaced,
            where=table.c.standing <= statement.excluded.standing,
        )
        rows = [_columns(coverage) for coverage in coverages]
        if not rows:
            return
        # Two writers of the same chunks lock their rows in the same order, and never wait for each other in a ring.
        rows.sort(key=lambda row: [row[column.name] for column in table.primary_key.columns])
        with self._database.session() as session:
            session.connection().execute(statement, rows)

    def missing(
        self, cluster_id: str, collector: str, pack_hash: str, step_seconds: int, chunks: Iterable[Window]
    ) -> list[Window]:
        """Those of the chunks that must be asked for (again), in the order given: no final row holds them whole."""
        wanted = list(chunks)
        if not wanted:
            return []
        query = select(CoverageRow.chunk_start, CoverageRow.chunk_end).where(
            CoverageRow.cluster_id == cluster_id,
            CoverageRow.collector == collector,
            CoverageRow.pack_hash == pack_hash,
            CoverageRow.step_seconds == step_seconds,
            col(CoverageRow.status).in_(FINAL),
            CoverageRow.chunk_start < max(chunk.end for chunk in wanted),
            CoverageRow.chunk_end > min(chunk.start for chunk in wanted),
        )
        with self._database.session() as session:
            seen = [Window(start=start, end=end) for start, end in session.exec(query)]
        return [
            chunk for chunk in wanted if not any(held.start <= chunk.start and chunk.end <= held.end for held in seen)
        ]

    def strike_out(self, coverage: Coverage) -> None:
        """Say of a chunk whose stored object is damaged that nothing is known of it, so that it is asked for again.

        Nothing happens when its row names another object by now.
        """
        told = unreadable(coverage)
        table = table_of(CoverageRow)
        row = _columns(told)
        key = [column.name for column in table.primary_key.columns]
        statement = (
            update(table)
            .where(*(table.c[name] == row[name] for name in key), table.c.object_key == coverage.object_key)
            .values({name: value for name, value in row.items() if name not in key})
        )
        with self._database.session() as session:
            session.connection().execute(statement)

    def list(
        self,
        window: Window,
        *,
        cluster_ids: Collection[str] | None = None,
        collector: str | None = None,
        pack_hash: str | None = None,
        step_seconds: int | None = None,
        alike: Alike | None = None,
    ) -> list[Coverage]:
        """Coverage of the chunks that reach into a window, by cluster and time; a filter that is None holds for all.

        Parts of chunks (of a window that began or ended in the middle of one) are left out once the whole chunk was
        seen: they say nothing more, and what they did not see is known by now. Queries that fared alike are one
        object; ``alike`` has those of earlier calls, and takes these.
        """
        query = select(CoverageRow.body).where(
            CoverageRow.chunk_start < window.end, CoverageRow.chunk_end > window.start, ~_made_superfluous()
        )
        if cluster_ids is not None:
            query = query.where(col(CoverageRow.cluster_id).in_(cluster_ids))
        if collector is not None:
            query = query.where(CoverageRow.collector == collector)
        if pack_hash is not None:
            query = query.where(CoverageRow.pack_hash == pack_hash)
        if step_seconds is not None:
            query = query.where(CoverageRow.step_seconds == step_seconds)
        query = query.order_by(
            CoverageRow.cluster_id, CoverageRow.collector, col(CoverageRow.chunk_start), col(CoverageRow.chunk_end)
        )
        known = {} if alike is None else alike
        with self._database.session() as session:
            return [_read(body, known) for body in session.exec(query)]

    def by_cluster(
        self, window: Window, cluster_ids: Sequence[str], **filters: Any
    ) -> Iterator[tuple[str, Sequence[Coverage]]]:
        """The coverage of many clusters, one after the other in the order given, so that it need not all be held.

        Args:
            window: as in ``list``; a cluster of which there is none has an empty sequence.
            cluster_ids: of which clusters.
            filters: ``collector``, ``pack_hash`` and ``step_seconds`` as in ``list``.
        """
        alike: Alike = {}
        for start in range(0, len(cluster_ids), _CLUSTERS_AT_ONCE):
            some = cluster_ids[start : start + _CLUSTERS_AT_ONCE]
            rows = self.list(window, cluster_ids=some, alike=alike, **filters)
            found = {cluster_id: list(own) for cluster_id, own in groupby(rows, lambda each: each.cluster_id)}
            for cluster_id in some:
                yield cluster_id, found.get(cluster_id, [])

    def stored(
        self, window: Window, cluster_ids: Collection[str], *, collector: str, pack_hash: str, step_seconds: int
    ) -> dict[str, int]:
        """How many chunks that reach into a window hold any series, by cluster; clusters without one are left out."""
        query = (
            select(CoverageRow.cluster_id, func.count())
            .where(
                CoverageRow.chunk_start < window.end,
                CoverageRow.chunk_end > window.start,
                col(CoverageRow.cluster_id).in_(cluster_ids),
                CoverageRow.collector == collector,
                CoverageRow.pack_hash == pack_hash,
                CoverageRow.step_seconds == step_seconds,
                col(CoverageRow.object_key).is_not(None),
                ~_made_superfluous(),
            )
            .group_by(CoverageRow.cluster_id)
        )
        with self._database.session() as session:
            return dict(session.exec(query).all())


def _read(body: Mapping[str, Any], alike: Alike) -> Coverage:
    queries = []
    for each in body.get("queries", []):
        text = str(each)
        if (known := alike.get(text)) is None:
            known = alike[text] = from_document(QueryCoverage, each)
        queries.append(known)
    return from_document(Coverage, {**body, "queries": queries})


def _made_superfluous() -> ColumnElement[bool]:
    """Whether a row lies inside another, final one of the same cluster, collector, pack and step."""
    part, whole = table_of(CoverageRow), table_of(CoverageRow).alias()
    return (
        select(whole.c.cluster_id)
        .where(
            *(whole.c[name] == part.c[name] for name in ("cluster_id", "collector", "pack_hash", "step_seconds")),
            whole.c.status.in_(FINAL),
            # No chunk is longer: the index need not be read from its beginning.
            whole.c.chunk_start > part.c.chunk_start - literal(HISTORY_CHUNK, Interval()),
            whole.c.chunk_start <= part.c.chunk_start,
            whole.c.chunk_end >= part.c.chunk_end,
            tuple_(whole.c.chunk_start, whole.c.chunk_end) != tuple_(part.c.chunk_start, part.c.chunk_end),
        )
        .exists()
    )


def unreadable(coverage: Coverage) -> Coverage:
    """What is known of a chunk once its stored object turned out to be damaged: nothing."""
    reason = "what was stored of this time is damaged; the next run asks the cluster for it again"
    lost = [
        query.model_copy(update={"status": CoverageStatus.UNKNOWN, "reason": reason, "series": 0})
        for query in coverage.queries
        if query.status is not CoverageStatus.ABSENT
    ]
    absent = [query for query in coverage.queries if query.status is CoverageStatus.ABSENT]
    return coverage.model_copy(
        update={
            "status": CoverageStatus.UNKNOWN,
            "reason": reason,
            "error": CorruptObject.__name__,
            "queries": [*lost, *absent],
            "object_key": None,
            "object_hash": None,
            "object_bytes": 0,
        }
    )


def _columns(coverage: Coverage) -> dict[str, Any]:
    return {
        "cluster_id": coverage.cluster_id,
        "collector": coverage.collector,
        "pack_hash": coverage.pack_hash,
        "step_seconds": coverage.step_seconds,
        "chunk_start": coverage.window.start,
        "chunk_end": coverage.window.end,
        "status": coverage.status.value,
        "standing": STANDING[coverage.status],
        "object_key": coverage.object_key,
        "object_hash": coverage.object_hash,
        "body": to_document(coverage),
    }
