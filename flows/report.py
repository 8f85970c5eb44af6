"""Create a report from stored results, keep it, and send it to whom it may concern."""

from __future__ import annotations

from typing import Annotated

from prefect import flow
from prefect.states import Completed, State
from pydantic import Field

from fleet.reports.record import ReportKind
from flows.parameters import ClusterNames, Recipients
from tasks.deliver import deliver_due
from tasks.publish import publish_report
from tasks.report import enqueue_report, write_report


@flow(name="create-report", persist_result=False)
def create_report(
    kind: Annotated[ReportKind, Field(description="What the report is about.")] = ReportKind.FLEET,
    scan_id: Annotated[str | None, Field(description="The scan to report on; by default the last that ended.")] = None,
    clusters: ClusterNames = [],
    incident_id: Annotated[str | None, Field(description="The incident, for a report on one.")] = None,
    recipients: Recipients = [],
) -> State[None]:
    """Write a report on the last scan as PDF, HTML and Markdown, and mail it.

    A report is made once for the same results: run again, it is the same report, and a mail that was sent stays sent.
    """
    report_id = write_report(kind, scan_id, clusters, incident_id)
    publish_report(report_id)
    if not recipients:
        return Completed(message=f"Report {report_id} is stored.")
    enqueue_report(report_id, recipients)
    counts = deliver_due()
    if owed := counts.get("pending", 0) + counts.get("failed", 0):
        return Completed(
            name="CompletedWithGaps", message=f"Report {report_id} is stored; {owed} mails could not be sent yet."
        )
    return Completed(message=f"Report {report_id} is stored and was mailed.")
