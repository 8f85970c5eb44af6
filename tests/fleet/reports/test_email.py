"""A mail goes out as it was built, and nothing in it can be injected."""

from __future__ import annotations

from datetime import timedelta
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser

import pytest
from pydantic import ValidationError

from fleet.errors import UsageError
from fleet.reports import email as mails
from fleet.reports.content import ReportContent
from fleet.reports.delivery import Delivery
from fleet.reports.email import build_message
from fleet.reports.record import ReportFormat, ReportRecord
from tests.fleet.reports.reading import Page, squeezed

PDF = b"%PDF-1.7 \x00\xff not really one" * 20
RECIPIENTS = ["ops@example.org", "director@example.org"]


def record(content: ReportContent) -> ReportRecord:
    return ReportRecord(
        id="report-1",
        kind=content.kind,
        title=content.title,
        created_at=content.generated_at,
        window=content.window,
        summary=content.summary.model_dump(mode="json"),
    )


def build(content: ReportContent, pdf: bytes = PDF, sender: str = "fleetscope@example.org") -> EmailMessage:
    delivery = Delivery.of("report-1", RECIPIENTS, content.summary.title, content.generated_at)
    return build_message(record(content), delivery, {ReportFormat.PDF: pdf}, sender=sender)


def reread(message: EmailMessage) -> EmailMessage:
    read = BytesParser(policy=policy.default).parsebytes(message.as_bytes())
    assert isinstance(read, EmailMessage)
    return read


def test_round_trip(ordinary: ReportContent) -> None:
    read = reread(build(ordinary))
    delivery = Delivery.of("report-1", RECIPIENTS, "any", ordinary.generated_at + timedelta(hours=1))
    assert read["Message-ID"] == delivery.message_id
    assert read["To"] == "director@example.org, ops@example.org"
    assert read["Subject"] == "Fleet report, 21 Nov 2026 13:00 UTC"
    text, html = read.get_body(("plain",)), read.get_body(("html",))
    assert text is not None and html is not None
    seen = squeezed(Page(html.get_content()).text)
    for fact in [ordinary.headline, *ordinary.summary.changed, *ordinary.summary.unknown]:
        assert squeezed(fact) in squeezed(text.get_content())
        assert squeezed(fact) in seen
    for line in ordinary.summary.incidents:
        assert line.title in text.get_content() and line.cause in text.get_content()
    (attached,) = read.iter_attachments()
    assert attached.get_filename() == "fleetscope-fleet-20261121-1300.pdf"
    assert attached.get_content_type() == "application/pdf"
    assert attached.get_content() == PDF


def test_another_attempt_is_the_same_mail(ordinary: ReportContent) -> None:
    assert build(ordinary).as_bytes() == build(ordinary).as_bytes()


def test_a_pdf_too_large_to_attach_is_named_instead(ordinary: ReportContent, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mails, "ATTACHMENT_LIMIT_BYTES", len(PDF) - 1)
    read = reread(build(ordinary))
    assert list(read.iter_attachments()) == []
    text = read.get_body(("plain",))
    assert text is not None
    assert "too large to be attached" in text.get_content()
    assert "fleetscope report get report-1 --format pdf" in text.get_content()


def test_html_body_holds_no_markup_from_clusters(hard: ReportContent) -> None:
    html = reread(build(hard)).get_body(("html",))
    assert html is not None
    page = Page(html.get_content())
    assert not page.of("script") and not page.of("img") and not page.of("a") and not page.of("style")
    assert "<script>alert(1)</script>" in page.text


@pytest.mark.parametrize("address", ["a@b\r\nBcc: c@d", "a@b, c@d", "no-address", "Name <a@b>", "a@b\n"])
def test_addresses_cannot_break_out(ordinary: ReportContent, address: str) -> None:
    with pytest.raises(UsageError):
        build(ordinary, sender=address)
    with pytest.raises(ValidationError):
        Delivery.of("report-1", [address], "x", ordinary.generated_at)


def test_subject_cannot_break_out(ordinary: ReportContent) -> None:
    with pytest.raises(ValidationError):
        Delivery.of("report-1", RECIPIENTS, "x\r\nBcc: evil@example.org", ordinary.generated_at)
