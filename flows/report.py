"""Create a report from stored results, keep it, and send it to whom it may concern."""

from __future__ import annotations

from prefect import flow
from prefect.states import Completed, State

from fleet.reports.delivery import DeliveryState, Recipient
from fleet.reports.record import ReportKind
from flows.outcome import WITH_GAPS
from flows.parameters import ClusterNames, Hours
from tasks.deliver import deliver_due, delivery_state
from tasks.publish import publish_report
from tasks.report import enqueue_report, write_report


@flow(name="create-report", persist_result=False)
def create_report(
    kind: ReportKind = ReportKind.FLEET,
    scan_id: str | None = None,
    clusters: ClusterNames = [],
    incident_id: str | None = None,
    last_hours: Hours | None = None,
    recipients: list[Recipient] = [],
) -> State[str]:
    """Write a report on a scan as PDF, HTML and Markdown, and mail it.

    A report is made once for the same results: run again, it is the same report, and a mail that was sent stays sent.

    Args:
        kind: What the report is about.
        scan_id: The scan to report on; by default the last that ended.
        clusters: Names of clusters; empty means those of the scan.
        incident_id: The incident, for a report on one.
        last_hours: Report on so many hours that end with the scan's window; by default on its window.
        recipients: Mail addresses that get the report; empty sends none.
    """
    report_id = write_report(kind, scan_id, clusters, incident_id, last_hours)
    publish_report(report_id)
    if not recipients:
        return Completed(message=f"Report {report_id} is stored.", data=report_id)
    delivery_id = enqueue_report(report_id, recipients)
    deliver_due()
    # Others' mails go with it, or another run may have taken this one: only its own row tells what became of it.
    if delivery_state(delivery_id) is not DeliveryState.SENT:
        owed = f"Report {report_id} is stored; its mail could not be sent yet."
        return Completed(name=WITH_GAPS, message=owed, data=report_id)
    return Completed(message=f"Report {report_id} is stored and was mailed.", data=report_id)
