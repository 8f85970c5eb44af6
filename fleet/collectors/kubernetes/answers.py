"""What an API server's answer means: the error tree from status codes and bodies.

Status objects are keyed on ``code`` alone: ``reason`` may be missing, and some answers (a missing API group, a
throttled request, a proxy's own page) are no Status at all.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from fleet.collectors.kubernetes.text import clean
from fleet.collectors.transport.decoding import decoder_of
from fleet.collectors.transport.faults import Refusal
from fleet.collectors.transport.tls import tls_fault
from fleet.errors import (
    AnswerTruncated,
    Forbidden,
    QueryRefused,
    ServerFailed,
    SourceError,
    SourceTimeout,
    Throttled,
    Unauthorized,
    Unreachable,
    WrongService,
)
from fleet.inventory.cluster import Endpoint

_PAGE_BYTES = 1 << 16


@dataclass(frozen=True)
class Answer:
    """A whole HTTP answer; ``headers`` compare their names without case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class NotServed(SourceError):
    """404: the cluster does not have this group or kind. Absent, not broken."""


class ListExpired(SourceError):
    """410 in the middle of a list.

    Args:
        token: a ``continue`` token to go on with (what was read before may have changed since), or "".
    """

    def __init__(self, message: str, *, endpoint: str, token: str) -> None:
        super().__init__(message, endpoint=endpoint)
        self.token = token


class _Details(msgspec.Struct, rename="camel"):
    retry_after_seconds: float | None = None


class _Metadata(msgspec.Struct, rename={"token": "continue"}):
    token: str | None = None


class _Status(msgspec.Struct, rename="camel"):
    message: str | None = None
    details: _Details | None = None
    metadata: _Metadata | None = None


_STATUS = decoder_of(_Status)


def error_of(answer: Answer, endpoint_url: str, path: str) -> SourceError | None:
    """The failure that an answer stands for, or None for a 200 or 201 with JSON."""
    page = Refusal(answer.status, {"content-type": answer.headers.get("Content-Type", "")}, answer.body[:_PAGE_BYTES])
    if page.sign_in_page:
        return Unauthorized(
            f"{endpoint_url}{path} answers with a sign-in page.",
            endpoint=endpoint_url,
            hint="Register the API server's own address, and check the credential.",
        )
    if answer.status in {200, 201}:
        return _not_json(answer, endpoint_url, path)
    status = _status_of(answer)
    said = clean(status.message if status.message is not None else answer.body[:300].decode(errors="replace"))
    what = f"{endpoint_url}{path}"
    if answer.status == 429:
        return Throttled(
            f"{what} asks for a pause.", endpoint=endpoint_url, retry_after_seconds=_pause_of(answer, status)
        )
    if answer.status == 410:
        token = (status.metadata.token if status.metadata else None) or ""
        return ListExpired(f"The list at {what} is too old to go on with.", endpoint=endpoint_url, token=token)
    if 300 <= answer.status < 400:
        return Unauthorized(
            f"{what} sends to another page instead of answering, as a sign-in page does.",
            endpoint=endpoint_url,
            hint="Register the API server's own address, and check the credential.",
        )
    if answer.status >= 500 and page.html:
        return ServerFailed(
            f"{what}: a router answered {answer.status} for the server behind it.",
            endpoint=endpoint_url,
            hint="Does the API server run?",
        )
    if answer.status >= 500:
        return ServerFailed(f"{what} failed with {answer.status}: {said}", endpoint=endpoint_url)
    return _refusal(answer.status, what, said, endpoint_url)


def _refusal(code: int, what: str, said: str, endpoint_url: str) -> SourceError:
    if code == 401:
        return Unauthorized(
            f"{what} does not accept the credential.",
            endpoint=endpoint_url,
            hint="Give the cluster a new one: fleetscope cluster rotate.",
        )
    if code == 403:
        return Forbidden(f"{what} refuses: {said}", endpoint=endpoint_url)
    if code == 404:
        return NotServed(f"{what} does not exist.", endpoint=endpoint_url)
    return QueryRefused(f"{what} refused the request with {code}: {said}", endpoint=endpoint_url)


def transport_error(error: Exception, endpoint: Endpoint, *, certified: bool, begun: bool = False) -> SourceError:
    """The failure behind an exception of urllib3 or of the official client, in words and without their texts.

    Args:
        error: what was raised.
        endpoint: what was asked.
        certified: whether a client certificate was sent.
        begun: whether the answer's body had begun.
    """
    from kubernetes.client.exceptions import ApiException
    from urllib3 import exceptions

    endpoint_url = endpoint.url
    if isinstance(error, ApiException | exceptions.SSLError):
        return tls_fault(_openssl_error(error), endpoint, certified=certified)
    if begun and not isinstance(error, exceptions.TimeoutError):
        return AnswerTruncated(f"An answer of {endpoint_url} ended in the middle.", endpoint=endpoint_url)
    if isinstance(error, exceptions.NameResolutionError):
        return Unreachable(
            f"The name in {endpoint_url} is not known.", endpoint=endpoint_url, hint="Check the address and DNS."
        )
    if isinstance(error, exceptions.NewConnectionError):
        return Unreachable(
            f"{endpoint_url} takes no connection.", endpoint=endpoint_url, hint="Check address, port and firewall."
        )
    # A connection that is refused counts as a time-out in urllib3, hence after the two above.
    if isinstance(error, exceptions.TimeoutError):
        return SourceTimeout(f"{endpoint_url} gave no answer in time.", endpoint=endpoint_url)
    return Unreachable(f"The connection to {endpoint_url} broke.", endpoint=endpoint_url)


def _openssl_error(error: BaseException) -> ssl.SSLError:
    """OpenSSL's own error behind those that wrap it, each the next one's context or first argument."""
    seen: BaseException | None = error
    while seen is not None and not isinstance(seen, ssl.SSLError):
        inner = seen.args[0] if seen.args and isinstance(seen.args[0], BaseException) else None
        seen = inner or seen.__cause__ or seen.__context__
    return seen or ssl.SSLError()


def _not_json(answer: Answer, endpoint_url: str, path: str) -> SourceError | None:
    media_type = answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if media_type == "application/json" or (not media_type and answer.body.lstrip()[:1] == b"{"):
        return None
    return WrongService(
        f"{endpoint_url}{path} answers with {clean(media_type, 60) or 'nothing known'}, not with JSON: "
        "this is no Kubernetes API.",
        endpoint=endpoint_url,
        hint="Check the address; a web page in front of the API is not the API.",
    )


def _status_of(answer: Answer) -> _Status:
    try:
        return _STATUS.decode(answer.body)
    except msgspec.DecodeError:
        return _Status()


def _pause_of(answer: Answer, status: _Status) -> float | None:
    header = answer.headers.get("Retry-After", "")
    if header.strip().isdigit():
        return float(header)
    return status.details.retry_after_seconds if status.details else None
