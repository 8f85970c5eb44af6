"""Mails over a real SMTP server: STARTTLS and AUTH, and each way in which it can say no."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from ipaddress import ip_address
from pathlib import Path
from ssl import PROTOCOL_TLS_SERVER, SSLContext

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pydantic import SecretStr

from deployments.embedded.state import free_port
from fleet.errors import DeliveryError, DeliveryRefused
from fleet.reports.smtp import MailServer, send

PASSWORD = "correct horse battery"


class Mailbox:
    """Takes mails; refuses recipients by name, for good or for now."""

    def __init__(self) -> None:
        self.mails: list[Envelope] = []
        self.logins: list[tuple[bytes, bytes]] = []

    async def handle_RCPT(  # noqa: N802
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list
    ) -> str:
        if address.startswith("unknown"):
            return "550 5.1.1 no such user"
        if address.startswith("busy"):
            return "451 4.3.0 try later"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        if b"X-Refuse" in (envelope.content or b""):
            return "554 5.6.0 not wanted"
        self.mails.append(envelope)
        return "250 OK"

    def authenticate(
        self, _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, data: LoginPassword
    ) -> AuthResult:
        self.logins.append((data.login, data.password))
        return AuthResult(success=data.password == PASSWORD.encode(), handled=False)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ca.pem and a server certificate for 127.0.0.1 signed by it."""
    folder = tmp_path_factory.mktemp("authority")
    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    ca_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test authority")])
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail")])
    now = datetime.now(UTC)

    def builder(subject: x509.Name, public: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(ca_name)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=1))
            .not_valid_after(now + timedelta(days=1))
        )

    usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
    identifier = x509.SubjectKeyIdentifier.from_public_key(ca_key.public_key())
    ca = builder(ca_name, ca_key.public_key()).add_extension(x509.BasicConstraints(True, 0), True)
    signed_ca = ca.add_extension(usage, True).add_extension(identifier, False).sign(ca_key, hashes.SHA256())
    names = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    issuer = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier)
    leaf = builder(name, key.public_key()).add_extension(names, False).add_extension(issuer, False)
    (folder / "ca.pem").write_bytes(signed_ca.public_bytes(serialization.Encoding.PEM))
    (folder / "server.pem").write_bytes(
        leaf.sign(ca_key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return folder


@pytest.fixture
def mailbox() -> Mailbox:
    return Mailbox()


@pytest.fixture
def secure(mailbox: Mailbox, authority: Path) -> Iterator[MailServer]:
    """A server that wants STARTTLS and a password, and how to reach it."""
    context = SSLContext(PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority / "server.pem")
    controller = Controller(
        mailbox,
        hostname="127.0.0.1",
        port=free_port(),
        tls_context=context,
        require_starttls=True,
        auth_required=True,
        authenticator=mailbox.authenticate,
    )
    controller.start()
    yield MailServer(
        host="127.0.0.1",
        port=controller.port,
        sender="fleetscope@example.org",
        username="fleetscope",
        password=SecretStr(PASSWORD),
        ca_file=authority / "ca.pem",
        timeout_seconds=10,
    )
    controller.stop()


@pytest.fixture
def bare(mailbox: Mailbox) -> Iterator[MailServer]:
    """A server that offers neither encryption nor AUTH."""
    controller = Controller(mailbox, hostname="127.0.0.1", port=free_port())
    controller.start()
    yield MailServer(host="127.0.0.1", port=controller.port, sender="fleetscope@example.org", timeout_seconds=10)
    controller.stop()


def mail(*recipients: str) -> EmailMessage:
    message = EmailMessage(policy=policy.SMTP)
    message["From"] = "fleetscope@example.org"
    message["To"] = ", ".join(recipients or ["ops@example.org"])
    message["Subject"] = "Fleet report"
    message["Message-ID"] = "<1@fleetscope>"
    message.set_content("Größe: 3 → 4\n.a line that starts with a dot\n")
    message.add_attachment(bytes(range(256)) * 100, maintype="application", subtype="pdf", filename="r.pdf")
    return message


def test_a_mail_arrives_over_starttls_with_auth(secure: MailServer, mailbox: Mailbox) -> None:
    assert send(mail(), secure) == {}
    assert mailbox.logins == [(b"fleetscope", PASSWORD.encode())]
    (envelope,) = mailbox.mails
    assert envelope.rcpt_tos == ["ops@example.org"] and envelope.mail_from == "fleetscope@example.org"
    assert isinstance(envelope.content, bytes)
    read = BytesParser(policy=policy.default).parsebytes(envelope.content)
    assert isinstance(read, EmailMessage)
    assert read["Message-ID"] == "<1@fleetscope>"
    body = read.get_body()
    assert body is not None and body.get_content().splitlines() == ["Größe: 3 → 4", ".a line that starts with a dot"]
    assert [part.get_content() for part in read.iter_attachments()] == [bytes(range(256)) * 100]


def test_a_wrong_password_is_final_and_not_told(secure: MailServer, mailbox: Mailbox) -> None:
    wrong = secure.model_copy(update={"password": SecretStr("battery staple")})
    with pytest.raises(DeliveryRefused, match="did not accept user fleetscope: 535") as failure:
        send(mail(), wrong)
    assert not failure.value.retriable
    assert "staple" not in f"{failure.value!r} {wrong!r}" and mailbox.mails == []


def test_a_refused_recipient_is_final(secure: MailServer) -> None:
    with pytest.raises(DeliveryRefused, match=r"refused every recipient: unknown@example.org: 550 .*no such user"):
        send(mail("unknown@example.org"), secure)


def test_a_busy_mailbox_may_be_tried_again(secure: MailServer) -> None:
    with pytest.raises(DeliveryError, match="451") as failure:
        send(mail("busy@example.org", "unknown@example.org"), secure)
    assert failure.value.retriable


def test_the_others_get_it_when_one_is_refused(secure: MailServer, mailbox: Mailbox) -> None:
    refused = send(mail("ops@example.org", "unknown@example.org"), secure)
    assert refused == {"unknown@example.org": "550 5.1.1 no such user"}
    assert [each.rcpt_tos for each in mailbox.mails] == [["ops@example.org"]]


def test_a_refused_content_is_final(secure: MailServer) -> None:
    message = mail()
    message["X-Refuse"] = "yes"
    with pytest.raises(DeliveryRefused, match="554"):
        send(message, secure)


def test_without_starttls_no_password_is_sent(bare: MailServer, mailbox: Mailbox) -> None:
    named = bare.model_copy(update={"username": "fleetscope", "password": SecretStr(PASSWORD)})
    with pytest.raises(DeliveryRefused, match="does not offer"):
        send(mail(), named)
    with pytest.raises(DeliveryRefused, match="not encrypted"):
        send(mail(), named.model_copy(update={"starttls": False}))
    assert mailbox.logins == [] and mailbox.mails == []


def test_a_server_on_loopback_without_anything_can_be_used(bare: MailServer, mailbox: Mailbox) -> None:
    assert send(mail(), bare.model_copy(update={"starttls": False})) == {}
    assert len(mailbox.mails) == 1


def test_an_unknown_certificate_is_refused(secure: MailServer, mailbox: Mailbox) -> None:
    with pytest.raises(DeliveryRefused, match="certificate"):
        send(mail(), secure.model_copy(update={"ca_file": None}))
    with pytest.raises(DeliveryRefused, match="certificate"):
        send(mail(), secure.model_copy(update={"host": "localhost"}))
    assert mailbox.mails == []


def test_nobody_there_may_pass() -> None:
    nobody = MailServer(host="127.0.0.1", port=free_port(), sender="a@example.org", timeout_seconds=2)
    with pytest.raises(DeliveryError, match="could not be reached") as failure:
        send(mail(), nobody)
    assert failure.value.retriable
