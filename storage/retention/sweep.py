"""Objects that nothing names: of rows that expired, of writers that were killed before they wrote the row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from datetime import datetime, timedelta
from itertools import islice

from sqlalchemy import text

from storage.database import Database
from storage.objects import ListedObject, ObjectStore
from storage.retention.citations import cited_keys
from storage.retention.expired import Swept

GRACE = timedelta(days=1)
"""A younger object may be one whose row is about to be written."""
HELD = timedelta(hours=12)
"""An object whose row went later may be one that an investigation is about to cite."""
CHUNKS, MODELS, REPORTS = "frames", "models", "reports"
"""The folders that are swept; chunks and models lie in a folder a cluster. What lies elsewhere is not ours to judge."""
_BATCH = 500
_CHUNK_KEYS = text(
    """
    SELECT object_key FROM coverage WHERE cluster_id = :cluster_id AND object_key = ANY (CAST(:keys AS text[]))
    UNION ALL
    SELECT object_key FROM objects_let_go WHERE object_key = ANY (CAST(:keys AS text[])) AND let_go_at > :held_since
    """
)
_MODEL_KEYS = text(
    """
    SELECT part->>'object_key' FROM models, jsonb_array_elements(body->'parts') AS part
    WHERE cluster_id = :cluster_id AND part->>'object_key' = ANY (CAST(:keys AS text[]))
    UNION ALL
    SELECT object_key FROM objects_let_go WHERE object_key = ANY (CAST(:keys AS text[])) AND let_go_at > :held_since
    """
)
_REPORT_KEYS = text(
    """
    SELECT form.value->>'object_key' FROM reports, jsonb_each(body->'formats') AS form
    WHERE form.value->>'object_key' = ANY (CAST(:keys AS text[]))
    """
)
_FORGET = text("DELETE FROM objects_let_go WHERE let_go_at <= :held_since")


class Sweep:
    """Deletes objects that no row names and nobody cites, some at a time; a rerun goes on.

    Args:
        database: where the rows are.
        objects: where the objects are.
        now: the current time (aware).
    """

    def __init__(self, database: Database, objects: ObjectStore, now: datetime) -> None:
        self._database = database
        self._objects = objects
        self._older_than = now - GRACE
        self._held_since = now - HELD

    def run(self, *, dry_run: bool) -> Swept:
        """Delete them, or only count."""
        count, size = 0, 0
        for orphans in self._orphans():
            if not dry_run:
                self._objects.delete_all([each.key for each in orphans])
            count, size = count + len(orphans), size + sum(each.size_bytes for each in orphans)
        if not dry_run:
            with self._database.session() as session:
                session.connection().execute(_FORGET, {"held_since": self._held_since})
        return Swept(objects=count, object_bytes=size)

    def _orphans(self) -> Iterator[list[ListedObject]]:
        """Some at a time, judged just before they are given: what is written anew meanwhile has a row by then."""
        for cluster_id in self._objects.folders(CHUNKS):
            for batch in self._old(f"{CHUNKS}/{cluster_id}"):
                named = self._chunks_named([each.key for each in batch], cluster_id)
                yield [each for each in batch if each.key not in named]
        for cluster_id in self._objects.folders(MODELS):
            for batch in self._old(f"{MODELS}/{cluster_id}"):
                named = self._models_named([each.key for each in batch], cluster_id)
                yield [each for each in batch if each.key not in named]
        for batch in self._old(REPORTS):
            named = self._reports_named([each.key for each in batch])
            yield [each for each in batch if each.key not in named]

    def _old(self, folder: str) -> Iterator[list[ListedObject]]:
        old = (each for each in self._objects.under(folder) if each.modified_at < self._older_than)
        while batch := list(islice(old, _BATCH)):
            yield batch

    def _chunks_named(self, keys: Sequence[str], cluster_id: str) -> Set[str]:
        terms = {"cluster_id": cluster_id, "keys": keys, "held_since": self._held_since}
        with self._database.session() as session:
            rows = set(session.connection().execute(_CHUNK_KEYS, terms).scalars())
        return rows if rows.issuperset(keys) else rows | cited_keys(self._database, cluster_id)

    def _models_named(self, keys: Sequence[str], cluster_id: str) -> Set[str]:
        terms = {"cluster_id": cluster_id, "keys": keys, "held_since": self._held_since}
        with self._database.session() as session:
            return set(session.connection().execute(_MODEL_KEYS, terms).scalars())

    def _reports_named(self, keys: Sequence[str]) -> Set[str]:
        with self._database.session() as session:
            return set(session.connection().execute(_REPORT_KEYS, {"keys": keys}).scalars())
