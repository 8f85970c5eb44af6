"""Deliver: send the mails that are owed. A mail is sent at least once, and always under the same Message-ID."""

from __future__ import annotations

from datetime import UTC, datetime

from prefect import get_run_logger, task

from blocks.mail import open_mail_server
from blocks.stores import BLOCK_NAME, open_stores
from fleet.errors import CorruptObject, DeliveryError, NotFound
from fleet.reports.delivery import Delivery, DeliveryState
from fleet.reports.email import build_message
from fleet.reports.record import ReportFormat
from fleet.reports.smtp import MailServer, send
from storage.stores import Stores
from tasks.policy import STEP


@task(name="deliver_reports", **STEP)
def deliver_due() -> dict[str, int]:
    """Send every mail that is due, also those that an earlier run still owes; returns counts by state."""
    stores = open_stores()
    if not stores.outbox.list(states=[DeliveryState.PENDING], limit=1):
        return {}
    server = open_mail_server(BLOCK_NAME)
    counts: dict[str, int] = {}
    while due := stores.outbox.claim_due(datetime.now(UTC)):
        for delivery in due:
            state = _attempt(stores, server, delivery).state
            counts[state.value] = counts.get(state.value, 0) + 1
    return counts


@task(name="read_delivery", **STEP)
def delivery_state(delivery_id: str) -> DeliveryState:
    """What has become of one mail."""
    return open_stores().outbox.get(delivery_id).state


def _attempt(stores: Stores, server: MailServer, delivery: Delivery) -> Delivery:
    try:
        report = stores.reports.get(delivery.report_id)
        forms = {form: stores.report_objects.get(report.formats[form]) for form in ReportFormat}
        refused = send(build_message(report, delivery, forms, sender=server.sender), server)
    except (DeliveryError, NotFound, CorruptObject) as failure:
        # A report that is gone or damaged is this mail's trouble alone: the others that are due still go.
        get_run_logger().warning("Mail %s was not sent: %s", delivery.message_id, failure)
        return stores.outbox.mark_failed(delivery.id, str(failure), datetime.now(UTC))
    for recipient, why in refused.items():
        get_run_logger().warning("The mail server refused %s: %s", recipient, why)
    return stores.outbox.mark_sent(delivery.id)
