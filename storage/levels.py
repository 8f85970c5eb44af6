"""By what scans compare clusters with their like; they expire with their scans."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime

from sqlalchemy import select as select_columns
from sqlmodel import col, select

from fleet.detectors.cohorts.clusters import ClusterLevels
from storage.database import Database
from storage.documents import from_document, to_document
from storage.statements import table_of, upsert
from storage.tables import ClusterLevelsRow


class LevelStore:
    """Levels by scan and cluster. Every method raises StoreUnavailable or StoreError when the database does."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, scan_id: str, levels: ClusterLevels) -> None:
        """Store the levels of a cluster in a scan, or replace them (a rerun)."""
        columns = {
            "scan_id": scan_id,
            "cluster_id": levels.cluster_id,
            "written_at": datetime.now(UTC),
            "body": to_document(levels),
        }
        with self._database.session() as session:
            session.connection().execute(upsert(ClusterLevelsRow), columns)

    def of_scan(self, scan_id: str, cluster_ids: Collection[str]) -> list[ClusterLevels]:
        """The levels of these clusters in a scan, in order of cluster; those that it did not judge are left out."""
        query = (
            select(ClusterLevelsRow)
            .where(ClusterLevelsRow.scan_id == scan_id, col(ClusterLevelsRow.cluster_id).in_(cluster_ids))
            .order_by(ClusterLevelsRow.cluster_id)
        )
        with self._database.session() as session:
            return [from_document(ClusterLevels, row.body) for row in session.exec(query)]

    def cohorts_seen(self, scan_id: str) -> dict[str, str]:
        """The cohort of each cluster that a scan judged, "" where it is not known, in order of cluster."""
        row = table_of(ClusterLevelsRow)
        cohort = row.c.body["cohort"].astext.label("cohort")
        query = select_columns(row.c.cluster_id, cohort).where(row.c.scan_id == scan_id).order_by(row.c.cluster_id)
        with self._database.session() as session:
            return {each.cluster_id: each.cohort for each in session.connection().execute(query)}

    def cohorts(self, cluster_ids: Collection[str]) -> dict[str, str]:
        """The cohort of each cluster as any scan last knew it; clusters that none knows are left out."""
        row = table_of(ClusterLevelsRow)
        query = (
            select_columns(row.c.cluster_id, row.c.body["cohort"].astext)
            .where(row.c.cluster_id.in_(cluster_ids))
            .distinct(row.c.cluster_id)
            .order_by(row.c.cluster_id, row.c.written_at.desc())
        )
        with self._database.session() as session:
            return {cluster_id: cohort for cluster_id, cohort in session.connection().execute(query) if cohort}
