"""Asking an endpoint, once, what a collector will ask it: what was seen, how long it took, what a failure means."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

import msgspec

from fleet.collectors.transport.deadline import Deadline
from fleet.collectors.transport.decoding import strictly
from fleet.collectors.transport.faults import clean_words
from fleet.collectors.transport.http import Form, HttpTransport
from fleet.collectors.transport.limits import TransportLimits
from fleet.credentials import CredentialSource
from fleet.errors import (
    Forbidden,
    SourceError,
    SourceTimeout,
    TlsFailed,
    Unauthorized,
    Unreachable,
    WrongService,
)
from fleet.inventory.cluster import Endpoint
from fleet.inventory.validation import EndpointStatus

AnswerT = TypeVar("AnswerT")

_STATUSES: tuple[tuple[type[SourceError], EndpointStatus], ...] = (
    (Unreachable, EndpointStatus.UNREACHABLE),
    (SourceTimeout, EndpointStatus.UNREACHABLE),
    (TlsFailed, EndpointStatus.TLS),
    (Unauthorized, EndpointStatus.UNAUTHORIZED),
    (Forbidden, EndpointStatus.FORBIDDEN),
    (WrongService, EndpointStatus.WRONG_SERVICE),
)
_LEAST_SECONDS = 0.1


@dataclass(frozen=True)
class Seen:
    """A server that answered what a collector will ask it.

    Attributes:
        latency_seconds: of that question alone, the whole answer included.
        version: what the server says of itself; "" where it does not.
        message: what was seen, in a few words.
        hint: what would be better, or "".
    """

    latency_seconds: float
    version: str = ""
    message: str = ""
    hint: str = ""


class Probe(Protocol):
    """One kind's probe: a function of this form in its collector's package."""

    def __call__(self, endpoint: Endpoint, credentials: CredentialSource | None, deadline: Deadline) -> Seen:
        """What was seen until the deadline.

        Raises:
            SourceError: what a collector would meet, by its class.
            StoreError: the credential could not be had.
        """
        ...


def status_of(error: SourceError) -> EndpointStatus:
    """What a failure says of the endpoint. Silence counts as not being reached."""
    for kind, status in _STATUSES:
        if isinstance(error, kind):
            return status
    return EndpointStatus.FAILED


def timed(ask: Callable[[], AnswerT]) -> tuple[AnswerT, float]:
    """The answer to a question and the seconds that it took."""
    started = time.monotonic()
    answer = ask()
    return answer, time.monotonic() - started


def seconds_left(deadline: Deadline) -> float:
    """What is left for one more request, rounded as messages show it."""
    return max(_LEAST_SECONDS, round(deadline.remaining_seconds, 1))


def probe_limits(deadline: Deadline) -> TransportLimits:
    """Bounds of a probe's requests: a pause that a server asks for is granted once, and all of it ends in time."""
    seconds = seconds_left(deadline)
    return TransportLimits(request_seconds=seconds, attempts=2, longest_pause_seconds=seconds, connections=1)


def get_json(
    transport: HttpTransport, path: str, form: Form, decoder: msgspec.json.Decoder[AnswerT], deadline: Deadline
) -> AnswerT:
    """The answer to a GET, decoded.

    Raises:
        SourceError: any of its kinds.
    """
    with transport.answer(path, form, post=False, seconds=seconds_left(deadline)) as answer:
        return strictly(decoder, answer.body, transport.endpoint.url)


def spoken_version(ask: Callable[[], str | None]) -> str:
    """A version for the reader; "" where the server does not say it, which is no failure of the probe."""
    try:
        return clean_words(ask() or "")
    except SourceError:
        return ""
