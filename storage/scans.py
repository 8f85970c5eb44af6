"""Scans: when they ran, over what, and how they ended."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

from sqlmodel import Session, col, select

from fleet.errors import NotFound
from fleet.findings.scan import Scan, ScanState
from storage.database import Database, lock_cluster
from storage.documents import from_document, to_document
from storage.statements import upsert
from storage.tables import ScanRow


class ScanStore:
    """Scans by id. Every method raises StoreUnavailable or StoreError when the database does."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, scan: Scan) -> Scan:
        """Store a scan, or bring the one with its id up to date; the time of the first creation stays."""
        with self._database.session() as session:
            lock_cluster(session, "scans", scan.id)
            known = session.get(ScanRow, scan.id)
            if known is not None:
                scan = scan.model_copy(update={"created_at": known.created_at})
            return _write(session, scan)

    def finish(
        self,
        scan_id: str,
        state: ScanState,
        counts: Mapping[str, int],
        finished_at: datetime,
        judged_ids: Collection[str] | None = None,
    ) -> Scan:
        """Note how a scan ended and which clusters it judged; finishing it again (a rerun) overwrites.

        Raises:
            NotFound: there is no scan with this id.
        """
        with self._database.session() as session:
            lock_cluster(session, "scans", scan_id)
            scan = _read(session, scan_id)
            ended = {
                "state": state,
                "counts": dict(counts),
                "finished_at": finished_at,
                "judged_ids": None if judged_ids is None else sorted(judged_ids),
            }
            return _write(session, scan.model_copy(update=ended))

    def get(self, scan_id: str) -> Scan:
        """The scan with this id.

        Raises:
            NotFound: there is none.
        """
        with self._database.session() as session:
            return _read(session, scan_id)

    def list(
        self,
        *,
        states: Collection[ScanState] | None = None,
        cluster_id: str | None = None,
        before: datetime | None = None,
        limit: int = 100,
    ) -> list[Scan]:
        """Scans, newest first.

        Args:
            states: only scans in these states.
            cluster_id: only scans over this cluster.
            before: only scans created earlier.
            limit: at most so many.
        """
        query = select(ScanRow).order_by(col(ScanRow.created_at).desc(), ScanRow.id).limit(limit)
        if states is not None:
            query = query.where(col(ScanRow.state).in_([state.value for state in states]))
        if cluster_id is not None:
            query = query.where(col(ScanRow.body).contains({"cluster_ids": [cluster_id]}))
        if before is not None:
            query = query.where(ScanRow.created_at < before)
        with self._database.session() as session:
            return [from_document(Scan, row.body) for row in session.exec(query)]


def _read(session: Session, scan_id: str) -> Scan:
    row = session.get(ScanRow, scan_id)
    if row is None:
        raise NotFound(f"There is no scan with the id {scan_id!r}.")
    return from_document(Scan, row.body)


def _write(session: Session, scan: Scan) -> Scan:
    columns = {"id": scan.id, "state": scan.state.value, "created_at": scan.created_at, "body": to_document(scan)}
    session.connection().execute(upsert(ScanRow), columns)
    return scan
