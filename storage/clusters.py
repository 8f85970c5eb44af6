"""The registry of clusters."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime

from sqlalchemy import delete
from sqlmodel import Session, col, select

from fleet.errors import NotFound, UsageError
from fleet.inventory.cluster import Cluster, ClusterOrigin, cluster_id
from storage.database import Database, lock_cluster
from storage.documents import from_document, to_document
from storage.statements import upsert
from storage.tables import ClusterRow


class ClusterStore:
    """Clusters by id and name. Every method raises StoreUnavailable or StoreError when the database does."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, cluster: Cluster) -> Cluster:
        """Register a cluster, or bring the one with its id up to date; the time of the first registration stays."""
        with self._database.session() as session:
            lock_cluster(session, "clusters", cluster.id)
            known = _by_id(session, cluster.id)
            registered_at = (known and known.registered_at) or cluster.registered_at or datetime.now(UTC)
            stored = cluster.model_copy(update={"registered_at": registered_at})
            session.connection().execute(upsert(ClusterRow), _columns(stored))
            return stored

    def change(self, name: str, change: Callable[[Cluster], Cluster]) -> Cluster:
        """Bring the cluster with this name up to date; two changes at once go one after the other.

        Args:
            name: the cluster's.
            change: gives the cluster as it shall be, of the cluster as it is; id and name must stay.

        Raises:
            NotFound: there is none; whatever ``change`` raises, and then nothing is changed.
        """
        with self._database.session() as session:
            lock_cluster(session, "clusters", cluster_id(name))
            changed = change(_by_name(session, name))
            session.connection().execute(upsert(ClusterRow), _columns(changed))
            return changed

    def get(self, cluster_id: str) -> Cluster:
        """The cluster with this id.

        Raises:
            NotFound: there is none.
        """
        with self._database.session() as session:
            cluster = _by_id(session, cluster_id)
        if cluster is None:
            raise NotFound(f"There is no cluster with the id {cluster_id!r}.")
        return cluster

    def by_name(self, name: str) -> Cluster:
        """The cluster with this name.

        Raises:
            NotFound: there is none.
        """
        with self._database.session() as session:
            return _by_name(session, name)

    def by_names(self, names: Collection[str]) -> dict[str, Cluster]:
        """The clusters with these names by name, in the order given.

        Raises:
            NotFound: one of them is not there.
        """
        query = select(ClusterRow).where(col(ClusterRow.name).in_(names))
        with self._database.session() as session:
            found = {row.name: from_document(Cluster, row.body) for row in session.exec(query)}
        for name in names:
            if name not in found:
                raise _no_cluster(name)
        return {name: found[name] for name in names}

    def chosen(self, names: Collection[str], selector: Mapping[str, str]) -> list[Cluster]:
        """The named clusters, or every active registered one, that match the selector; at least one.

        Raises:
            NotFound: a name is not registered.
            UsageError: nothing matches.
        """
        found = self.by_names(names).values() if names else self.list()
        matching = [cluster for cluster in found if cluster.matches(dict(selector))]
        if not matching:
            wanted = ", ".join(f"{key}={value}" for key, value in selector.items())
            raise UsageError(
                f"No cluster matches {wanted}." if wanted else "No cluster is registered.",
                hint="`fleetscope cluster list` shows what there is, `fleetscope cluster add --help` how to "
                "register one.",
            )
        return matching

    def list(
        self,
        selector: Mapping[str, str] | None = None,
        *,
        active: bool | None = True,
        origin: ClusterOrigin | None = ClusterOrigin.REGISTERED,
    ) -> list[Cluster]:
        """Clusters in order of name, all of them: a fleet that were cut somewhere would pass for a healthy one.

        Args:
            selector: ``key=value`` that must all hold, as in ``Cluster.matches``; None for every cluster.
            active: only active or only inactive ones; None for both.
            origin: how they came into the registry; None for any.
        """
        query = select(ClusterRow).order_by(ClusterRow.name)
        columns = {"name": ClusterRow.name, "environment": ClusterRow.environment, "region": ClusterRow.region}
        labels = {key: value for key, value in (selector or {}).items() if key not in columns}
        for key, column in columns.items():
            if selector and key in selector:
                query = query.where(column == selector[key])
        if labels:
            query = query.where(col(ClusterRow.body).contains({"labels": labels}))
        if active is not None:
            query = query.where(col(ClusterRow.active).is_(active))
        if origin is not None:
            query = query.where(ClusterRow.origin == origin.value)
        with self._database.session() as session:
            return [from_document(Cluster, row.body) for row in session.exec(query)]

    def known(self, cluster_ids: Collection[str]) -> dict[str, Cluster]:
        """Those of the ids that are registered (still), with their clusters, in the order given."""
        query = select(ClusterRow).where(col(ClusterRow.id).in_(cluster_ids))
        with self._database.session() as session:
            found = {row.id: from_document(Cluster, row.body) for row in session.exec(query)}
        return {cluster_id: found[cluster_id] for cluster_id in cluster_ids if cluster_id in found}

    def delete(self, cluster_id: str) -> bool:
        """Strike a cluster from the registry; what was found in it stays. False when there was none."""
        with self._database.session() as session:
            # A change that is under way would put the row back.
            lock_cluster(session, "clusters", cluster_id)
            return bool(
                session.connection().execute(delete(ClusterRow).where(col(ClusterRow.id) == cluster_id)).rowcount
            )


def _by_name(session: Session, name: str) -> Cluster:
    row = session.exec(select(ClusterRow).where(ClusterRow.name == name)).one_or_none()
    if row is None:
        raise _no_cluster(name)
    return from_document(Cluster, row.body)


def _no_cluster(name: str) -> NotFound:
    return NotFound(
        f"There is no cluster named {name!r}.", hint="`fleetscope cluster list` shows those that there are."
    )


def _by_id(session: Session, cluster_id: str) -> Cluster | None:
    row = session.get(ClusterRow, cluster_id)
    return from_document(Cluster, row.body) if row else None


def _columns(cluster: Cluster) -> dict[str, object]:
    return {
        "id": cluster.id,
        "name": cluster.name,
        "environment": cluster.environment,
        "region": cluster.region,
        "active": cluster.active,
        "origin": cluster.origin.value,
        "body": to_document(cluster),
    }
