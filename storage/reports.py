"""Report records; the rendered bytes lie in the object store (``storage.report_objects``)."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from sqlalchemy import delete
from sqlmodel import col, select

from fleet.errors import NotFound
from fleet.reports.record import ReportKind, ReportRecord
from storage.database import Database
from storage.documents import from_document, to_document
from storage.statements import upsert
from storage.tables import ReportRow

_PAGE = 10


class ReportStore:
    """Reports by id. Every method raises StoreUnavailable or StoreError when the database does."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, report: ReportRecord) -> None:
        """Store a report, or replace the one with its id (a rerun). Write its objects first."""
        columns = {
            "id": report.id,
            "kind": report.kind.value,
            "scan_id": report.scan_id,
            "created_at": report.created_at,
            "body": to_document(report),
        }
        with self._database.session() as session:
            session.connection().execute(upsert(ReportRow), columns)

    def get(self, report_id: str) -> ReportRecord:
        """The report with this id.

        Raises:
            NotFound: there is none.
        """
        with self._database.session() as session:
            row = session.get(ReportRow, report_id)
            if row is None:
                raise NotFound(
                    f"There is no report with the id {report_id!r}.",
                    hint="`fleetscope report list` shows those that there are.",
                )
            return from_document(ReportRecord, row.body)

    def list(
        self, *, kinds: Collection[ReportKind] | None = None, scan_id: str | None = None, limit: int = 100
    ) -> list[ReportRecord]:
        """Reports, newest first; each filter that is None holds for all."""
        query = select(ReportRow).order_by(col(ReportRow.created_at).desc(), ReportRow.id).limit(limit)
        if kinds is not None:
            query = query.where(col(ReportRow.kind).in_([kind.value for kind in kinds]))
        if scan_id is not None:
            query = query.where(ReportRow.scan_id == scan_id)
        with self._database.session() as session:
            return [from_document(ReportRecord, row.body) for row in session.exec(query)]

    def newest(self, kind: ReportKind, *, most: int = 200) -> Iterator[ReportRecord]:
        """Reports of a kind, newest first, read a few at a time: what one says of a large fleet is large."""
        query = select(ReportRow).where(ReportRow.kind == kind.value)
        query = query.order_by(col(ReportRow.created_at).desc(), ReportRow.id).limit(_PAGE)
        for offset in range(0, most, _PAGE):
            with self._database.session() as session:
                reports = [from_document(ReportRecord, row.body) for row in session.exec(query.offset(offset))]
            yield from reports
            if len(reports) < _PAGE:
                return

    def delete(self, report_id: str) -> bool:
        """Delete a report's row; delete its objects afterwards. False when there was none."""
        with self._database.session() as session:
            return bool(session.connection().execute(delete(ReportRow).where(col(ReportRow.id) == report_id)).rowcount)
