"""The tenants of a Loki: one behind OpenShift's gateway has an address for each. Format: observatorium's sources."""

from __future__ import annotations

from dataclasses import dataclass

from fleet.collectors.loki.client import GATEWAY, LokiClient
from fleet.errors import Forbidden, SourceError, Unauthorized, WrongService
from fleet.frames.window import Window

__all__ = ["ANY_NAMESPACE", "GATEWAY", "TENANTS", "LogTenant", "tenants_of"]

TENANTS = ("application", "infrastructure", "audit")
"""Of OpenShift's logging."""
ANY_NAMESPACE = '{kubernetes_namespace_name=~".+"}'
"""Without a matcher on this label, the tenant "application" is refused to all but administrators."""


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
    root = ""
    no_loki: WrongService | None = None
    if not client.endpoint.url.endswith(GATEWAY):
        try:
            _ask(client, window)
        except WrongService as error:
            root, no_loki = GATEWAY, error
        else:
            return [LogTenant("", client)]
    found = [_tried(name, client.at(f"{root}/{name}"), window) for name in TENANTS]
    faults = [tenant.fault for tenant in found if tenant.fault is not None]
    if len(faults) < len(found) or any(isinstance(fault, Forbidden | Unauthorized) for fault in faults):
        return found
    raise next((fault for fault in faults if not isinstance(fault, WrongService)), no_loki or faults[0])


def _tried(name: str, client: LokiClient, window: Window) -> LogTenant:
    try:
        _ask(client, window)
    except SourceError as error:
        return LogTenant(name, client, error)
    return LogTenant(name, client)


def _ask(client: LokiClient, window: Window) -> None:
    client.labels(window, ANY_NAMESPACE, seconds=client.limits.probe_seconds)
