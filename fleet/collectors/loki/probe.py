"""Whether a Loki answers LogQL. Format: Loki's HTTP API, as recorded from 3.8; the gateway's from its source."""

from __future__ import annotations

from functools import partial

import msgspec

from fleet.collectors.loki.client import API
from fleet.collectors.loki.gateway import ANY_NAMESPACE, GATEWAY, TENANTS
from fleet.collectors.transport import HttpTransport
from fleet.collectors.transport.deadline import Deadline
from fleet.collectors.transport.decoding import decoder_of
from fleet.collectors.transport.probing import Seen, get_json, probe_limits, spoken_version, timed
from fleet.credentials import CredentialSource
from fleet.errors import Forbidden, SourceError, Unauthorized, WrongService
from fleet.inventory.cluster import Endpoint

# Where there are no namespaces nothing matches, which is an answer.
_ONE_LINE = [("query", ANY_NAMESPACE), ("since", "5m"), ("limit", "1")]


class _Data(msgspec.Struct, rename="camel"):
    result_type: str
    result: list[msgspec.Raw]


class _Envelope(msgspec.Struct):
    status: str
    data: _Data


class _BuildInfo(msgspec.Struct):
    version: str | None = None


_ENVELOPE = decoder_of(_Envelope)
_BUILD_INFO = decoder_of(_BuildInfo)


def probe(endpoint: Endpoint, credentials: CredentialSource | None, deadline: Deadline) -> Seen:
    """Ask for one recent line. Raises as ``Probe`` says.

    Where an address is that of OpenShift's gateway and names no tenant, each of the three is asked; it is enough
    that one answers, and the message says which do not.
    """
    with HttpTransport(endpoint, credentials, probe_limits(deadline)) as transport:
        if endpoint.url.endswith(GATEWAY):
            # Below it any word is a tenant: it is not asked as a Loki.
            what = f"{endpoint.url} has none of the tenants {', '.join(TENANTS)}."
            return _gateway(transport, deadline, WrongService(what, endpoint=endpoint.url))
        try:
            _, latency_seconds = timed(partial(_one_line, transport, "", deadline))
        except WrongService as error:
            return _gateway(transport, deadline, error)
        version = spoken_version(partial(_version, transport, deadline))
    return Seen(latency_seconds, version, "answers LogQL")


def _one_line(transport: HttpTransport, prefix: str, deadline: Deadline) -> None:
    answer = get_json(transport, f"{prefix}{API}/query_range", _ONE_LINE, _ENVELOPE, deadline)
    if answer.data.result_type != "streams":
        url = transport.endpoint.url
        raise WrongService(f"{url} answered a log query with no log lines.", endpoint=url)


def _gateway(transport: HttpTransport, deadline: Deadline, no_loki: WrongService) -> Seen:
    """What the gateway's tenants answer; where all of them fail, the failure that says most."""
    root = "" if transport.endpoint.url.endswith(GATEWAY) else GATEWAY
    latencies: list[float] = []
    words: list[str] = []
    faults: list[SourceError] = []
    for tenant in TENANTS:
        try:
            latencies.append(timed(partial(_one_line, transport, f"{root}/{tenant}", deadline))[1])
            words.append(tenant)
        except SourceError as error:
            faults.append(error)
            words.append(f"not {tenant} ({_why(error)})")
    if not latencies:
        raise next((fault for fault in faults if not isinstance(fault, WrongService)), no_loki) from None
    return Seen(max(latencies), message=f"OpenShift gateway: {', '.join(words)}")


def _why(error: SourceError) -> str:
    if isinstance(error, Forbidden | Unauthorized):
        return "refused"
    return "no such tenant" if isinstance(error, WrongService) else "failed"


def _version(transport: HttpTransport, deadline: Deadline) -> str | None:
    return get_json(transport, f"{API}/status/buildinfo", [], _BUILD_INFO, deadline).version
