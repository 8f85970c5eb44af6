"""Report: turn stored results into one content model, render it, keep the forms, and owe the mails."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import NAMESPACE_URL, uuid5

from prefect import task

from blocks.stores import open_stores
from fleet.errors import NotFound
from fleet.findings.scan import Scan, ScanPurpose, ScanState
from fleet.frames.window import Window
from fleet.reports.compose import compose
from fleet.reports.delivery import Delivery
from fleet.reports.depth import depth_of
from fleet.reports.html import render_html
from fleet.reports.markdown import render_markdown
from fleet.reports.pdf import render_pdf
from fleet.reports.record import ReportFormat, ReportKind, ReportRecord
from storage.stores import Stores
from tasks.policy import STEP
from tasks.report_material import gather, previous_summary

ENDED = [ScanState.COMPLETED, ScanState.COMPLETED_WITH_GAPS]


@task(name="create_report", **STEP)
def write_report(
    kind: ReportKind, scan_id: str | None, clusters: list[str], incident_id: str | None, last_hours: int | None = None
) -> str:
    """Compose, render and keep a report; the same scan and choice give the same report. Returns its id.

    Args:
        kind: what it is about.
        scan_id: the scan to report on; None for the last of the fleet (or of the incident's cluster).
        clusters: names of the clusters to report on; empty for those of the scan.
        incident_id: the incident of a report on one.
        last_hours: report on so many hours that end with the scan's window; None for the scan's window itself.

    Raises:
        NotFound: there is no scan to report on, or no such cluster or incident.
    """
    stores = open_stores()
    scan = stores.scans.get(scan_id) if scan_id else last_scan(stores, incident_id)
    choice = f"{kind}:{scan.id}:{sorted(clusters)}:{incident_id}:{last_hours}"
    report_id = str(uuid5(NAMESPACE_URL, f"fleetscope:report:{choice}"))
    if last_hours:
        scan = scan.model_copy(update={"window": Window.before(scan.window.end, timedelta(hours=last_hours))})
    cluster_ids = [stores.clusters.by_name(name).id for name in clusters]
    scope = incident_id or (cluster_ids[0] if kind is ReportKind.CLUSTER and cluster_ids else "")
    previous = previous_summary(stores, scan, kind, scope)
    material = replace(gather(stores, scan, cluster_ids, incident_id, depth_of(kind)), previous=previous)
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


def last_scan(stores: Stores, incident_id: str | None) -> Scan:
    """The newest scan that ended: of the incident's cluster, or of the whole fleet rather than of a part of it.

    Raises:
        NotFound: none has, or there is no such incident.
    """
    cluster_id = stores.incidents.get(incident_id).cluster_id if incident_id else None
    ended = [
        scan for scan in stores.scans.list(states=ENDED, cluster_id=cluster_id) if scan.purpose is ScanPurpose.SCAN
    ]
    if not ended:
        raise NotFound("No scan has ended yet: there is nothing to report on.", hint="Run `fleetscope scan` first.")
    of_the_fleet = [
        scan for scan in ended if not scan.parameters.get("clusters") and not scan.parameters.get("selector")
    ]
    return (ended if cluster_id else of_the_fleet or ended)[0]
