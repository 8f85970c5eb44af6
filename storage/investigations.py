"""Investigations by id, cluster and incident."""

from __future__ import annotations

from collections.abc import Collection

from sqlmodel import col, select

from fleet.errors import NotFound
from fleet.investigations.investigation import Investigation
from storage.database import Database
from storage.documents import from_document, to_document
from storage.statements import upsert
from storage.tables import InvestigationRow


class InvestigationStore:
    """Investigations. Every method raises StoreUnavailable or StoreError when the database does."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, investigation: Investigation) -> None:
        """Store an investigation, or replace the one with its id (a rerun)."""
        columns = {
            "id": investigation.id,
            "cluster_id": investigation.cluster_id,
            "incident_id": investigation.incident_id,
            "at": investigation.at,
            "created_at": investigation.created_at,
            "body": to_document(investigation),
        }
        with self._database.session() as session:
            session.connection().execute(upsert(InvestigationRow), columns)

    def get(self, investigation_id: str) -> Investigation:
        """The investigation with this id.

        Raises:
            NotFound: there is none.
        """
        with self._database.session() as session:
            row = session.get(InvestigationRow, investigation_id)
            if row is None:
                raise NotFound(f"There is no investigation with the id {investigation_id!r}.")
            return from_document(Investigation, row.body)

    def of_incident(self, incident_id: str) -> Investigation | None:
        """The newest investigation of an incident, or None."""
        return self.of_incidents([incident_id]).get(incident_id)

    def of_incidents(self, incident_ids: Collection[str]) -> dict[str, Investigation]:
        """The newest investigation of each incident; incidents that were not investigated are left out."""
        newest = (
            select(InvestigationRow.id)
            .where(col(InvestigationRow.incident_id).in_(incident_ids))
            .distinct(col(InvestigationRow.incident_id))
            .order_by(
                col(InvestigationRow.incident_id), col(InvestigationRow.created_at).desc(), col(InvestigationRow.id)
            )
        )
        with self._database.session() as session:
            # By id, so that only bodies that are wanted are read.
            rows = session.exec(select(InvestigationRow).where(col(InvestigationRow.id).in_(newest)))
            return {str(row.incident_id): from_document(Investigation, row.body) for row in rows}

    def list(
        self,
        *,
        cluster_ids: Collection[str] | None = None,
        incident_ids: Collection[str] | None = None,
        limit: int = 100,
    ) -> list[Investigation]:
        """Investigations, newest first; each filter that is None holds for all."""
        query = select(InvestigationRow).order_by(col(InvestigationRow.created_at).desc(), InvestigationRow.id)
        if cluster_ids is not None:
            query = query.where(col(InvestigationRow.cluster_id).in_(cluster_ids))
        if incident_ids is not None:
            query = query.where(col(InvestigationRow.incident_id).in_(incident_ids))
        with self._database.session() as session:
            return [from_document(Investigation, row.body) for row in session.exec(query.limit(limit))]
