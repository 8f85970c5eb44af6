"""A deadline over a whole request.

HTTP clients bound each read of a socket; a server that sends a byte now and then passes every such bound. Here
each operation on the socket gets no more than what is left of the request's time.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Iterable
from typing import Any

import httpcore

_RECORD_BYTES = 16 << 10
_AHEAD_BYTES = 1 << 20


class Deadline:
    """A point in monotonic time; ``extend`` moves it by time that was not the server's fault."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._at = time.monotonic() + seconds

    @property
    def remaining_seconds(self) -> float:
        """Seconds left; negative when it has passed."""
        return self._at - time.monotonic()

    def extend(self, seconds: float) -> None:
        """Move the deadline on."""
        self._at += seconds


class DeadlineBackend(httpcore.NetworkBackend):
    """Sockets whose operations end at the deadline of the request that the calling thread works on."""

    def __init__(self) -> None:
        self._inner = httpcore.SyncBackend()
        self._local = threading.local()

    def work_until(self, deadline: Deadline) -> None:
        """Set the deadline of the calling thread's operations from now on."""
        self._local.deadline = deadline

    def left(self, timeout: float | None) -> float:
        """The smaller of a timeout and what is left of the calling thread's deadline, in seconds.

        Raises:
            httpcore.ReadTimeout: nothing is left.
        """
        remaining = float(self._local.deadline.remaining_seconds)
        if remaining <= 0:
            raise httpcore.ReadTimeout("the request's time is over")
        return remaining if timeout is None else min(timeout, remaining)

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """A connection, within the deadline."""
        stream = self._inner.connect_tcp(host, port, self.left(timeout), local_address, socket_options)
        return _DeadlineStream(stream, self)


class _DeadlineStream(httpcore.NetworkStream):
    def __init__(self, inner: httpcore.NetworkStream, backend: DeadlineBackend) -> None:
        self._inner = inner
        self._backend = backend
        self._waiting = threading.Lock()
        self._buffer = bytearray()

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        with self._waiting:
            data = self._inner.read(max_bytes, self._backend.left(timeout))
            connection = self._inner.get_extra_info("socket")
            if len(data) != _RECORD_BYTES or not isinstance(connection, ssl.SSLSocket):
                return data
            return self._with_what_is_at_hand(data, connection)

    def _with_what_is_at_hand(self, first: bytes, connection: ssl.SSLSocket) -> bytes:
        """A record, and those that have arrived behind it; waits for none.

        OpenSSL hands out one record, 16 KiB, at a time; what the HTTP library does with each piece costs more than to
        decrypt it. What goes wrong here shows again at the next read, after what came before was handed out.
        """
        if not self._buffer:
            self._buffer = bytearray(_AHEAD_BYTES)
        room = memoryview(self._buffer)
        room[: len(first)], size = first, len(first)
        connection.settimeout(0)
        with contextlib.suppress(OSError):
            while size + _RECORD_BYTES <= _AHEAD_BYTES and (count := connection.recv_into(room[size:], _RECORD_BYTES)):
                size += count
        return bytes(room[:size])

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        with self._waiting:
            self._inner.write(buffer, self._backend.left(timeout))

    def close(self) -> None:
        """Wake a thread that waits for this connection, and close it only after that.

        The number of a socket that is closed under its reader may be that of another one by the time it waits for it.
        """
        with contextlib.suppress(OSError):
            socket.socket.shutdown(self._inner.get_extra_info("socket"), socket.SHUT_RDWR)
        with self._waiting:
            self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        stream = self._inner.start_tls(ssl_context, server_hostname, self._backend.left(timeout))
        return _DeadlineStream(stream, self._backend)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)
