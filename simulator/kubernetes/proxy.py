"""The API server's proxy to Services: the way to a cluster's Prometheus and its like without an address of its own."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from simulator.answers import RefusedError, Request, text_answer
from simulator.cluster import SimulatedCluster
from simulator.kubernetes.current import body_of
from simulator.kubernetes.generated import Generated
from simulator.kubernetes.meta import Object
from simulator.kubernetes.paths import Target
from simulator.kubernetes.served import served_by
from simulator.kubernetes.status import not_found, status

_BEHIND = (
    ("prometheus", re.compile(r"prometheus-(k8s|operated)|thanos-querier|.+-prometheus")),
    ("alertmanager", re.compile(r"(.+-)?alertmanager(-main|-operated)?")),
    ("loki", re.compile(r"loki(-gateway|-headless)?|.+-loki-(gateway|query-frontend)-http")),
    ("tempo", re.compile(r"tempo|tempo-.+-(gateway|query-frontend)")),
)
"""Which server stands behind a Service, by its name."""
_API_PORTS = frozenset({"web", "http-web", "http", "http-metrics", "public", "tempo-prom-metrics"})
"""The ports behind which the APIs are; others are for metrics, meshes and gRPC."""


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
    ports = Generated("", body).item["spec"].get("ports") or []
    if port:
        ports = [each for each in ports if port in {each.get("name"), str(each["port"])}]
    if not ports:
        raise _unavailable(f'no service port "{port}" found for service "{name}"')
    api = next((api for api, names in _BEHIND if names.fullmatch(name)), None)
    if api is None:
        raise _unavailable(f'no endpoints available for service "{target.name}"')
    if not any(_is_api(name, each) for each in ports):
        raise RefusedError(text_answer("404 page not found\n", 404))
    return Forward(api, replace(request, path=target.further or "/"))


def _name_and_port(text: str) -> tuple[str, str]:
    parts = text.split(":")
    if len(parts) == 3:
        return parts[1], parts[2]
    return parts[0], parts[1] if len(parts) == 2 else ""


def _is_api(service: str, port: Object) -> bool:
    # LokiStack calls the port of its query frontend after the metrics that it has, too.
    return port.get("name") in _API_PORTS or (
        port.get("name") == "metrics" and service.endswith("-query-frontend-http")
    )


def _unavailable(message: str) -> RefusedError:
    return status(503, "ServiceUnavailable", message)
