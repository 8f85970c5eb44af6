"""A server that sends exact bytes, for answers that no well-behaved server gives."""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from tests.fleet.collectors.prometheus.certificates import KeyPair

_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)


@dataclass
class Request:
    """What a client sent."""

    method: str
    target: str
    head: str
    body: str


Reply = bytes | Iterable[bytes]
Script = Callable[[Request, int], Reply]
"""From a request and its number (from 1) to the bytes to send; an empty answer closes the connection."""


@dataclass
class ByteServer:
    """Listens on loopback, one thread a connection; closes each connection after its answer."""

    script: Script
    certificate: KeyPair | None = None
    requests: list[Request] = field(default_factory=list)
    sent_bytes: int = 0

    def __enter__(self) -> Self:
        self._stopped = threading.Event()
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._lock = threading.Lock()
        self._context: ssl.SSLContext | None = None
        scheme = "http"
        if self.certificate is not None:
            scheme = "https"
            self._context = _server_context(self.certificate)
        self.url = f"{scheme}://127.0.0.1:{self._socket.getsockname()[1]}"
        self._threads: list[threading.Thread] = []
        self._run(self._accept)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopped.set()
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        for thread in self._threads:
            thread.join(timeout=10)

    def pause(self, seconds: float) -> None:
        """For scripts: wait, but not beyond the server's life."""
        self._stopped.wait(seconds)

    def _run(self, target: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=target, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._stopped.is_set():
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            self._run(self._serve, connection)

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError, ValueError), connection:
            connection.settimeout(10)
            if self._context is not None:
                connection = self._context.wrap_socket(connection, server_side=True)
            with connection:
                self._answer(connection)

    def _answer(self, connection: socket.socket) -> None:
        request = _read_request(connection)
        if request is None:
            return
        with self._lock:
            self.requests.append(request)
            number = len(self.requests)
        reply = self.script(request, number)
        for piece in [reply] if isinstance(reply, bytes) else reply:
            if self._stopped.is_set():
                return
            connection.sendall(piece)
            self.sent_bytes += len(piece)
        with contextlib.suppress(OSError):
            connection.shutdown(socket.SHUT_WR)


def _server_context(pair: KeyPair) -> ssl.SSLContext:
    import tempfile

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.NamedTemporaryFile("w", suffix=".pem") as file:
        file.write(pair.certificate + pair.key)
        file.flush()
        context.load_cert_chain(file.name)
    return context


def _read_request(connection: socket.socket) -> Request | None:
    data = b""
    while b"\r\n\r\n" not in data:
        piece = connection.recv(65536)
        if not piece:
            return None
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    length = _LENGTH.search(head)
    while length and len(body) < int(length.group(1)):
        body += connection.recv(65536)
    method, target, _ = head.split(b"\r\n", 1)[0].decode().split(" ")
    return Request(method, target, head.decode(), body.decode())


def reply(body: str | bytes, status: int = 200, content_type: str = "application/json", **headers: str) -> bytes:
    """An HTTP answer with a Content-Length; header names with ``_`` for ``-``."""
    data = body.encode() if isinstance(body, str) else body
    lines = [f"HTTP/1.1 {status} Words", f"Content-Type: {content_type}", f"Content-Length: {len(data)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return ("\r\n".join([*lines, "Connection: close", "", ""])).encode() + data


def slowly(data: bytes, seconds: float, server: Callable[[], ByteServer]) -> Iterator[bytes]:
    """The bytes one by one, with a pause after each."""
    for place in range(len(data)):
        yield data[place : place + 1]
        server().pause(seconds)


def wait_until(condition: Callable[[], bool], seconds: float = 10) -> None:
    """Poll until a condition holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true"
        time.sleep(0.02)
