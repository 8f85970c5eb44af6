"""WebSocket connections to an endpoint, with its TLS settings, tenant and credential; faults in plain words."""

from __future__ import annotations

import socket
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlencode, urlsplit

from websockets.exceptions import InvalidHandshake, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from fleet.collectors.transport.authorization import Authorization
from fleet.collectors.transport.faults import Refusal, refused
from fleet.collectors.transport.limits import TransportLimits
from fleet.collectors.transport.tls import tls_context, tls_fault
from fleet.errors import SourceTimeout, Unauthorized, Unreachable, WrongService
from fleet.inventory.cluster import Endpoint

_ERROR_BODY_BYTES = 64 << 10


@dataclass(frozen=True)
class WebSocketOpener:
    """Opens connections to one endpoint.

    Attributes:
        endpoint: where.
        authorization: with what; shared over the connections, so that it is renewed once.
        limits: of the handshake's time and of a message's bytes.
    """

    endpoint: Endpoint
    authorization: Authorization
    limits: TransportLimits

    def open(self, path: str, form: list[tuple[str, str]]) -> ClientConnection:
        """A connection; a credential that is refused is renewed once. A context manager.

        Args:
            path: below the endpoint's URL.
            form: parameters of the query string.

        Raises:
            SourceError: any of its kinds: an HTTP refusal is what it would be for a request.
            CredentialMissing, StoreUnavailable: from the credential source.
        """
        header = self.authorization.header
        try:
            return self._once(path, form)
        except Unauthorized:
            if not self.authorization.renew(header):
                raise
        return self._once(path, form)

    def _once(self, path: str, form: list[tuple[str, str]]) -> ClientConnection:
        endpoint, parts = self.endpoint, urlsplit(self.endpoint.url)
        secure = parts.scheme == "https"
        query = f"?{urlencode(form)}" if form else ""
        try:
            return connect(
                f"{'wss' if secure else 'ws'}://{parts.netloc}{parts.path.rstrip('/')}{path}{query}",
                ssl=tls_context(endpoint, self.authorization.credential) if secure else None,
                additional_headers=self._headers(),
                user_agent_header="fleetscope",
                compression=None,
                # As for HTTP: what the environment names is no address that an operator registered.
                proxy=None,
                # Of the connection, of TLS and of the upgrade.
                open_timeout=3 * self.limits.connect_seconds,
                close_timeout=1.0,
                max_size=self.limits.answer_bytes,
            )
        except InvalidStatus as error:
            raise refused(endpoint, self._refusal(error), datetime.now(UTC)) from None
        except ssl.SSLError as error:
            raise tls_fault(error, endpoint, certified=self.authorization.certified) from None
        except InvalidHandshake as error:
            if isinstance(error.__cause__, EOFError):
                what = f"{endpoint.url} closed the connection before it answered."
                raise Unreachable(what, endpoint=endpoint.url) from None
            what = f"{endpoint.url} does not answer with a WebSocket."
            raise WrongService(what, endpoint=endpoint.url, hint="Does a proxy let it through?") from None
        except socket.gaierror:
            raise Unreachable(f"The name in {endpoint.url} is not known.", endpoint=endpoint.url) from None
        except TimeoutError:
            raise SourceTimeout(f"{endpoint.url} did not open a WebSocket in time.", endpoint=endpoint.url) from None
        except OSError as error:
            words = (error.strerror or "no connection").lower()
            raise Unreachable(f"{endpoint.url} cannot be reached: {words}.", endpoint=endpoint.url) from None

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
