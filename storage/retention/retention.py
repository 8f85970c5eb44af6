"""Everything whose time is over, in the order in which it goes."""

from __future__ import annotations

from datetime import datetime

from storage.database import Database
from storage.objects import ObjectStore
from storage.retention.chunks import ExpiringChunks
from storage.retention.expired import Expired, Swept
from storage.retention.lifetimes import Lifetimes
from storage.retention.models import ExpiringModels
from storage.retention.rows import ExpiringRows
from storage.retention.sweep import Sweep
from storage.retention.usage import Usage, usage_of


class Retention:
    """Expires data by kind. Every method raises StoreUnavailable or StoreError when a store does.

    Each step can be killed anywhere, and run again.
    """

    def __init__(self, database: Database, objects: ObjectStore) -> None:
        self._database = database
        self._objects = objects

    def sweep(self, now: datetime, *, dry_run: bool = False) -> Swept:
        """Delete objects that nothing names; before ``expire``, so that what that lets go lasts until a later run."""
        return Sweep(self._database, self._objects, now).run(dry_run=dry_run)

    def expire(self, lifetimes: Lifetimes, now: datetime, *, dry_run: bool = False) -> list[Expired]:
        """Delete rows whose time is over: results first, since what they cite stays as long as they do."""
        results = ExpiringRows(self._database).expire(lifetimes, now, dry_run=dry_run)
        chunks = ExpiringChunks(self._database).expire(lifetimes, now, dry_run=dry_run)
        return [*chunks, ExpiringModels(self._database).expire(lifetimes, now, dry_run=dry_run), *results]

    def usage(self, lifetimes: Lifetimes) -> Usage:
        """How much there is of each kind."""
        return usage_of(self._database, self._objects, lifetimes)
