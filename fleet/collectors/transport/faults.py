"""Faults of an endpoint as errors of ours, in plain words, from what it answered or how it failed to.

The table of who answers what (kube-rbac-proxy, oauth-proxy, routers, Prometheus, Thanos) was taken from their
sources; an error body is never taken for JSON before its status and content type were seen.
"""

from __future__ import annotations

import json
import re
import socket
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import httpcore

from fleet.collectors.transport.tls import tls_fault
from fleet.errors import (
    AnswerTooLarge,
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

_SIGN_IN = re.compile(rb"sign[\s-]?in|log[\s-]?in|oauth|type=.?password", re.IGNORECASE)
_HTML = re.compile(rb"\s*(<!doctype\s+html|<html|<head|<body)", re.IGNORECASE)
_OVERSIZED = re.compile(r"message larger than max|larger than the max message size")
"""gRPC's words between the parts of a Loki or Tempo."""
_LONGEST_WORDS = 300
_NEW_CREDENTIAL = "Give the cluster a new one: fleetscope cluster rotate."


@dataclass(frozen=True)
class Refusal:
    """A status and body that are no answer; header names in lower case, ``body`` at most its first 64 KiB.

    ``plain`` where the API refuses queries in plain text.
    """

    status: int
    headers: dict[str, str]
    body: bytes
    plain: bool = False

    @property
    def html(self) -> bool:
        """Whether a web page came where an API's answer belongs."""
        return is_html(self.headers.get("content-type", ""), self.body)

    @property
    def sign_in_page(self) -> bool:
        """Whether that page, rather than telling of another fault, asks a person to sign in."""
        asks = self.status < 300 or self.status in {401, 403}
        return asks and self.html and _SIGN_IN.search(self.body) is not None


_PROXY_LACKS_NAMESPACE = b"Bad Request. The request or configuration is malformed."
"""kube-rbac-proxy's words where a request lacks the parameter that it asks for rights by."""


def is_html(content_type: str, body: bytes | bytearray) -> bool:
    """Whether a body is a web page, by its type or its first bytes."""
    return content_type.lower().startswith("text/html") or _HTML.match(body) is not None


def clean_words(text: str) -> str:
    """A server's own words for a reader: one line of what can be shown and stored, at most 300 characters."""
    line = " ".join("".join(sign if sign.isprintable() else " " for sign in text[: 4 * _LONGEST_WORDS]).split())
    return line if len(line) <= _LONGEST_WORDS else line[: _LONGEST_WORDS - 1] + "…"


def refused(endpoint: Endpoint, refusal: Refusal, now: datetime) -> SourceError:
    """The error for an answer that is a refusal."""
    url = endpoint.url
    if 300 <= refusal.status < 400:
        return _redirected(url, refusal)
    if refusal.status == 401 and b"no org id" in refusal.body:
        return Unauthorized(
            f"{url} has several tenants and was asked for none (401).",
            endpoint=url,
            hint="Register the endpoint with its tenant.",
        )
    if refusal.status == 401 or refusal.sign_in_page:
        kind, words = _json_error(refusal)
        said = _colon(words) if kind is not None else ""
        what = "answered with a sign-in page" if refusal.sign_in_page else f"did not accept the credential (401){said}"
        return Unauthorized(f"{url} {what}.", endpoint=url, hint=_NEW_CREDENTIAL)
    if refusal.status < 300:
        return WrongService(f"{url} answered with a web page.", endpoint=url, hint="Is it the address of the API?")
    if refusal.status == 429:
        pause = retry_after_seconds(refusal.headers.get("retry-after"), now)
        return Throttled(f"{url} asks for a pause (429).", endpoint=url, retry_after_seconds=pause)
    if refusal.status >= 500:
        return _server_failed(url, refusal)
    return _client_fault(url, refusal)


def _redirected(url: str, refusal: Refusal) -> SourceError:
    """Redirects are never followed: a credential must not travel to an address that no operator registered."""
    target = urlsplit(refusal.headers.get("location", ""))
    if re.search(r"oauth|log-?in|sign-?in|auth", target.hostname or "") or _SIGN_IN.search(target.path.encode()):
        return Unauthorized(f"{url} sends to a sign-in page.", endpoint=url, hint=_NEW_CREDENTIAL)
    place = clean_words(f"{target.scheme}://{target.netloc}{target.path}" if target.netloc else target.path)
    return WrongService(
        f"{url} redirects to {place or 'nowhere'} ({refusal.status}).",
        endpoint=url,
        hint="Redirects are not followed; register the address itself.",
    )


def _server_failed(url: str, refusal: Refusal) -> SourceError:
    kind, words = _json_error(refusal)
    if kind == "timeout" or (refusal.plain and (refusal.status == 504 or "deadline exceeded" in words)):
        what = f"{url} gave up on the query{_colon(words)}."
        return SourceTimeout(what, endpoint=url, hint="Ask for a shorter window.")
    if refusal.plain and _OVERSIZED.search(words):
        what = f"An answer of {url} is too large for the server itself{_colon(words)}."
        return AnswerTooLarge(what, endpoint=url, hint="Ask for a shorter window.")
    if refusal.html:
        return ServerFailed(
            f"{url}: a router answered {refusal.status} for the service behind it.",
            endpoint=url,
            hint="Does the service run?",
        )
    return ServerFailed(f"{url} failed ({refusal.status}){_colon(words)}.", endpoint=url)


def _client_fault(url: str, refusal: Refusal) -> SourceError:
    kind, words = _json_error(refusal)
    if refusal.status == 403:
        return Forbidden(
            f"{url} denies the right to read (403){_colon(words)}.",
            endpoint=url,
            hint="Grant it, for example by the ClusterRole cluster-monitoring-view.",
        )
    in_plain_words = refusal.plain and bool(words) and "HTTPS server" not in words
    if refusal.status in {400, 422} and (kind is not None or in_plain_words):
        return QueryRefused(f"{url} refused the query{_colon(words)}.", endpoint=url)
    if refusal.status == 400 and "HTTPS server" in words:
        return WrongService(f"{url} speaks TLS.", endpoint=url, hint="Register it with https://.")
    if refusal.status == 400 and _PROXY_LACKS_NAMESPACE in refusal.body:
        hint = "A tenancy port of OpenShift is registered with the namespace that it shall show."
        return WrongService(f"{url} answered 400{_colon(words)}.", endpoint=url, hint=hint)
    if refusal.status == 404:
        return WrongService(f"{url} has no such API (404).", endpoint=url, hint="Is the path of the address right?")
    return WrongService(f"{url} answered {refusal.status}{_colon(words)}.", endpoint=url)


def _json_error(refusal: Refusal) -> tuple[str | None, str]:
    """The error's type (None where the body is no JSON error) and its words."""
    if "json" in refusal.headers.get("content-type", "").lower():
        try:
            body = json.loads(refusal.body)
        except (ValueError, RecursionError):
            body = None
        if isinstance(body, str):
            # Alertmanager's refusals.
            return "", clean_words(body)
        if isinstance(body, dict) and isinstance(body.get("error", body.get("message")), str):
            return str(body.get("errorType", "")), clean_words(body.get("error") or body.get("message") or "")
    if refusal.html:
        return None, ""
    return None, clean_words(refusal.body.decode("utf-8", "replace"))


def _colon(words: str) -> str:
    return f": {words.rstrip('.')}" if words else ""


def retry_after_seconds(value: str | None, now: datetime) -> float | None:
    """A ``Retry-After`` header as seconds from ``now``, from its two forms (RFC 9110, 10.2.3); None for neither."""
    if value is None:
        return None
    text = value.strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return None
    at = at.replace(tzinfo=UTC) if at.tzinfo is None else at
    return max(0.0, (at - now).total_seconds())


def broken(endpoint: Endpoint, error: Exception, seconds: float, *, in_body: bool, certified: bool) -> SourceError:
    """The error for a connection that failed.

    Args:
        endpoint: what was asked.
        error: of the HTTP library.
        seconds: the time that the request was given.
        in_body: whether the answer's body had begun.
        certified: whether a client certificate was sent.
    """
    url = endpoint.url
    cause = error.__cause__ or error.__context__
    closed = isinstance(cause, ssl.SSLEOFError | ssl.SSLZeroReturnError)
    if isinstance(cause, ssl.SSLError) and not closed and not in_body:
        return tls_fault(cause, endpoint, certified=certified)
    if isinstance(error, httpcore.ConnectTimeout):
        return Unreachable(f"{url} did not accept a connection in time.", endpoint=url, hint=_firewall(url))
    if isinstance(error, httpcore.TimeoutException):
        where = "did not finish its answer" if in_body else "did not answer"
        return SourceTimeout(f"{url} {where} within {seconds:g} s.", endpoint=url)
    if in_body:
        return AnswerTruncated(f"The answer of {url} ended in the middle.", endpoint=url)
    if isinstance(cause, socket.gaierror):
        return Unreachable(f"The name in {url} is not known.", endpoint=url, hint="Is it spelled right?")
    if isinstance(error, httpcore.RemoteProtocolError) and "disconnected" not in str(error):
        return WrongService(f"{url} does not answer with HTTP.", endpoint=url, hint="Is it the address of the API?")
    if isinstance(error, httpcore.ConnectError):
        words = cause.strerror if isinstance(cause, OSError) and cause.strerror else "no connection"
        return Unreachable(f"{url} cannot be reached: {words.lower()}.", endpoint=url, hint=_firewall(url))
    return Unreachable(f"{url} closed the connection before it answered.", endpoint=url)


def _firewall(url: str) -> str:
    return f"Is {urlsplit(url).netloc} reachable from this machine, and does the service run?"
