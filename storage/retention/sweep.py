"""Objects that nothing names: of rows that expired, of writers that were killed before they wrote the row."""

from __future__ import annotations

from collections.abc import Iterator, Set
from datetime import datetime, timedelta

from sqlalchemy import text

from storage.database import Database
from storage.objects import ListedObject, ObjectStore
from storage.retention.citations import cited_keys
from storage.retention.expired import Swept

GRACE = timedelta(days=1)
"""A younger object may be one whose row is about to be written."""
CHUNKS, REPORTS = "frames", "reports"
"""The folders that are swept; chunks lie in a folder a cluster. What lies elsewhere is not ours to judge."""
_BATCH = 500
_CHUNK_KEYS = text("SELECT object_key FROM coverage WHERE cluster_id = :cluster_id AND object_key IS NOT NULL")
_REPORT_KEYS = text("SELECT form.value->>'object_key' FROM reports, jsonb_each(body->'formats') AS form")


class Sweep:
    """Deletes objects that no row names and nobody cites, a cluster at a time; a rerun goes on."""

    def __init__(self, database: Database, objects: ObjectStore) -> None:
        self._database = database
        self._objects = objects

    def run(self, now: datetime, *, dry_run: bool) -> Swept:
        """Delete them, or only count.

        Args:
            now: the current time (aware).
            dry_run: only count.
        """
        count, size = 0, 0
        for orphan in self._orphans(now - GRACE, dry_run=dry_run):
            count, size = count + 1, size + orphan.size_bytes
        return Swept(objects=count, object_bytes=size)

    def _orphans(self, before: datetime, *, dry_run: bool) -> Iterator[ListedObject]:
        for cluster_id in self._objects.folders(CHUNKS):
            yield from self._of_folder(f"{CHUNKS}/{cluster_id}", cluster_id, before, dry_run=dry_run)
        yield from self._of_folder(REPORTS, None, before, dry_run=dry_run)

    def _of_folder(
        self, folder: str, cluster_id: str | None, before: datetime, *, dry_run: bool
    ) -> Iterator[ListedObject]:
        old = [each for each in self._objects.under(folder) if each.modified_at < before]
        # Read after the listing: a row that was written since is seen.
        named = self._named(cluster_id)
        orphans = [each for each in old if each.key not in named]
        for start in range(0, len(orphans), _BATCH):
            batch = orphans[start : start + _BATCH]
            if not dry_run:
                self._objects.delete_all([each.key for each in batch])
            yield from batch

    def _named(self, cluster_id: str | None) -> Set[str]:
        with self._database.session() as session:
            if cluster_id is None:
                return set(session.connection().execute(_REPORT_KEYS).scalars())
            rows = set(session.connection().execute(_CHUNK_KEYS, {"cluster_id": cluster_id}).scalars())
        return rows | cited_keys(self._database, cluster_id)
