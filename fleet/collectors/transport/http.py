"""Requests to one endpoint: bounded in time, bytes and tries; what goes wrong comes out as one of our errors."""

from __future__ import annotations

import contextlib
import itertools
import secrets
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import httpcore

from fleet.collectors.transport.authorization import Authorization
from fleet.collectors.transport.budget import PROCESS_SLOTS, SMALL_ANSWER_BYTES, AnswerSlots
from fleet.collectors.transport.closing import Closing
from fleet.collectors.transport.deadline import Deadline, DeadlineBackend
from fleet.collectors.transport.faults import Refusal, broken, is_html, refused
from fleet.collectors.transport.governor import Governor, Request, governed
from fleet.collectors.transport.limits import TransportLimits
from fleet.collectors.transport.request import Asked, Form, http_request
from fleet.collectors.transport.tls import tls_context
from fleet.collectors.transport.unzipping import CutShort, unzipped
from fleet.credentials import Credential, CredentialSource
from fleet.errors import (
    AnswerTooLarge,
    AnswerTruncated,
    HeldBack,
    SourceError,
    SourceTimeout,
    Throttled,
    Unauthorized,
    Unreachable,
)
from fleet.inventory.cluster import Endpoint

__all__ = ["Answer", "Form", "HttpTransport"]

_ERROR_BODY_BYTES = 64 << 10
_FIRST_PAUSE_SECONDS = 0.5


@dataclass(frozen=True)
class Answer:
    """A successful answer's body, after decompression, and what it says it is (a media type, in lower case).

    ``found`` is false, and the body empty, where nothing is at the path, if that was asked for as an answer.
    """

    body: bytearray
    media_type: str = ""
    found: bool = True


class HttpTransport(Closing):
    """One endpoint's connections and credential; threads may share it. A context manager.

    The credential is fetched with the first request, which raises what its source raises.

    Args:
        endpoint: where; its TLS settings hold.
        credentials: with what; None for an endpoint that needs no credential.
        limits: bounds of each request.
        governor: asked before each request; None where nothing is to be held back.
        slots: the process's budget for large answers.
        now: the clock for ``Retry-After`` dates.
        plain_refusals: the API says in plain text what is wrong with a query (Loki, Tempo), not in JSON.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        credentials: CredentialSource | None = None,
        limits: TransportLimits | None = None,
        *,
        governor: Governor | None = None,
        slots: AnswerSlots = PROCESS_SLOTS,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        plain_refusals: bool = False,
    ) -> None:
        self.endpoint = endpoint
        self.limits = limits or TransportLimits()
        self._governor = governor
        self._slots = slots
        self._now = now
        self._plain_refusals = plain_refusals
        self._credentials = credentials
        self._closed = threading.Event()
        self._backend = DeadlineBackend()
        self._opening = threading.Lock()
        self._pools: list[httpcore.ConnectionPool] = []

    def close(self) -> None:
        """Close all connections; requests under way end with an error at their next piece."""
        self._closed.set()
        for pool in self._pools:
            pool.close()

    @contextlib.contextmanager
    def answer(
        self,
        path: str,
        form: Form,
        *,
        post: bool,
        seconds: float | None = None,
        accept: str = "application/json",
        may_lack: bool = False,
    ) -> Iterator[Answer]:
        """The answer to a request; a large answer's slot is held until the context ends.

        Args:
            path: below the endpoint's URL, for example ``/api/v1/query``.
            form: parameters, sent as a form body (``post``) or in the query string.
            post: POST instead of GET.
            seconds: for this request instead of the limits' ``request_seconds``.
            accept: the media type that is asked for.
            may_lack: a 404 that is no web page is an answer, too: that nothing is there.

        Raises:
            SourceError: any of its kinds, after the tries that its kind is worth.
            CredentialMissing, StoreUnavailable: from the credential source and the governor.
        """
        with self._opening:
            if not self._pools:
                self._authorization = Authorization(self.endpoint, self._credentials)
                self._pools.append(self._new_pool())
        deadline = Deadline(seconds or self.limits.request_seconds)
        with contextlib.ExitStack() as slot:
            yield self._tried(Asked(path, form, post, accept, may_lack), deadline, slot)

    def _tried(self, asked: Asked, deadline: Deadline, slot: contextlib.ExitStack) -> Answer:
        earlier: SourceError | None = None
        for attempt in itertools.count(1):
            try:
                return self._authorised(asked, deadline, slot)
            except SourceError as error:
                slot.close()
                pause = self._pause_seconds(error, attempt, deadline)
                if pause is None and earlier is not None and isinstance(error, SourceTimeout | HeldBack):
                    # What failed first says more than that the time ran out, or that we held back, over trying again.
                    raise earlier from None
                if pause is None:
                    raise
                earlier = error
            if self._closed.wait(pause):
                raise self._closed_error()
        raise AssertionError("tries end with an answer or an error")

    def _pause_seconds(self, error: SourceError, attempt: int, deadline: Deadline) -> float | None:
        """How long to wait before the next try; None where there is none."""
        in_vain = isinstance(error, SourceTimeout | HeldBack)
        if not error.retriable or in_vain or attempt >= self.limits.attempts:
            return None
        # Half fixed, half chance: clients that failed together do not come back together.
        pause = _FIRST_PAUSE_SECONDS * 2 ** (attempt - 1) * (0.5 + secrets.randbelow(1000) / 1000)
        if isinstance(error, Throttled) and error.retry_after_seconds is not None:
            if error.retry_after_seconds > self.limits.longest_pause_seconds:
                return None
            pause = error.retry_after_seconds + pause / 10
        return pause if pause < deadline.remaining_seconds else None

    def _authorised(self, asked: Asked, deadline: Deadline, slot: contextlib.ExitStack) -> Answer:
        header = self._authorization.header
        try:
            return self._once(asked, deadline, slot)
        except Unauthorized:
            before = self._authorization.credential
            if not self._authorization.renew(header):
                raise
            if _certificate(before) != _certificate(self._authorization.credential):
                self._renew_connections()
        return self._once(asked, deadline, slot)

    def _once(self, asked: Asked, deadline: Deadline, slot: contextlib.ExitStack) -> Answer:
        with governed(self._governor, self.endpoint, self.limits.request_seconds, self._closed) as under_way:
            # The server's time does not run while we hold the request back.
            deadline.extend(under_way.waited_seconds)
            return self._sent(asked, deadline, slot, under_way)

    def _sent(self, asked: Asked, deadline: Deadline, slot: contextlib.ExitStack, under_way: Request) -> Answer:
        self._backend.work_until(deadline)
        request = http_request(self.endpoint, asked, self._authorization.header, self.limits)
        in_body = False
        try:
            response = self._pools[-1].handle_request(request)
            try:
                in_body = True
                if asked.may_lack and _is_lacking(response):
                    return Answer(bytearray(), found=False)
                return self._body(response, deadline, slot, under_way)
            finally:
                response.close()
        except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException) as error:
            if self._closed.is_set():
                raise self._closed_error() from None
            # The library's text may quote what was sent: our own words stand alone.
            certified = self._authorization.certified
            raise broken(self.endpoint, error, deadline.seconds, in_body=in_body, certified=certified) from None

    def _body(
        self, response: httpcore.Response, deadline: Deadline, slot: contextlib.ExitStack, under_way: Request
    ) -> Answer:
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers}
        pieces = self._pieces(response, headers, under_way)
        if not 200 <= response.status < 300:
            raise self._refused(response.status, headers, pieces)
        body = bytearray()
        for piece in pieces:
            body += piece
            if len(body) > self.limits.answer_bytes:
                raise self._too_large()
            if len(body) > SMALL_ANSWER_BYTES and len(body) - len(piece) <= SMALL_ANSWER_BYTES:
                self._take_slot(deadline, slot)
        if is_html(headers.get("content-type", ""), body[:1024]):
            raise self._refused(response.status, headers, iter([bytes(body[:_ERROR_BODY_BYTES])]))
        self._authorization.hide_in(body)
        return Answer(body, headers.get("content-type", "").partition(";")[0].strip().lower())

    def _pieces(self, response: httpcore.Response, headers: dict[str, str], under_way: Request) -> Iterator[bytes]:
        """The body, decompressed, in pieces that stay small however well it was compressed."""
        try:
            yield from unzipped(self._received(response, under_way), gzip=headers.get("content-encoding") == "gzip")
        except CutShort:
            raise AnswerTruncated(
                f"The answer of {self.endpoint.url} ended in the middle.", endpoint=self.endpoint.url
            ) from None

    def _received(self, response: httpcore.Response, under_way: Request) -> Iterator[bytes]:
        for piece in response.iter_stream():
            under_way.answer_bytes += len(piece)
            if self._closed.is_set():
                raise self._closed_error()
            yield piece

    def _refused(self, status: int, headers: dict[str, str], pieces: Iterator[bytes]) -> SourceError:
        body = b""
        # What a refusal says counts only as far as it came.
        with contextlib.suppress(httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException):
            for piece in pieces:
                body += piece
                if len(body) >= _ERROR_BODY_BYTES:
                    break
        body = self._authorization.hide(body[:_ERROR_BODY_BYTES].decode("utf-8", "replace")).encode()
        return refused(self.endpoint, Refusal(status, headers, body, self._plain_refusals), self._now())

    def _take_slot(self, deadline: Deadline, slot: contextlib.ExitStack) -> None:
        waited = self._slots.take(self._closed)
        if waited < 0:
            raise self._closed_error()
        slot.callback(self._slots.give_back)
        deadline.extend(waited)

    def _new_pool(self) -> httpcore.ConnectionPool:
        return httpcore.ConnectionPool(
            ssl_context=tls_context(self.endpoint, self._authorization.credential),
            max_connections=self.limits.connections,
            keepalive_expiry=30.0,
            network_backend=self._backend,
        )

    def _renew_connections(self) -> None:
        """New connections for a new client certificate; the old ones end with their requests."""
        self._pools.append(self._new_pool())

    def _closed_error(self) -> SourceError:
        return Unreachable(f"Reading {self.endpoint.url} was called off.", endpoint=self.endpoint.url)

    def _too_large(self) -> SourceError:
        mebibytes = self.limits.answer_bytes / (1 << 20)
        return AnswerTooLarge(
            f"An answer of {self.endpoint.url} is larger than {mebibytes:g} MiB.",
            endpoint=self.endpoint.url,
            hint="Ask for a shorter window, or for fewer series.",
        )


def _is_lacking(response: httpcore.Response) -> bool:
    """Whether an API says, and not a router with a page, that nothing is there."""
    page = any(name.lower() == b"content-type" and b"html" in value.lower() for name, value in response.headers)
    return response.status == 404 and not page


def _certificate(credential: Credential | None) -> tuple[object, object] | None:
    return None if credential is None else (credential.client_cert_pem, credential.client_key_pem)
