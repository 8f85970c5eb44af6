"""A small API server for faults: real HTTPS on loopback, objects from memory, and answers that a test puts in the way.

Bodies of refusals are those that a kube-apiserver sends.
"""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

JSON = {"Content-Type": "application/json"}
TEXT = {"Content-Type": "text/plain; charset=utf-8"}


@dataclass(frozen=True)
class Reply:
    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=lambda: JSON)
    cut: bool = False
    """Promise more bytes than are sent."""


@dataclass(frozen=True)
class Request:
    path: str
    query: dict[str, str]
    authorization: str
    accept: str = ""


Handler = Callable[[Request], Reply | None]


def status(code: int, message: str, **more: Any) -> Reply:
    body = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": message, "code": code}
    return Reply(code, json.dumps(body | more).encode())


def forbidden(resource: str) -> Reply:
    text = (
        f'{resource} is forbidden: User "viewer" cannot list resource "{resource}" in API group "" at the cluster scope'
    )
    return status(403, text, reason="Forbidden")


MISSING = Reply(404, b"404 page not found\n", TEXT)


@dataclass
class Api:
    """What the server holds: lists by path, documents by path, and handlers that may answer first."""

    lists: dict[str, list[Any]] = field(default_factory=dict)
    documents: dict[str, Any] = field(default_factory=dict)
    interceptors: list[Handler] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    client_certificates: int = 0
    url: str = ""
    ca_pem: str = ""

    def answer(self, request: Request) -> Reply:
        self.requests.append(request)
        for interceptor in self.interceptors:
            reply = interceptor(request)
            if reply is not None:
                return reply
        if request.path in self.documents:
            return Reply(200, json.dumps(self.documents[request.path]).encode())
        if request.path not in self.lists:
            return MISSING
        items = self.lists[request.path]
        start = int(request.query.get("continue", "0"))
        end = start + int(request.query["limit"])
        metadata = {"resourceVersion": "7"} | ({"continue": str(end)} if end < len(items) else {})
        return Reply(200, json.dumps({"kind": "List", "metadata": metadata, "items": items[start:end]}).encode())

    def asked(self, path: str) -> list[Request]:
        return [request for request in self.requests if request.path == path]


def once(handler: Handler) -> Handler:
    """A handler that answers one time only."""
    done = threading.Event()

    def first(request: Request) -> Reply | None:
        if done.is_set():
            return None
        reply = handler(request)
        if reply is not None:
            done.set()
        return reply

    return first


def on(path: str, reply: Reply) -> Handler:
    return lambda request: reply if request.path == path else None


@contextmanager
def serve(api: Api, folder: Path, *, days: int = 1, host: str = "127.0.0.1", client_ca: bool = False) -> Iterator[Api]:
    """Serves ``api`` on a free port; ``days`` < 0 makes an expired certificate, ``host`` the name that it carries."""
    api.ca_pem = make_certificate(folder, days=days, host=host)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem")
    if client_ca:
        context.load_verify_locations(cadata=api.ca_pem)
        context.verify_mode = ssl.CERT_REQUIRED

    class Connection(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1
        """Head and body in one piece: apart, they would wait for each other's acknowledgement."""

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            if isinstance(self.connection, ssl.SSLSocket) and self.connection.getpeercert():
                api.client_certificates += 1
            headers = self.headers.get("Authorization", ""), self.headers.get("Accept", "")
            reply = api.answer(Request(parts.path, query, *headers))
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(reply.body) + (1000 if reply.cut else 0)))
            self.end_headers()
            self.wfile.write(reply.body)
            self.close_connection = self.close_connection or reply.cut

        def log_message(self, format: str, *args: object) -> None:
            pass

    class Quiet(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: Any, client_address: Any) -> None:
            """Handshakes that a test wants to fail."""

        def get_request(self) -> tuple[ssl.SSLSocket, Any]:
            # The handshake belongs into the connection's own thread: here it would block the others.
            connection, address = self.socket.accept()
            return context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False), address

    server = Quiet(("127.0.0.1", 0), Connection)
    api.url = f"https://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield api
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def make_certificate(folder: Path, *, days: int = 1, host: str = "127.0.0.1", name: str = "server") -> str:
    """A self-signed certificate in ``folder/NAME.pem``, key included; returns the certificate alone."""
    key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.now(UTC)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    try:
        alternative: x509.GeneralName = x509.IPAddress(ip_address(host))
    except ValueError:
        alternative = x509.DNSName(host)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=10))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([alternative]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM).decode()
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    (folder / f"{name}.pem").write_text(pem + private)
    return pem
