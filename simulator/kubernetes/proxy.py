"""The API server's proxy to Services: the way to a cluster's Prometheus and its like without an address of its own."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from simulator.access import READER
from simulator.answers import RefusedError, Request
from simulator.kubernetes.status import not_found, status

_PATH = re.compile(r"/api/v1/namespaces/(?P<namespace>[^/]+)/services/(?P<service>[^/]+)/proxy(?P<path>/.*)?")
_APIS = {"alertmanager": "alertmanager", "prometheus": "prometheus", "thanos": "prometheus", "loki": "loki"}
_APIS["tempo"] = "tempo"


@dataclass(frozen=True)
class Forward:
    """A request for one of the cluster's servers behind a Service."""

    api: str
    request: Request
    namespace: str
    service: str


def forwarded(request: Request) -> Forward | None:
    """Where a request goes whose path is that of a Service's proxy; None for other paths.

    Raises:
        RefusedError: nothing of the simulator stands behind a Service of this name (404).
    """
    match = _PATH.fullmatch(request.path)
    if match is None:
        return None
    service = _name(match["service"])
    api = next((api for word, api in _APIS.items() if word in service), None)
    if api is None:
        raise not_found("services", "", service)
    return Forward(api, replace(request, path=match["path"] or "/"), match["namespace"], service)


def _name(text: str) -> str:
    """The Service's name in ``NAME``, ``NAME:PORT`` or ``SCHEME:NAME:PORT``."""
    parts = text.split(":")
    return parts[1] if len(parts) == 3 else parts[0]


def forbidden_service(forward: Forward, verb: str) -> RefusedError:
    """The refusal for want of the right to a Service's proxy."""
    message = (
        f'services "{forward.service}" is forbidden: User "{READER}" cannot {verb} resource "services/proxy" '
        f'in API group "" in the namespace "{forward.namespace}"'
    )
    return status(403, "Forbidden", message, {"name": forward.service, "kind": "services"})
