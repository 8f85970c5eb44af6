"""A stored report as a mail: a short text and HTML body, and the PDF attached."""

from __future__ import annotations

from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from hashlib import sha256

from pydantic import TypeAdapter, ValidationError

from fleet.errors import UsageError
from fleet.reports.content import IncidentLine, ReportSummary
from fleet.reports.delivery import Delivery, Recipient
from fleet.reports.html import environment
from fleet.reports.record import ReportFormat, ReportRecord
from fleet.reports.wording import counted, date_time, short_time, value

ATTACHMENT_LIMIT_BYTES = 15 * 1024 * 1024
"""As base64 that is 20 MiB, which common mail servers still take."""
_MOST_LINES = 10
_ADDRESS: TypeAdapter[str] = TypeAdapter(Recipient)


def build_message(
    report: ReportRecord, delivery: Delivery, forms: dict[ReportFormat, bytes], *, sender: str
) -> EmailMessage:
    """The mail of a delivery; built again for another attempt it is the same, byte for byte.

    A PDF above ATTACHMENT_LIMIT_BYTES is not attached: the text says how to fetch it instead.

    Args:
        report: the stored report; its summary is what the body says.
        delivery: recipients, subject and Message-ID, all validated by their model.
        forms: the rendered forms; only the PDF is sent.
        sender: bare address of the sender.

    Raises:
        UsageError: the sender is not a mail address.
    """
    try:
        _ADDRESS.validate_python(sender)
    except ValidationError:
        raise UsageError(f"{sender!r} is not a mail address to send from.") from None
    pdf = forms.get(ReportFormat.PDF, b"")
    attached = 0 < len(pdf) <= ATTACHMENT_LIMIT_BYTES
    lines = _body(report, attached, len(pdf))
    message = EmailMessage(policy=SMTP)
    message["From"] = sender
    message["To"] = ", ".join(delivery.recipients)
    message["Subject"] = delivery.subject
    message["Date"] = format_datetime(report.created_at)
    message["Message-ID"] = delivery.message_id
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(_as_text(lines))
    message.add_alternative(environment().get_template("mail.html.jinja").render(**lines), subtype="html")
    if attached:
        name = f"fleetscope-{report.kind.value}-{report.window.end:%Y%m%d-%H%M}.pdf"
        message.add_attachment(pdf, maintype="application", subtype="pdf", filename=name)
    _fix_boundaries(message, delivery.message_id)
    return message


def _body(report: ReportRecord, attached: bool, pdf_bytes: int) -> dict[str, object]:
    """What the body says, for both of its forms."""
    summary = ReportSummary.model_validate(report.summary) if report.summary else None
    command = f"fleetscope report get {report.id} --format pdf --output report.pdf"
    if attached:
        where = "The whole report is attached as PDF. To fetch it again:"
    elif pdf_bytes:
        where = f"The PDF ({value(pdf_bytes, 'bytes')}) is too large to be attached. To fetch it:"
    else:
        where = "To fetch the whole report:"
    incidents = summary.incidents if summary else []
    changed, unknown = (summary.changed, summary.unknown) if summary else ([], [])
    return {
        "title": summary.title if summary else report.title,
        "headline": summary.headline if summary else report.title,
        "generated": date_time(report.created_at),
        "grades": _grades(summary),
        "changed": _first(changed),
        "unknown": _first(unknown),
        "incidents": [(_incident(line), line.cause) for line in incidents[:_MOST_LINES]],
        "more_incidents": counted(len(incidents) - _MOST_LINES, "more incident")
        if len(incidents) > _MOST_LINES
        else "",
        "where": where,
        "command": command,
    }


def _grades(summary: ReportSummary | None) -> list[str]:
    letters = [line.letter for line in summary.grades] if summary else []
    return [f"{letter}: {counted(letters.count(letter), 'cluster')}" for letter in sorted(set(letters))]


def _first(lines: list[str]) -> list[str]:
    left = len(lines) - _MOST_LINES
    return [*lines[:_MOST_LINES], f"And {left} more."] if left > 0 else list(lines)


def _incident(line: IncidentLine) -> str:
    began = short_time(line.started_at)
    told = f"{line.severity.value}: {line.title} in {line.cluster}, began {began} UTC"
    return ", ".join(filter(None, [told, line.standing]))


def _as_text(lines: dict[str, object]) -> str:
    text: str = environment().get_template("mail.txt.jinja").render(**lines)
    return text


def _fix_boundaries(message: EmailMessage, message_id: str) -> None:
    """Boundaries made from the Message-ID: left alone they are random, and each attempt another mail."""
    for number, part in enumerate(part for part in message.walk() if part.is_multipart()):
        part.set_boundary(f"=_{sha256(f'{message_id}{number}'.encode()).hexdigest()[:32]}")
