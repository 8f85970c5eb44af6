"""A mail server that tests can take down: STARTTLS with a certificate of an authority of ours, and AUTH."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path
from ssl import PROTOCOL_TLS_SERVER, SSLContext

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from deployments.embedded.state import free_port
from tests.fleet.collectors.prometheus.certificates import Authority

USER = "fleetscope"
PASSWORD = "correct horse battery"


class Mailbox:
    """Takes mails while it is open.

    Attributes:
        mails: what was taken: the recipients of the envelope, and the mail.
        logins: the user names that gave the right password.
    """

    def __init__(self, directory: Path) -> None:
        authority = Authority()
        pair = authority.issue()
        self.ca_file = directory / "ca.pem"
        self.ca_file.write_text(authority.pem)
        self.password_file = directory / "password"
        self.password_file.write_text(PASSWORD)
        (directory / "server.pem").write_text(pair.certificate + pair.key)
        self._tls = SSLContext(PROTOCOL_TLS_SERVER)
        self._tls.load_cert_chain(directory / "server.pem")
        self.port = free_port()
        self.mails: list[tuple[list[str], EmailMessage]] = []
        self.logins: list[str] = []
        self._controller: Controller | None = None

    def environment(self) -> dict[str, str]:
        """The settings by which an installation sends its mails here."""
        return {
            "FLEETSCOPE_SMTP_HOST": "127.0.0.1",
            "FLEETSCOPE_SMTP_PORT": str(self.port),
            "FLEETSCOPE_SMTP_USERNAME": USER,
            "FLEETSCOPE_SMTP_PASSWORD_FILE": str(self.password_file),
            "FLEETSCOPE_SMTP_FROM": "fleetscope@example.org",
            "FLEETSCOPE_SMTP_CA_FILE": str(self.ca_file),
        }

    def open(self) -> None:
        self._controller = Controller(
            self,
            hostname="127.0.0.1",
            port=self.port,
            tls_context=self._tls,
            require_starttls=True,
            auth_required=True,
            authenticator=self._authenticate,
        )
        self._controller.start()

    def close(self) -> None:
        if self._controller is not None:
            self._controller.stop()
            self._controller = None

    @contextmanager
    def away(self) -> Iterator[None]:
        """Nobody listens."""
        self.close()
        try:
            yield
        finally:
            self.open()

    @contextmanager
    def mute(self) -> Iterator[None]:
        """Somebody listens and says nothing: who calls waits for a greeting."""
        self.close()
        try:
            with socket.create_server(("127.0.0.1", self.port)):
                yield
        finally:
            self.open()

    def to(self, recipient: str) -> list[EmailMessage]:
        """The mails that this recipient got."""
        return [mail for recipients, mail in self.mails if recipient in recipients]

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        assert isinstance(envelope.content, bytes)
        mail = BytesParser(policy=policy.default).parsebytes(envelope.content)
        assert isinstance(mail, EmailMessage)
        self.mails.append((list(envelope.rcpt_tos), mail))
        return "250 OK"

    def _authenticate(
        self, _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, given: LoginPassword
    ) -> AuthResult:
        if given.password != PASSWORD.encode():
            return AuthResult(success=False, handled=False)
        self.logins.append(given.login.decode())
        return AuthResult(success=True)
