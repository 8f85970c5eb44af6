"""Hand a mail to an SMTP server (RFC 5321), over STARTTLS (RFC 3207) with AUTH (RFC 4954)."""

from __future__ import annotations

import smtplib
import ssl
from contextlib import closing, suppress
from email.message import EmailMessage
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from fleet.errors import DeliveryError, DeliveryRefused
from fleet.reports.content import plain
from fleet.reports.delivery import Recipient

_PERMANENT = 500
"""Reply codes from here on mean: do not try again as it is."""


class MailServer(BaseModel):
    """A mail server; its certificate must be for ``host``.

    With ``starttls`` nothing is sent before the connection is encrypted and the certificate verified, against
    ``ca_file`` (PEM) or the machine's own trust store. A password is never sent without.
    """

    model_config = ConfigDict(frozen=True)

    host: str = Field(min_length=1)
    port: int = Field(default=587, ge=1, le=65535)
    sender: Recipient
    username: str | None = None
    password: SecretStr | None = None
    starttls: bool = True
    ca_file: Path | None = None
    timeout_seconds: float = Field(default=30.0, gt=0)


def send(message: EmailMessage, server: MailServer) -> dict[str, str]:
    """Hand a mail over; it is the server's once this returns.

    Returns:
        Recipients that the server refused while it took the mail for others, with its words. A new attempt
        would mail the others again, so that it is no failure of the whole.

    Raises:
        DeliveryRefused: the server will not take the mail as it is: a wrong password, every recipient refused for
            good, a certificate that does not verify, no encryption offered. Trying again changes nothing.
        DeliveryError: the server could not be reached, or asked to try later.
    """
    try:
        with closing(smtplib.SMTP(server.host, server.port, timeout=server.timeout_seconds)) as connection:
            _open(connection, server)
            refused = connection.send_message(message)
            # The mail is the server's now: a farewell that fails must not cause it to be sent again.
            with suppress(smtplib.SMTPException, OSError):
                connection.quit()
    except (smtplib.SMTPException, OSError) as failure:
        raise _explained(failure, server) from None
    return {address: _words(code, text) for address, (code, text) in refused.items()}


def _open(connection: smtplib.SMTP, server: MailServer) -> None:
    if server.starttls:
        connection.starttls(context=ssl.create_default_context(cafile=server.ca_file))
    if server.username is None or server.password is None:
        return
    if not server.starttls:
        raise DeliveryRefused(
            f"The password for mail server {_place(server)} is not sent over a connection that is not encrypted.",
            hint="Switch STARTTLS on, or use a server that needs no password.",
        )
    connection.login(server.username, server.password.get_secret_value())


def _explained(failure: Exception, server: MailServer) -> DeliveryError:
    """A failure in words: what, where, whether it may pass."""
    place = f"Mail server {_place(server)}"
    match failure:
        case smtplib.SMTPRecipientsRefused():
            told = "; ".join(f"{each}: {_words(code, text)}" for each, (code, text) in failure.recipients.items())
            permanent = all(code >= _PERMANENT for code, _ in failure.recipients.values())
            return _error(f"{place} refused every recipient: {told}.", permanent)
        case smtplib.SMTPNotSupportedError():
            return DeliveryRefused(
                f"{place} does not offer what is needed: {failure}", hint="It must offer STARTTLS and AUTH."
            )
        case smtplib.SMTPAuthenticationError(smtp_code=code, smtp_error=text):
            return _error(f"{place} did not accept user {server.username}: {_words(code, text)}.", code >= _PERMANENT)
        case smtplib.SMTPResponseException(smtp_code=code, smtp_error=text):
            return _error(f"{place} refused the mail: {_words(code, text)}.", code >= _PERMANENT)
        case ssl.SSLCertVerificationError():
            return DeliveryRefused(
                f"The certificate of mail server {_place(server)} was not accepted: {failure.verify_message}.",
                hint="Name its authority's certificate (PEM), and the server by the name in its certificate.",
            )
        case _:
            return DeliveryError(f"{place} could not be reached, or broke off: {failure}.")


def _error(message: str, permanent: bool) -> DeliveryError:
    return DeliveryRefused(message) if permanent else DeliveryError(message)


def _words(code: int, text: bytes | str) -> str:
    words = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    return plain(f"{code} {words}")[:300]


def _place(server: MailServer) -> str:
    return f"{server.host}:{server.port}"
