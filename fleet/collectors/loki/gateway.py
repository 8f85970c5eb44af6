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
    seconds = client.limits.probe_seconds
    try:
        client.labels(window, _ANY_NAMESPACE, seconds=seconds)
    except WrongService as no_loki:
        return _behind_gateway(client, window, no_loki)
    return [LogTenant("", client)]


def _behind_gateway(client: LokiClient, window: Window, no_loki: WrongService) -> list[LogTenant]:
    root = "" if client.endpoint.url.endswith(GATEWAY) else GATEWAY
    found = [_tried(name, client.at(f"{root}/{name}"), window) for name in TENANTS]
    if all(isinstance(tenant.fault, WrongService) for tenant in found):
        raise no_loki
    return found


def _tried(name: str, client: LokiClient, window: Window) -> LogTenant:
    try:
        client.labels(window, _ANY_NAMESPACE, seconds=client.limits.probe_seconds)
    except (Forbidden, Unauthorized, WrongService) as error:
        return LogTenant(name, client, error)
    return LogTenant(name, client)
