"""Inventories, one version a look, and the changes that they tell of."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select

from fleet.frames.window import Window
from fleet.inventory.change import Change, ChangeKind
from fleet.inventory.inventory import Inventory
from storage.database import Database
from storage.documents import from_document, to_document
from storage.statements import table_of, upsert
from storage.tables import ChangeRow, InventoryRow


class InventoryStore:
    """Inventories by cluster and time. Every method raises StoreUnavailable or StoreError when the database does."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, inventory: Inventory, differences: Sequence[Change] = ()) -> int:
        """Store an inventory with its changes, all or nothing; the same one again changes nothing.

        Args:
            inventory: what discovery saw; its own ``changes`` are stored too.
            differences: changes against the inventory before.

        Returns:
            How many of the changes were not known yet.
        """
        columns = {
            "cluster_id": inventory.cluster_id,
            "observed_at": inventory.observed_at,
            "body": to_document(inventory),
        }
        with self._database.session() as session:
            session.connection().execute(upsert(InventoryRow), columns)
            return _put_changes(session, [*inventory.changes, *differences])

    def latest(self, cluster_id: str, *, before: datetime | None = None) -> Inventory | None:
        """The newest inventory of a cluster (observed earlier than ``before``), or None."""
        query = select(InventoryRow).where(InventoryRow.cluster_id == cluster_id)
        if before is not None:
            query = query.where(InventoryRow.observed_at < before)
        query = query.order_by(col(InventoryRow.observed_at).desc()).limit(1)
        with self._database.session() as session:
            row = session.exec(query).one_or_none()
            return from_document(Inventory, row.body) if row else None


class ChangeStore:
    """Changes by cluster and time. Every method raises StoreUnavailable or StoreError when the database does."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, changes: Sequence[Change]) -> int:
        """Store changes; those that are known stay as they are. Returns how many were new."""
        with self._database.session() as session:
            return _put_changes(session, changes)

    def list(
        self,
        *,
        cluster_ids: Collection[str] | None = None,
        window: Window | None = None,
        kinds: Collection[ChangeKind] | None = None,
        limit: int = 1000,
    ) -> list[Change]:
        """Changes, newest first; each filter that is None holds for all."""
        query = select(ChangeRow).order_by(col(ChangeRow.at).desc(), ChangeRow.id).limit(limit)
        if cluster_ids is not None:
            query = query.where(col(ChangeRow.cluster_id).in_(cluster_ids))
        if window is not None:
            query = query.where(ChangeRow.at >= window.start, ChangeRow.at < window.end)
        if kinds is not None:
            query = query.where(col(ChangeRow.kind).in_([kind.value for kind in kinds]))
        with self._database.session() as session:
            return [from_document(Change, row.body) for row in session.exec(query)]


def _put_changes(session: Session, changes: Sequence[Change]) -> int:
    # In order of id, so that two writers of the same changes wait for each other instead of locking up.
    by_id = {change.id: change for change in changes}
    rows = [
        {
            "id": change_id,
            "cluster_id": change.cluster_id,
            "kind": change.kind.value,
            "at": change.at,
            "body": to_document(change),
        }
        for change_id, change in sorted(by_id.items())
    ]
    if not rows:
        return 0
    statement = insert(table_of(ChangeRow)).on_conflict_do_nothing().returning(table_of(ChangeRow).c.id)
    return len(session.connection().execute(statement, rows).all())
