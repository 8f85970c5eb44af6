"""Whether a Tempo can be searched. Format: Tempo's HTTP API, as recorded from 3.1; the gateway's from its source."""

from __future__ import annotations

import re
from functools import partial
from urllib.parse import urlsplit

import msgspec

from fleet.collectors.transport import HttpTransport
from fleet.collectors.transport.deadline import Deadline
from fleet.collectors.transport.decoding import decoder_of
from fleet.collectors.transport.probing import Seen, get_json, probe_limits, spoken_version, timed
from fleet.credentials import CredentialSource
from fleet.errors import WrongService
from fleet.inventory.cluster import Endpoint

_GATEWAY_TENANT = re.compile(r"/api/traces/v1/[^/]+")
_SEARCH = [("q", "{}"), ("limit", "1")]


class _Found(msgspec.Struct):
    """Tempo leaves out what is empty, but never both."""

    traces: list[msgspec.Raw] | None = None
    metrics: dict[str, msgspec.Raw] | None = None


class _BuildInfo(msgspec.Struct):
    version: str | None = None


_FOUND = decoder_of(_Found)
_BUILD_INFO = decoder_of(_BuildInfo)


def probe(endpoint: Endpoint, credentials: CredentialSource | None, deadline: Deadline) -> Seen:
    """Search for any one recent trace. Raises as ``Probe`` says.

    An address that names a tenant of OpenShift's gateway (``…/api/traces/v1/TENANT``) is asked below ``/tempo``.
    """
    prefix = "/tempo" if _GATEWAY_TENANT.fullmatch(urlsplit(endpoint.url).path) else ""
    with HttpTransport(endpoint, credentials, probe_limits(deadline)) as transport:
        found, latency_seconds = timed(partial(_search, transport, prefix, deadline))
        version = spoken_version(partial(_version, transport, prefix, deadline))
    return Seen(latency_seconds, version, "recent traces" if found.traces else "no recent trace")


def _search(transport: HttpTransport, prefix: str, deadline: Deadline) -> _Found:
    found = get_json(transport, f"{prefix}/api/search", _SEARCH, _FOUND, deadline)
    if found.traces is None and found.metrics is None:
        url = transport.endpoint.url
        raise WrongService(f"{url} answered a search with something else than traces.", endpoint=url)
    return found


def _version(transport: HttpTransport, prefix: str, deadline: Deadline) -> str | None:
    return get_json(transport, f"{prefix}/api/status/buildinfo", [], _BUILD_INFO, deadline).version
