"""Report: turn stored results into one content model, render it, keep the forms, and owe the mails."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from uuid import NAMESPACE_URL, uuid5

from prefect import task

from blocks.stores import open_stores
from fleet.errors import NotFound
from fleet.findings.scan import Scan, ScanPurpose, ScanState
from fleet.reports.compose import compose
from fleet.reports.delivery import Delivery
from fleet.reports.html import render_html
from fleet.reports.markdown import render_markdown
from fleet.reports.pdf import render_pdf
from fleet.reports.record import ReportFormat, ReportKind, ReportRecord
from storage.stores import Stores
from tasks.policy import STEP
from tasks.report_material import gather, previous_summary

ENDED = [ScanState.COMPLETED, ScanState.COMPLETED_WITH_GAPS]


@task(name="create_report", **STEP)
def write_report(kind: ReportKind, scan_id: str | None, clusters: list[str], incident_id: str | None) -> str:
    """Compose, render and keep a report; the same scan and choice give the same report. Returns its id.

    Raises:
        NotFound: there is no scan to report on, or no such cluster or incident.
    """
    stores = open_stores()
    scan = stores.scans.get(scan_id) if scan_id else last_scan(stores)
    report_id = str(uuid5(NAMESPACE_URL, f"fleetscope:report:{kind}:{scan.id}:{sorted(clusters)}:{incident_id}"))
    cluster_ids = [stores.clusters.by_name(name).id for name in clusters]
    scope = incident_id or (cluster_ids[0] if kind is ReportKind.CLUSTER and cluster_ids else "")
    material = replace(
        gather(stores, scan, cluster_ids, incident_id), previous=previous_summary(stores, scan, kind, scope)
    )
    content = compose(kind, material, incident_id)
    rendered = {
        ReportFormat.HTML: render_html(content).encode(),
        ReportFormat.MARKDOWN: render_markdown(content).encode(),
        ReportFormat.PDF: render_pdf(content),
    }
    record = ReportRecord(
        id=report_id,
        kind=kind,
        title=content.summary.title,
        created_at=content.generated_at,
        scan_id=scan.id,
        window=scan.window,
        summary=content.summary.model_dump(mode="json"),
        formats={form: stores.report_objects.put(kind, report_id, form, data) for form, data in rendered.items()},
    )
    stores.reports.put(record)
    return record.id


@task(name="enqueue_report", **STEP)
def enqueue_report(report_id: str, recipients: list[str]) -> str:
    """Owe a report's mail to these recipients; owed twice it is the same mail. Returns the delivery's id."""
    stores = open_stores()
    report = stores.reports.get(report_id)
    return stores.outbox.enqueue(Delivery.of(report.id, recipients, report.title, datetime.now(UTC))).id


def last_scan(stores: Stores) -> Scan:
    """The newest scan of the fleet that ended.

    Raises:
        NotFound: none has.
    """
    for scan in stores.scans.list(states=ENDED):
        if scan.purpose is ScanPurpose.SCAN:
            return scan
    raise NotFound("No scan has ended yet: there is nothing to report on.", hint="Run `fleetscope scan` first.")
