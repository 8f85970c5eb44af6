"""WebSocket connections to an endpoint, with its TLS settings, tenant and credential; faults in plain words.

A connection is asyncio's, run by the thread that uses it and only while it does. The library's client for threads reads
in one thread and writes in another, over one TLS object: before Python 3.13 the two get in each other's way, and with
TLS 1.3, whose session tickets come after the handshake, about one connection in two hundred lost what the server said.
"""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode, urlsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidHandshake, InvalidStatus

from fleet.collectors.transport.authorization import Authorization
from fleet.collectors.transport.closing import Closing
from fleet.collectors.transport.faults import Refusal, refused
from fleet.collectors.transport.governor import Governor, governed
from fleet.collectors.transport.limits import TransportLimits
from fleet.collectors.transport.tls import tls_context, tls_fault
from fleet.errors import SourceError, SourceTimeout, Unauthorized, Unreachable, WrongService
from fleet.inventory.cluster import Endpoint

_ERROR_BODY_BYTES = 64 << 10
_CLOSE_SECONDS = 1.0


class WebSocket(Closing):
    """An open connection, for one thread without a running event loop. A context manager."""

    def __init__(self, runner: asyncio.Runner, connection: ClientConnection) -> None:
        self._runner = runner
        self._connection = connection

    def receive(self, seconds: float) -> bytes | None:
        """The next message, or None where none came within the time; nothing is lost by that.

        Raises:
            websockets.exceptions.ConnectionClosed: the connection is closed, and all that came before was handed out.
        """
        return self._runner.run(self._received(seconds))

    def close(self) -> None:
        """Close the connection within a second."""
        try:
            self._runner.run(self._connection.close())
        finally:
            self._runner.close()

    async def _received(self, seconds: float) -> bytes | None:
        try:
            async with asyncio.timeout(seconds):
                return await self._connection.recv(decode=False)
        except TimeoutError:
            return None


@dataclass(frozen=True)
class WebSocketOpener:
    """Opens connections to one endpoint.

    Attributes:
        endpoint: where.
        authorization: with what; shared over the connections, so that it is renewed once.
        limits: of the handshake's time and of a message's bytes.
        governor: asked before each handshake, which is what it accounts for; None where nothing is to be held back.
        called_off: once it is set, nobody wants the connection any more.
    """

    endpoint: Endpoint
    authorization: Authorization
    limits: TransportLimits
    governor: Governor | None
    called_off: threading.Event

    def open(self, path: str, form: list[tuple[str, str]]) -> WebSocket:
        """A connection; a credential that is refused is renewed once.

        Args:
            path: below the endpoint's URL.
            form: parameters of the query string.

        Raises:
            SourceError: any of its kinds: an HTTP refusal is what it would be for a request.
            CredentialMissing, StoreUnavailable: from the credential source and the governor.
        """
        header = self.authorization.header
        try:
            return self._once(path, form)
        except Unauthorized:
            if not self.authorization.renew(header):
                raise
        return self._once(path, form)

    def _once(self, path: str, form: list[tuple[str, str]]) -> WebSocket:
        with governed(self.governor, self.endpoint, self.limits.request_seconds, self.called_off):
            runner = asyncio.Runner()
            try:
                return WebSocket(runner, runner.run(self._connected(path, form)))
            except BaseException as error:
                runner.close()
                if isinstance(error, InvalidHandshake | OSError):
                    raise self._fault(error) from None
                raise

    async def _connected(self, path: str, form: list[tuple[str, str]]) -> ClientConnection:
        parts = urlsplit(self.endpoint.url)
        secure = parts.scheme == "https"
        query = f"?{urlencode(form)}" if form else ""
        return await _DirectConnect(
            f"{'wss' if secure else 'ws'}://{parts.netloc}{parts.path.rstrip('/')}{path}{query}",
            ssl=tls_context(self.endpoint, self.authorization.credential) if secure else None,
            additional_headers=self._headers(),
            user_agent_header="fleetscope",
            compression=None,
            # As for HTTP: what the environment names is no address that an operator registered.
            proxy=None,
            # Of the connection, of TLS and of the upgrade.
            open_timeout=3 * self.limits.connect_seconds,
            close_timeout=_CLOSE_SECONDS,
            max_size=self.limits.answer_bytes,
        )

    def _fault(self, error: InvalidHandshake | OSError) -> SourceError:
        endpoint, url = self.endpoint, self.endpoint.url
        if isinstance(error, InvalidStatus):
            return refused(endpoint, self._refusal(error), datetime.now(UTC))
        if isinstance(error, ssl.SSLError):
            return tls_fault(error, endpoint, certified=self.authorization.certified)
        if isinstance(error, InvalidHandshake) and not isinstance(error.__cause__, EOFError):
            what = f"{url} does not answer with a WebSocket."
            return WrongService(what, endpoint=url, hint="Does a proxy let it through?")
        if isinstance(error, InvalidHandshake | ConnectionResetError):
            return Unreachable(f"{url} closed the connection before it answered.", endpoint=url)
        if isinstance(error, socket.gaierror):
            return Unreachable(f"The name in {url} is not known.", endpoint=url)
        if isinstance(error, TimeoutError):
            return SourceTimeout(f"{url} did not open a WebSocket in time.", endpoint=url)
        words = os.strerror(error.errno).lower() if error.errno else "no connection"
        return Unreachable(f"{url} cannot be reached: {words}.", endpoint=url)

    def _headers(self) -> dict[str, str]:
        headers = {"X-Scope-OrgID": self.endpoint.tenant} if self.endpoint.tenant else {}
        if self.authorization.header is not None:
            headers["Authorization"] = self.authorization.header.decode("ascii")
        return headers

    def _refusal(self, error: InvalidStatus) -> Refusal:
        response = error.response
        headers = {name.lower(): value for name, value in response.headers.raw_items()}
        text = bytes(response.body or b"")[:_ERROR_BODY_BYTES].decode("utf-8", "replace")
        return Refusal(response.status_code, headers, self.authorization.hide(text).encode(), plain=True)


class _DirectConnect(connect):
    """Follows no redirect: a credential must not travel to an address that no operator registered."""

    def process_redirect(self, exc: Exception) -> Any:
        return exc
