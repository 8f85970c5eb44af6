"""A request to an endpoint as bytes on the wire: target, headers, body."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import SplitResult, urlencode, urlsplit

import httpcore

from fleet.collectors.transport.limits import TransportLimits
from fleet.errors import Unreachable
from fleet.inventory.cluster import Endpoint

Form = list[tuple[str, str]]


@dataclass(frozen=True)
class Asked:
    """What is asked of an endpoint.

    Attributes:
        path: below the endpoint's URL.
        form: parameters, sent as a form body (``post``) or in the query string.
        post: POST instead of GET.
        accept: the media type that is asked for.
        may_lack: a 404 that is no web page is an answer, too.
    """

    path: str
    form: Form
    post: bool
    accept: str
    may_lack: bool


def http_request(
    endpoint: Endpoint, asked: Asked, authorization: bytes | None, limits: TransportLimits
) -> httpcore.Request:
    """The request, with the endpoint's tenant, namespace and the ``Authorization`` header, where there is one.

    The proxies before tenancy ports look for the namespace in the address alone, whatever the method.

    Raises:
        Unreachable: the endpoint's address has a host or port that cannot be.
    """
    parts = urlsplit(endpoint.url)
    host, address = _address(endpoint, parts)
    encoded = urlencode(asked.form)
    place = [("namespace", endpoint.namespace)] if endpoint.namespace else []
    in_target = urlencode(place if asked.post else [*asked.form, *place])
    target = parts.path.rstrip("/") + asked.path + (f"?{in_target}" if in_target else "")
    headers = [
        (b"Host", address),
        (b"Accept", asked.accept.encode("ascii")),
        (b"Accept-Encoding", b"gzip" if limits.compress else b"identity"),
        (b"User-Agent", b"fleetscope"),
    ]
    if endpoint.tenant:
        headers.append((b"X-Scope-OrgID", endpoint.tenant.encode("ascii")))
    if authorization is not None:
        headers.append((b"Authorization", authorization))
    body = encoded.encode("ascii") if asked.post else b""
    if asked.post:
        headers.append((b"Content-Type", b"application/x-www-form-urlencoded"))
        headers.append((b"Content-Length", str(len(body)).encode()))
    url = httpcore.URL(scheme=parts.scheme.encode(), host=host, port=parts.port, target=target.encode("ascii"))
    timeouts = {"connect": limits.connect_seconds, "read": None, "write": None, "pool": None}
    method = "POST" if asked.post else "GET"
    return httpcore.Request(method, url, headers=headers, content=body, extensions={"timeout": timeouts})


def _address(endpoint: Endpoint, parts: SplitResult) -> tuple[bytes, bytes]:
    """The host to connect to and the ``Host`` header; a name of other letters goes as its ASCII form (IDNA)."""
    try:
        host = (parts.hostname or "").encode("idna")
        port = "" if parts.port is None else f":{parts.port}"
    except ValueError:
        raise Unreachable(f"{endpoint.url} has a host or port that cannot be.", endpoint=endpoint.url) from None
    return host, (b"[%s]" % host if b":" in host else host) + port.encode()
