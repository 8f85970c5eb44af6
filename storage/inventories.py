"""Inventories, one version a look, and the changes that they tell of."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import func, text, tuple_
from sqlalchemy import select as select_columns
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select

from fleet.frames.window import Window
from fleet.inventory.change import Change, ChangeKind
from fleet.inventory.differences import missed_parts, needed_whole
from fleet.inventory.figures import InventoryFigures
from fleet.inventory.inventory import Inventory
from storage.database import Database
from storage.documents import from_document, to_document
from storage.statements import table_of, upsert
from storage.tables import ChangeRow, InventoryRow

_LET_GO = text(
    """
    UPDATE inventories SET body = jsonb_set(
        body - 'pods', '{gaps}', body->'gaps' || '[{"part": "pods", "reason": "kept of the newest inventory only"}]'
    )
    WHERE cluster_id = :cluster_id AND body ? 'pods' AND observed_at < (
        SELECT max(observed_at) FROM inventories WHERE cluster_id = :cluster_id
    )
    """
)
"""Pods are most of a large cluster's inventory, and no difference rests on those of an earlier one."""

_WITHOUT = text(
    """
    SELECT cluster_id FROM inventories
    WHERE (cluster_id, observed_at) IN (
        SELECT cluster_id, max(observed_at) FROM inventories WHERE cluster_id = ANY (:cluster_ids) GROUP BY cluster_id
    ) AND NOT EXISTS (
        SELECT 1 FROM jsonb_array_elements(body->'gaps') AS gap WHERE gap->>'part' = ANY (:parts)
    ) AND NOT EXISTS (
        SELECT 1 FROM jsonb_array_elements(body->'capabilities') AS known
        WHERE known->>'name' = ANY (:capabilities) AND known->>'presence' IN ('present', 'unknown')
    ) AND NOT EXISTS (
        SELECT 1 FROM jsonb_array_elements(body->'workloads') AS workload,
            jsonb_array_elements_text(workload->'images') AS image
        WHERE image ILIKE '%' || :program || '%'
    )
    """
)
_SHOWING_PROGRAMS = ("capabilities", "deployments", "statefulsets", "daemonsets")
"""Parts of an inventory without which nobody knows what a cluster runs."""


class InventoryStore:
    """Inventories by cluster and time; pods only in each cluster's newest.

    Every method raises StoreUnavailable or StoreError when the database does.
    """

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
            session.connection().execute(_LET_GO, {"cluster_id": inventory.cluster_id})
            return _put_changes(session, [*inventory.changes, *differences])

    def versions(self, cluster_id: str, window: Window | None = None) -> list[datetime]:
        """When a cluster was looked at (UTC), the newest first; in a window, or ever."""
        query = select(InventoryRow.observed_at).where(InventoryRow.cluster_id == cluster_id)
        if window is not None:
            query = query.where(InventoryRow.observed_at >= window.start, InventoryRow.observed_at < window.end)
        with self._database.session() as session:
            return list(session.exec(query.order_by(col(InventoryRow.observed_at).desc())))

    def latest(self, cluster_id: str, *, before: datetime | None = None) -> Inventory | None:
        """The newest inventory of a cluster (observed earlier than ``before``), or None."""
        query = select(InventoryRow).where(InventoryRow.cluster_id == cluster_id)
        if before is not None:
            query = query.where(InventoryRow.observed_at < before)
        query = query.order_by(col(InventoryRow.observed_at).desc()).limit(1)
        with self._database.session() as session:
            row = session.exec(query).one_or_none()
            return from_document(Inventory, row.body) if row else None

    def earlier(self, inventory: Inventory) -> tuple[Inventory | None, dict[str, Inventory]]:
        """The look before an inventory; and by part that only that one could not see, the last look that did."""
        before = self.latest(inventory.cluster_id, before=inventory.observed_at)
        if before is None:
            return None, {}
        times = {part: self._last_whole(before, part) for part in missed_parts(before, inventory)}
        looks = {at: self._at(inventory.cluster_id, at) for at in set(times.values()) if at is not None}
        return before, {part: look for part, at in times.items() if at is not None and (look := looks[at])}

    def _last_whole(self, before: Inventory, part: str) -> datetime | None:
        """When the last look before another was that saw a part whole."""
        row = table_of(InventoryRow)
        query = select(func.max(InventoryRow.observed_at)).where(
            InventoryRow.cluster_id == before.cluster_id, InventoryRow.observed_at < before.observed_at
        )
        for each in needed_whole(part):
            query = query.where(~row.c.body["gaps"].contains([{"part": each}]))
        with self._database.session() as session:
            return session.exec(query).one()

    def _at(self, cluster_id: str, at: datetime) -> Inventory | None:
        with self._database.session() as session:
            row = session.get(InventoryRow, (cluster_id, at))
            return from_document(Inventory, row.body) if row else None

    def without(self, cluster_ids: Collection[str], capabilities: Collection[str], program: str) -> set[str]:
        """Those of the clusters of which the newest inventory says that they do not run a program.

        Args:
            cluster_ids: of which clusters; one that was never looked at is not among the result.
            capabilities: which a cluster that runs it has; absent or unused in those that do not.
            program: stands in the name of its image.
        """
        if not cluster_ids:
            return set()
        terms = {
            "cluster_ids": list(cluster_ids),
            "capabilities": list(capabilities),
            "program": program,
            "parts": list(_SHOWING_PROGRAMS),
        }
        with self._database.session() as session:
            return set(session.connection().execute(_WITHOUT, terms).scalars())

    def figures(self, cluster_ids: Collection[str]) -> dict[str, InventoryFigures]:
        """The newest inventory of each cluster in figures, counted by the database; unseen clusters are left out."""
        row = table_of(InventoryRow)
        newest = (
            select_columns(row.c.cluster_id, func.max(row.c.observed_at))
            .where(row.c.cluster_id.in_(cluster_ids))
            .group_by(row.c.cluster_id)
        )
        query = select_columns(
            row.c.cluster_id,
            row.c.observed_at,
            row.c.body["version"].astext.label("version"),
            *(func.jsonb_array_length(row.c.body[part]).label(part) for part in ("nodes", "workloads", "pods")),
            row.c.body["gaps"].label("gaps"),
        ).where(tuple_(row.c.cluster_id, row.c.observed_at).in_(newest))
        with self._database.session() as session:
            found = session.connection().execute(query).mappings().all()
        return {each["cluster_id"]: InventoryFigures.model_validate(dict(each)) for each in found}


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
        limit: int | None = 1000,
    ) -> list[Change]:
        """Changes, newest first; each filter that is None holds for all, and so does a limit of None."""
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
