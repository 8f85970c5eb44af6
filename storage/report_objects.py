"""Rendered reports in the object store."""

from __future__ import annotations

from fleet.reports.record import ReportFormat, ReportKind, ReportRecord, StoredForm
from storage.objects import ObjectStore, content_key


class ReportObjectStore:
    """Bytes of reports, under ``reports/<kind>/<id>-<hash>.<format>``.

    Every method raises StoreUnavailable or StoreError when the object store does.
    """

    def __init__(self, objects: ObjectStore) -> None:
        self._objects = objects

    def put(self, kind: ReportKind, report_id: str, form: ReportFormat, data: bytes) -> StoredForm:
        """Store one rendered form; the report's row, written afterwards, makes it visible."""
        key = content_key(f"reports/{kind.value}/{report_id}", data, form.value)
        digest = self._objects.put(key, data, form.content_type)
        return StoredForm(object_key=key, object_hash=digest, object_bytes=len(data))

    def get(self, stored: StoredForm) -> bytes:
        """The bytes of a form.

        Raises:
            NotFound: they are gone.
            CorruptObject: they are not what was stored.
        """
        return self._objects.get(stored.object_key, stored.object_hash)

    def delete(self, report: ReportRecord) -> None:
        """Delete all forms of a report; delete its row first."""
        for stored in report.formats.values():
            self._objects.delete(stored.object_key)
