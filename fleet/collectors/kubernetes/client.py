"""GET requests to one Kubernetes API server, over the official client's transport."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from threading import Event, Lock
from typing import Any, Self
from urllib.parse import urlencode

from fleet.collectors.kubernetes.answers import Answer, error_of, transport_error
from fleet.collectors.transport.authorization import Authorization
from fleet.collectors.transport.closing import Closing
from fleet.collectors.transport.governor import Governor, Request, governed
from fleet.collectors.transport.tls import tls_context
from fleet.credentials import CredentialSource
from fleet.errors import (
    AnswerTooLarge,
    AnswerTruncated,
    ServerFailed,
    SourceError,
    SourceTimeout,
    Throttled,
    Unauthorized,
    Unreachable,
)
from fleet.inventory.cluster import Endpoint


@dataclass(frozen=True)
class KubernetesLimits:
    """Bounds on reading one cluster.

    Attributes:
        connect_seconds: to open a connection.
        first_seconds: in which a server has to answer for the first time; one that hangs is given up then.
        read_seconds: between two pieces of an answer, and for a whole answer.
        total_seconds: for a whole inventory; parts that come later are gaps.
        page_size: objects asked for in one request.
        page_bytes: the largest answer that is read, decoded.
        pause_seconds: the longest pause that a server's ``Retry-After`` is granted.
        attempts: requests made for one page, in all, when the server asks for pauses or fails.
        connections: lists that are read at a time.
    """

    connect_seconds: float = 5.0
    first_seconds: float = 10.0
    read_seconds: float = 30.0
    total_seconds: float = 180.0
    page_size: int = 1000
    page_bytes: int = 64 * 2**20
    pause_seconds: float = 15.0
    attempts: int = 3
    connections: int = 4


_JSON = "application/json"
_IMPORTING = Lock()
_ONLY_METADATA = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json"
"""A server that cannot leave the rest out sends whole objects, which read the same."""


@dataclass(frozen=True)
class _Call:
    """One request; ``body`` makes it a POST."""

    path: str
    query: Mapping[str, str | int] | None = None
    accept: str = _JSON
    body: Mapping[str, Any] | None = None


class KubernetesClient(Closing):
    """Reads from one API server; threads may share it. Use it as a context manager.

    A 401 refreshes the credential once in the client's life; 429 and 5xx are retried after the pause that the
    server asks for. Redirects are not followed: an API server sends none, a sign-in page does.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        credentials: CredentialSource | None,
        limits: KubernetesLimits | None = None,
        *,
        governor: Governor | None = None,
    ) -> None:
        self.endpoint = endpoint
        self.limits = limits or KubernetesLimits()
        self.requests = 0
        self._governor = governor
        self._closed = Event()
        self._credentials = credentials
        self._met = False
        self._counting = Lock()
        self._connecting = Lock()
        self._deadline = time.monotonic() + self.limits.total_seconds
        self._authorization = Authorization(endpoint, None)
        # The client's transport is not typed.
        self._rest: Any = None

    def __enter__(self) -> Self:
        """Connects as the credential says.

        Raises:
            fleet.errors.TlsFailed: the CA or the client certificate cannot be used.
            fleet.errors.Unauthorized: the token cannot be one.
            fleet.errors.StoreError: the credential could not be had.
        """
        self._authorization = Authorization(self.endpoint, self._credentials)
        self._connect()
        return self

    def close(self) -> None:
        """Close all connections; requests under way in other threads end with an error."""
        self._closed.set()
        if self._rest is not None:
            self._rest.close()

    def get(self, path: str, query: Mapping[str, str | int] | None = None, *, only_metadata: bool = False) -> bytes:
        """The body of a 200 answer.

        Args:
            path: below the endpoint's address, starting with a slash.
            query: query parameters.
            only_metadata: ask for a list's objects without spec and status.

        Raises:
            fleet.collectors.kubernetes.answers.NotServed: 404, the cluster does not have it.
            fleet.collectors.kubernetes.answers.ListExpired: 410, with a token to go on with where the server gave one.
            fleet.errors.SourceError: anything else, by its class.
        """
        return self._tried(_Call(path, query, _ONLY_METADATA if only_metadata else _JSON))

    def post(self, path: str, body: Mapping[str, Any]) -> bytes:
        """The body of a 200 or 201 answer to a JSON document; for reviews, which may be asked twice.

        Raises:
            fleet.collectors.kubernetes.answers.NotServed: 404, the cluster does not have it.
            fleet.errors.SourceError: anything else, by its class.
        """
        return self._tried(_Call(path, body=body))

    def _tried(self, call: _Call) -> bytes:
        for attempt in range(1, self.limits.attempts + 1):
            try:
                body = self._authorised(call)
            except (Throttled, ServerFailed, AnswerTruncated, Unreachable) as error:
                # A server that was never met is somebody else's to ask again; one that broke off is asked here.
                unmet = isinstance(error, Unreachable) and not self._met
                if unmet or attempt == self.limits.attempts or not self._pause(error):
                    raise
            else:
                self._met = True
                return body
        raise AssertionError("the last attempt returns or raises")

    def _authorised(self, call: _Call) -> bytes:
        header = self._authorization.header
        try:
            return self._once(call)
        except Unauthorized:
            if not self._authorization.renew(header):
                raise
            self._connect()
            return self._once(call)

    def _once(self, call: _Call) -> bytes:
        patience = min(self.limits.read_seconds, self._remaining_seconds())
        with governed(self._governor, self.endpoint, patience, self._closed) as under_way:
            answer = self._request(call, under_way)
            if answer.status not in {200, 201}:
                said = self._authorization.hide(answer.body.decode(errors="replace"))
                answer = replace(answer, body=said.encode())
            error = error_of(answer, self.endpoint.url, call.path)
            if error is not None:
                raise error
            return answer.body

    def _request(self, call: _Call, under_way: Request) -> Answer:
        from kubernetes.client.exceptions import ApiException
        from urllib3.exceptions import HTTPError

        if self._rest is None:
            raise RuntimeError("the client is used as a context manager")
        remaining = self._remaining_seconds()
        patience = self.limits.read_seconds if self._met else self.limits.first_seconds
        read_seconds = min(patience, self.limits.read_seconds, remaining)
        url = f"{self.endpoint.url}{call.path}"
        if call.query:
            url = f"{url}?{urlencode(call.query)}"
        with self._counting:
            self.requests += 1
        timeouts = (min(self.limits.connect_seconds, remaining), read_seconds)
        try:
            response = self._rest.request(
                "GET" if call.body is None else "POST",
                url,
                headers=self._headers(call),
                body=call.body,
                _request_timeout=timeouts,
            ).response
        except (HTTPError, ApiException) as error:
            raise transport_error(error, self.endpoint, certified=self._authorization.certified) from None
        try:
            body = self._body(response, read_seconds)
        except HTTPError as error:
            raise transport_error(error, self.endpoint, certified=self._authorization.certified, begun=True) from None
        finally:
            under_way.answer_bytes = response.tell()
            # A whole answer has given its connection back by now; what is left of another would block the next.
            if response.isclosed():
                response.release_conn()
            else:
                response.close()
        return Answer(status=response.status, headers=response.headers, body=body)

    def _remaining_seconds(self) -> float:
        remaining = self._deadline - time.monotonic()
        if remaining <= 0:
            raise SourceTimeout(
                f"{self.endpoint.url} took more than {self.limits.total_seconds:.0f} s for the parts before this one.",
                endpoint=self.endpoint.url,
            )
        return remaining

    def _body(self, response: Any, seconds: float) -> bytes:
        deadline = time.monotonic() + seconds
        pieces: list[bytes] = []
        size = 0
        # As it comes: waiting for a full piece would outlast the deadline of one that comes byte by byte.
        while piece := response.read1(2**18, decode_content=True):
            if self._closed.is_set():
                raise Unreachable(f"The client of {self.endpoint.url} was closed.", endpoint=self.endpoint.url)
            size += len(piece)
            if size > self.limits.page_bytes:
                raise AnswerTooLarge(
                    f"{self.endpoint.url} sent more than {self.limits.page_bytes // 2**20} MiB in one answer.",
                    endpoint=self.endpoint.url,
                )
            if time.monotonic() > deadline:
                raise SourceTimeout(
                    f"{self.endpoint.url} did not finish an answer within {seconds:.0f} s.",
                    endpoint=self.endpoint.url,
                )
            pieces.append(piece)
        return b"".join(pieces)

    def _pause(self, error: SourceError) -> bool:
        """Wait as long as the server asked for; False where that is longer than we grant, or than there is time."""
        wished = getattr(error, "retry_after_seconds", None)
        pause = 1.0 if wished is None else float(wished)
        if pause > self.limits.pause_seconds or time.monotonic() + pause >= self._deadline:
            return False
        return not self._closed.wait(pause)

    def _connect(self) -> None:
        # The package's modules import each other in a circle: threads that import it at once meet half of it.
        with _IMPORTING:
            from kubernetes.client import Configuration
            from kubernetes.client.rest import RESTClientObject

        configuration = Configuration(host=self.endpoint.url, retries=False)
        configuration.connection_pool_maxsize = self.limits.connections
        configuration.verify_ssl = self.endpoint.verify_tls
        if not self.endpoint.verify_tls:
            _accept_unverified()
        rest = RESTClientObject(configuration)
        if self.endpoint.url.startswith("https:"):
            context = tls_context(self.endpoint, self._authorization.credential)
            rest.pool_manager.connection_pool_kw["ssl_context"] = context
        with self._connecting:
            before, self._rest = self._rest, rest
        if before is not None:
            before.close()

    def _headers(self, call: _Call) -> dict[str, str]:
        headers = {"Accept": call.accept, "Accept-Encoding": "gzip", "User-Agent": "fleetscope"}
        if call.body is not None:
            headers["Content-Type"] = _JSON
        if self._authorization.header is not None:
            headers["Authorization"] = self._authorization.header.decode("ascii")
        return headers


def _accept_unverified() -> None:
    """No warning for each request: the endpoint's row says it, and shows it wherever the endpoint is shown."""
    import urllib3

    urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
