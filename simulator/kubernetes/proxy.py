"""The API server's proxy to Services: the way to a cluster's Prometheus and its like without an address of its own."""

from __future__ import annotations

from dataclasses import dataclass, replace

from simulator.answers import RefusedError, Request
from simulator.cluster import SimulatedCluster
from simulator.kubernetes.current import body_of
from simulator.kubernetes.generated import Generated
from simulator.kubernetes.meta import Object
from simulator.kubernetes.paths import Target
from simulator.kubernetes.served import served_by
from simulator.kubernetes.status import not_found, status

_BEHIND = {"alertmanager": "alertmanager", "prometheus": "prometheus", "thanos": "prometheus", "loki": "loki"}
_BEHIND["tempo"] = "tempo"


@dataclass(frozen=True)
class Forward:
    """A request for one of the cluster's servers behind a Service."""

    api: str
    request: Request


def forward_to_service(cluster: SimulatedCluster, target: Target, request: Request) -> Forward:
    """Where a request for ``services/[SCHEME:]NAME[:PORT]/proxy`` goes.

    Raises:
        RefusedError: there is no such Service (404), it has no such port, or nothing stands behind it (503).
    """
    name, port = _name_and_port(target.name or "")
    body = body_of(cluster, served_by(cluster).built_in("", "services"), target.namespace, name)
    if body is None:
        raise not_found("services", "", name)
    if port and not _has_port(Generated("", body).item, port):
        raise _unavailable(f'no service port "{port}" found for service "{name}"')
    api = next((api for word, api in _BEHIND.items() if word in name), None)
    if api is None:
        raise _unavailable(f'no endpoints available for service "{target.name}"')
    return Forward(api, replace(request, path=target.further or "/"))


def _name_and_port(text: str) -> tuple[str, str]:
    parts = text.split(":")
    if len(parts) == 3:
        return parts[1], parts[2]
    return parts[0], parts[1] if len(parts) == 2 else ""


def _has_port(service: Object, port: str) -> bool:
    return any(port in {each.get("name"), str(each["port"])} for each in service["spec"].get("ports") or ())


def _unavailable(message: str) -> RefusedError:
    return status(503, "ServiceUnavailable", message)
