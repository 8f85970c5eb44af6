"""Endpoints from OpenShift's Routes: the platform's monitoring, gateways of LokiStacks and TempoStacks, Korrel8r.

Names, labels and paths are those of cluster-monitoring-operator, loki-operator, tempo-operator and korrel8r, as their
sources say; a Route counts for what it leads to, and only where a router admitted it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pydantic import ValidationError

from fleet.collectors.kubernetes.objects import Condition, Metadata, Object
from fleet.collectors.kubernetes.text import NAME_CHARACTERS, clean
from fleet.inventory.candidate import EndpointCandidate
from fleet.inventory.cluster import Endpoint, EndpointKind

_LOKI_GATEWAY = "/api/logs/v1"
_TEMPO_GATEWAY = "/api/traces/v1"
_MONITORING = "openshift-monitoring"
_PLATFORM_NAMESPACES = "openshift-"
"""Namespaces that begin so can be made by administrators alone."""
_PLATFORM = {
    "thanos-querier": (EndpointKind.PROMETHEUS, 10, "Thanos Querier sees the platform's and the users' Prometheus"),
    "prometheus-k8s": (EndpointKind.PROMETHEUS, 30, "the platform's own Prometheus, without the users'"),
    "alertmanager-main": (EndpointKind.ALERTMANAGER, 10, "the platform's Alertmanager"),
}


class _Target(Object):
    kind: str | None = None
    name: str | None = None


class _Tls(Object):
    termination: str | None = None


class _RouteSpec(Object):
    path: str | None = None
    to: _Target | None = None
    tls: _Tls | None = None


class _Ingress(Object):
    host: str | None = None
    conditions: list[Condition] | None = None


class _RouteStatus(Object):
    ingress: list[_Ingress] | None = None


class RouteObject(Object):
    """route.openshift.io/v1 Route."""

    metadata: Metadata
    spec: _RouteSpec | None = None
    status: _RouteStatus | None = None


class _Tenant(Object):
    tenant_name: str | None = None


class _Tenants(Object):
    mode: str | None = None
    authentication: list[_Tenant] | None = None


class _StackSpec(Object):
    tenants: _Tenants | None = None
    # That of a TempoMonolithic.
    multitenancy: _Tenants | None = None


class StackObject(Object):
    """loki.grafana.com LokiStack, tempo.grafana.com TempoStack or TempoMonolithic, as far as its tenants."""

    metadata: Metadata
    spec: _StackSpec | None = None


@dataclass(frozen=True)
class AdmittedRoute:
    """A Route that a router serves.

    Attributes:
        place: its namespace and name.
        service: the name of the Service that it leads to.
        host: where it is served.
        path: the path that it is bound to, "" for all.
        termination: where its TLS ends: "edge", "reencrypt", "passthrough"; "" for no TLS.
    """

    place: tuple[str, str]
    service: str
    host: str
    path: str
    termination: str

    @property
    def found(self) -> str:
        """How it is named to a reader."""
        return f"Route {'/'.join(self.place)}"


@dataclass(frozen=True)
class Stack:
    """A LokiStack or TempoStack: where it is and the tenants of its gateway."""

    place: tuple[str, str]
    tenants: tuple[str, ...]


def read_route(route: RouteObject) -> AdmittedRoute | None:
    """A Route as far as it is served; None for one that no router admitted, or that leads to no Service."""
    spec = route.spec
    if spec is None or spec.to is None or spec.to.kind not in {None, "Service"} or not spec.to.name:
        return None
    for ingress in route.status.ingress or [] if route.status else []:
        admitted = any(each.type == "Admitted" and each.status == "True" for each in ingress.conditions or [])
        if admitted and ingress.host:
            path = (spec.path or "").rstrip("/")
            return AdmittedRoute(
                place=_place(route.metadata),
                service=clean(spec.to.name, NAME_CHARACTERS),
                host=ingress.host,
                path=path,
                termination=(spec.tls.termination or "" if spec.tls else "").lower(),
            )
    return None


def read_stack(stack: StackObject) -> Stack:
    """A stack with its tenants: those that it names, or those of the mode for OpenShift's own logging."""
    tenants = (stack.spec.tenants or stack.spec.multitenancy) if stack.spec else None
    named = tuple(clean(each.tenant_name, NAME_CHARACTERS) for each in (tenants and tenants.authentication) or [])
    if not named and tenants and tenants.mode == "openshift-network":
        named = ("network",)
    return Stack(place=_place(stack.metadata), tenants=tuple(name for name in named if name))


def route_candidates(
    routes: Iterable[AdmittedRoute], lokis: Iterable[Stack], tempos: Iterable[Stack], ingress_ca: str | None
) -> list[EndpointCandidate]:
    """What the Routes lead to.

    Args:
        routes: all of the cluster's.
        lokis: its LokiStacks.
        tempos: its TempoStacks.
        ingress_ca: PEM of the authority of the routers' certificate; None where it could not be read.
    """
    loki = {(each.place[0], f"{each.place[1]}-gateway-http"): each for each in lokis}
    tempo = {(each.place[0], f"tempo-{each.place[1]}-gateway"): each for each in tempos}
    found: list[EndpointCandidate | None] = []
    for route in routes:
        target = (route.place[0], route.service)
        if route.place[0] == _MONITORING and route.place[1] in _PLATFORM:
            kind, rank, reason = _PLATFORM[route.place[1]]
            found.append(_candidate(route, kind, rank, reason, "", ingress_ca))
        elif target in loki:
            found.extend(_loki(route, loki[target], ingress_ca))
        elif target in tempo:
            found.extend(_tempo(route, tempo[target], ingress_ca))
        elif "korrel8r" in route.service:
            reason = "leads to a Service of Korrel8r's name"
            found.append(_candidate(route, EndpointKind.KORREL8R, 10, reason, "", ingress_ca))
    return [candidate for candidate in found if candidate is not None]


def _loki(route: AdmittedRoute, stack: Stack, ingress_ca: str | None) -> list[EndpointCandidate | None]:
    name = "/".join(stack.place)
    if not stack.tenants:
        reason = f"gateway of LokiStack {name} with its tenants application, infrastructure and audit"
        return [_candidate(route, EndpointKind.LOKI, 10, reason, _LOKI_GATEWAY, ingress_ca)]
    return [
        _candidate(
            route,
            EndpointKind.LOKI,
            10 + number,
            f"gateway of LokiStack {name}, tenant {tenant}",
            f"{_LOKI_GATEWAY}/{tenant}",
            ingress_ca,
        )
        for number, tenant in enumerate(stack.tenants)
    ]


def _tempo(route: AdmittedRoute, stack: Stack, ingress_ca: str | None) -> list[EndpointCandidate | None]:
    return [
        _candidate(
            route,
            EndpointKind.TEMPO,
            10 + number,
            f"gateway of TempoStack {'/'.join(stack.place)}, tenant {tenant}",
            f"{_TEMPO_GATEWAY}/{tenant}",
            ingress_ca,
        )
        for number, tenant in enumerate(stack.tenants)
    ]


def _candidate(
    route: AdmittedRoute, kind: EndpointKind, rank: int, reason: str, base: str, ingress_ca: str | None
) -> EndpointCandidate | None:
    """A candidate, or None where the Route's host is none."""
    # A Route that is bound to the API's own paths serves them as they are; any other path goes before them.
    prefix = "" if route.path == "/api" else route.path
    url = f"{'https' if route.termination else 'http'}://{route.host}{prefix}{base}"
    # With passthrough the server shows a certificate of its own, which the routers' authority did not sign.
    ca_pem = ingress_ca if route.termination in {"edge", "reencrypt"} else None
    words = f"{reason} (TLS: {route.termination or 'none'})"
    try:
        endpoint = Endpoint(url=url, ca_pem=ca_pem)
    except ValidationError:
        return None
    guarded = route.place[0].startswith(_PLATFORM_NAMESPACES)
    return EndpointCandidate(kind=kind, endpoint=endpoint, found=route.found, reason=words, rank=rank, guarded=guarded)


def _place(metadata: Metadata) -> tuple[str, str]:
    return clean(metadata.namespace, NAME_CHARACTERS), clean(metadata.name, NAME_CHARACTERS)
