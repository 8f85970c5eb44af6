"""The fourth way of use: reports by mail, each owed until a mail server took it."""

from __future__ import annotations

import os
import signal
from datetime import timedelta
from email.message import EmailMessage
from io import BytesIO

import pytest
from pypdf import PdfReader
from sqlalchemy import text

from fleet.reports.delivery import Delivery, DeliveryState
from tests.e2e.fleets import Registered
from tests.e2e.four_ways.asking import end_of, start
from tests.e2e.four_ways.mailbox import USER, Mailbox
from tests.e2e.installation import Installation, eventually

CREATE = "create-report/on-demand"
DELIVER = "deliver-reports/quarter-hourly"

pytestmark = pytest.mark.timeout(240)


@pytest.fixture(scope="module", autouse=True)
def scan_that_ended(house: Installation, scanned: str) -> str:
    assert end_of(house, scanned)["type"] == "COMPLETED"
    return scanned


def test_a_report_arrives_once_with_its_pdf(
    house: Installation, clusters: Registered, scanned: str, mailbox: Mailbox
) -> None:
    recipients = ["ops@example.org", "director@example.org"]
    for _ in ("asked", "asked again"):
        run_id = start(house, CREATE, scan_id=scanned, recipients=recipients)
        state = end_of(house, run_id)
        assert (state["type"], state["name"]) == ("COMPLETED", "Completed")
    (mail,) = mailbox.to("ops@example.org")
    assert mailbox.to("director@example.org") == [mail]
    assert set(mailbox.logins) == {USER}
    assert mail["From"] == "fleetscope@example.org"
    delivery = delivery_to(house, "ops@example.org")
    assert (delivery.state, delivery.attempts, mail["Message-ID"]) == (DeliveryState.SENT, 1, delivery.message_id)
    pages = PdfReader(BytesIO(pdf_of(mail))).pages
    told = {
        "pdf": "".join(page.extract_text() for page in pages),
        "plain": body_of(mail, "plain"),
        "html": body_of(mail, "html"),
    }
    production = house.stores.scans.get(scanned).cluster_ids
    names = {house.stores.clusters.get(cluster_id).name for cluster_id in production}
    faults = [fault for fault in clusters.fleet.truth["faults"] if clusters.clusters[fault["cluster"]] in names]
    assert faults
    for form, said in told.items():
        seen = "".join(said.split())
        for fault in faults:
            assert clusters.clusters[fault["cluster"]] in seen, form
            assert fault["subject"]["name"] in seen, form
    assert told["html"].lstrip().lower().startswith("<!doctype html")


def test_a_mail_is_owed_while_the_server_is_away(house: Installation, scanned: str, mailbox: Mailbox) -> None:
    with mailbox.away():
        run_id = start(house, CREATE, scan_id=scanned, recipients=["night@example.org"])
        state = end_of(house, run_id)
        assert (state["type"], state["name"]) == ("COMPLETED", "CompletedWithGaps"), state
        owed = delivery_to(house, "night@example.org")
        assert (owed.state, owed.attempts) == (DeliveryState.PENDING, 1)
        assert f"127.0.0.1:{mailbox.port} could not be reached" in owed.last_error
    let_time_pass(house)
    assert end_of(house, start(house, DELIVER))["type"] == "COMPLETED"
    (mail,) = mailbox.to("night@example.org")
    assert mail["Message-ID"] == owed.message_id
    assert pdf_of(mail).startswith(b"%PDF-")
    assert delivery_to(house, "night@example.org").state is DeliveryState.SENT
    # Nothing is left to be sent again.
    let_time_pass(house)
    assert "No mail is due" in end_of(house, start(house, DELIVER))["message"]
    assert len(mailbox.to("night@example.org")) == 1


def test_a_flow_that_is_killed_before_it_sends_loses_no_mail(
    house: Installation, scanned: str, mailbox: Mailbox
) -> None:
    with mailbox.mute():
        run_id = start(house, CREATE, scan_id=scanned, recipients=["crash@example.org"])
        eventually(lambda: any(each.attempts == 1 for each in deliveries_to(house, "crash@example.org")))
        kill_run(house, run_id)
        end_of(house, run_id, "CRASHED")
    owed = delivery_to(house, "crash@example.org")
    assert owed.state is DeliveryState.PENDING
    # Until its time is up the mail is the dead sender's alone.
    assert end_of(house, start(house, DELIVER))["type"] == "COMPLETED"
    assert mailbox.to("crash@example.org") == []
    let_time_pass(house)
    assert end_of(house, start(house, DELIVER))["type"] == "COMPLETED"
    (mail,) = mailbox.to("crash@example.org")
    assert mail["Message-ID"] == owed.message_id
    assert delivery_to(house, "crash@example.org").state is DeliveryState.SENT


def deliveries_to(house: Installation, recipient: str) -> list[Delivery]:
    return [each for each in house.stores.outbox.list() if recipient in each.recipients]


def delivery_to(house: Installation, recipient: str) -> Delivery:
    (delivery,) = deliveries_to(house, recipient)
    return delivery


def let_time_pass(house: Installation) -> None:
    """What is owed is due: no test waits for minutes."""
    with house.stores.database.session() as session:
        session.connection().execute(
            text("UPDATE outbox SET next_attempt_at = next_attempt_at - :while"), {"while": timedelta(hours=1)}
        )


def kill_run(house: Installation, run_id: str) -> None:
    """``kill -9`` of the process of a flow run."""
    (process,) = [each for each in house.flow_processes() if each.environ().get("PREFECT__FLOW_RUN_ID") == run_id]
    os.kill(process.pid, signal.SIGKILL)


def body_of(mail: EmailMessage, kind: str) -> str:
    body = mail.get_body((kind,))
    assert body is not None
    return str(body.get_content())


def pdf_of(mail: EmailMessage) -> bytes:
    (attached,) = mail.iter_attachments()
    assert attached.get_content_type() == "application/pdf"
    content = attached.get_content()
    assert isinstance(content, bytes)
    return content
