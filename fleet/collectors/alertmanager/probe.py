"""Whether an Alertmanager hands out its alerts. Format: Alertmanager API v2, as recorded from 0.25."""

from __future__ import annotations

from functools import partial

import msgspec

from fleet.collectors.transport import HttpTransport
from fleet.collectors.transport.deadline import Deadline
from fleet.collectors.transport.decoding import decoder_of
from fleet.collectors.transport.probing import Seen, get_json, probe_limits, spoken_version, timed
from fleet.credentials import CredentialSource
from fleet.inventory.cluster import Endpoint

_ACTIVE = [("active", "true"), ("silenced", "false"), ("inhibited", "false"), ("unprocessed", "false")]


class _Alert(msgspec.Struct):
    labels: dict[str, str]
    fingerprint: str


class _VersionInfo(msgspec.Struct):
    version: str | None = None


class _Status(msgspec.Struct, rename="camel"):
    version_info: _VersionInfo | None = None


_ALERTS = decoder_of(list[_Alert])
_STATUS = decoder_of(_Status)


def probe(endpoint: Endpoint, credentials: CredentialSource | None, deadline: Deadline) -> Seen:
    """Ask for the active alerts, and for the version. Raises as ``Probe`` says."""
    with HttpTransport(endpoint, credentials, probe_limits(deadline)) as transport:
        ask = partial(get_json, transport, "/api/v2/alerts", _ACTIVE, _ALERTS, deadline)
        alerts, latency_seconds = timed(ask)
        version = spoken_version(partial(_version, transport, deadline))
    return Seen(latency_seconds, version, f"{len(alerts)} active alert{'' if len(alerts) == 1 else 's'}")


def _version(transport: HttpTransport, deadline: Deadline) -> str | None:
    status = get_json(transport, "/api/v2/status", [], _STATUS, deadline)
    return status.version_info.version if status.version_info else None
