"""The tenants of a Loki: one behind OpenShift's gateway has an address for each. Format: observatorium's sources."""

from __future__ import annotations

from dataclasses import dataclass

from fleet.collectors.loki.client import LokiClient
from fleet.errors import Forbidden, SourceError, Unauthorized, WrongService
from fleet.frames.window import Window

GATEWAY = "/api/logs/v1"
TENANTS = ("application", "infrastructure", "audit")
# Without a matcher on this label, the tenant "application" is refused to all but administrators.
_ANY_NAMESPACE = '{kubernetes_namespace_name=~".+"}'


@dataclass(frozen=True)
class LogTenant:
    """A tenant that can be asked, or why it cannot; ``name`` is "" where a server has but one."""

    name: str
    client: LokiClient
    fault: SourceError | None = None


def tenants_of(client: LokiClient, window: Window) -> list[LogTenant]:
    """The tenants behind an endpoint: itself, or, where it is a gateway's address without a tenant, the gateway's.

    Args:
        client: of the endpoint; those of the tenants share its connections.
        window: when there should be logs.

    Raises:
        SourceError: the endpoint answers neither as a Loki nor as a gateway.
    """
    # Below the gateway's address any word is a tenant: it is not asked as a Loki.
    own = None if client.endpoint.url.endswith(GATEWAY) else _tried("", client, window)
    if own is not None and own.fault is None:
        return [own]
    if own is not None and own.fault is not None and not isinstance(own.fault, WrongService):
        raise own.fault
    root = "" if own is None else GATEWAY
    found = [_tried(name, client.at(f"{root}/{name}"), window) for name in TENANTS]
    faults = [tenant.fault for tenant in ([own] if own is not None else []) + found]
    if faults[0] is not None and all(isinstance(fault, WrongService) for fault in faults):
        raise faults[0]
    return found


def _tried(name: str, client: LokiClient, window: Window) -> LogTenant:
    try:
        client.labels(window, _ANY_NAMESPACE, seconds=client.limits.probe_seconds)
    except (Forbidden, Unauthorized, WrongService) as error:
        return LogTenant(name, client, error)
    return LogTenant(name, client)
