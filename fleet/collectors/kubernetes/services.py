"""Endpoints from Services, reached through the API server's proxy: names inside a cluster mean nothing outside.

Labels, names and ports are those of the charts kube-prometheus-stack, prometheus, thanos, alertmanager, loki, tempo
and tempo-distributed, and of the Prometheus operator. The API server keeps the ``Authorization`` header to itself, so
what asks for a token of its own cannot be reached this way: on OpenShift that is everything of the platform.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from fleet.collectors.kubernetes.objects import Metadata, Object
from fleet.collectors.kubernetes.text import NAME_CHARACTERS, clean
from fleet.inventory.candidate import EndpointCandidate
from fleet.inventory.cluster import Endpoint, EndpointKind

_NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_TLS_PORTS = frozenset({443, 8443, 9443})
_OPERATED_BY_OPENSHIFT = "openshift-"


class _Port(Object):
    port: int
    name: str | None = None
    protocol: str | None = None
    app_protocol: str | None = None


class _ServiceSpec(Object):
    ports: list[_Port] | None = None
    type: str | None = None


class ServiceObject(Object):
    """v1 Service."""

    metadata: Metadata
    spec: _ServiceSpec | None = None


@dataclass(frozen=True)
class _Sign:
    """What a Service is known by.

    Attributes:
        kind: what it is then.
        rank: how good it is among its kind.
        reason: why, in words.
        app: values of ``app.kubernetes.io/name`` or ``app``, or the end of the latter after a dash.
        components: values of ``app.kubernetes.io/component`` that fit; "" is none.
        label: a label that is "true", instead of ``app``.
        ports: names and numbers of the port, the best first.
    """

    kind: EndpointKind
    rank: int
    reason: str
    ports: tuple[str | int, ...]
    app: frozenset[str] = frozenset()
    components: frozenset[str] | None = None
    label: str = ""


def _words(*words: str) -> frozenset[str]:
    return frozenset(words)


_WEB: tuple[str | int, ...] = ("http-web", "web", "http")
_SIGNS = (
    _Sign(
        EndpointKind.PROMETHEUS,
        20,
        "Thanos Query",
        (*_WEB, 9090, 10902),
        _words("thanos", "thanos-query"),
        _words("query", "query-frontend", ""),
    ),
    _Sign(
        EndpointKind.PROMETHEUS,
        30,
        "Prometheus of a chart",
        (*_WEB, 9090, 80),
        _words("prometheus"),
        _words("server", "prometheus", ""),
    ),
    _Sign(
        EndpointKind.PROMETHEUS, 40, "the Prometheus operator's own Service", (*_WEB, 9090), label="operated-prometheus"
    ),
    _Sign(
        EndpointKind.ALERTMANAGER,
        30,
        "Alertmanager of a chart",
        (*_WEB, 9093),
        _words("alertmanager"),
        _words("alertmanager", ""),
    ),
    _Sign(
        EndpointKind.ALERTMANAGER,
        40,
        "the Prometheus operator's own Service",
        (*_WEB, 9093),
        label="operated-alertmanager",
    ),
    _Sign(
        EndpointKind.LOKI, 20, "Loki's gateway", ("http", "http-metrics", 80, 8080), _words("loki"), _words("gateway")
    ),
    _Sign(
        EndpointKind.LOKI,
        30,
        "Loki's readers",
        ("http-metrics", "http", 3100),
        _words("loki", "loki-distributed"),
        _words("query-frontend", "read"),
    ),
    _Sign(EndpointKind.LOKI, 40, "Loki", ("http-metrics", "http", 3100), _words("loki"), _words("", "single-binary")),
    _Sign(
        EndpointKind.TEMPO,
        20,
        "Tempo's gateway",
        ("http-metrics", "http", 80, 8080),
        _words("tempo", "tempo-distributed"),
        _words("gateway"),
    ),
    _Sign(
        EndpointKind.TEMPO,
        30,
        "Tempo's query frontend",
        ("http", "http-metrics", 3200, 3100),
        _words("tempo", "tempo-distributed"),
        _words("query-frontend"),
    ),
    _Sign(
        EndpointKind.TEMPO,
        40,
        "Tempo",
        ("tempo-prom-metrics", "http", "http-metrics", 3200, 3100),
        _words("tempo"),
        _words(""),
    ),
    _Sign(EndpointKind.KORREL8R, 30, "Korrel8r", ("web", "http", "https", 8080, 9443), _words("korrel8r")),
)


@dataclass(frozen=True)
class SeenService:
    """A Service that is one of ours, as far as it can be told."""

    place: tuple[str, str]
    sign: _Sign
    scheme: str
    port: int

    @property
    def wants_token(self) -> bool:
        """Whether it asks for a token of its own, which the API server's proxy does not pass on."""
        return self.place[0].startswith(_OPERATED_BY_OPENSHIFT)

    @property
    def found(self) -> str:
        """How it is named to a reader."""
        return f"Service {'/'.join(self.place)}"

    @property
    def kind(self) -> EndpointKind:
        """What it is."""
        return self.sign.kind

    def candidate(self, api: Endpoint) -> EndpointCandidate:
        """The address through the API server, whose certificate and credential it goes with."""
        namespace, name = self.place
        path = f"/api/v1/namespaces/{namespace}/services/{self.scheme}:{name}:{self.port}/proxy"
        endpoint = Endpoint(url=f"{api.url}{path}", verify_tls=api.verify_tls, ca_pem=api.ca_pem)
        reason = f"{self.sign.reason}, by its labels and port {self.port}, through the API server"
        return EndpointCandidate(
            kind=self.kind, endpoint=endpoint, found=self.found, reason=reason, rank=self.sign.rank, through_api=True
        )


def read_service(service: ServiceObject) -> SeenService | None:
    """A Service that is one of ours; None for any other."""
    metadata = service.metadata
    place = clean(metadata.namespace, NAME_CHARACTERS), clean(metadata.name, NAME_CHARACTERS)
    if not all(_NAME.fullmatch(part) for part in place):
        return None
    ports = [port for port in (service.spec.ports or [] if service.spec else []) if port.protocol in {None, "TCP"}]
    for sign in _SIGNS:
        port = _port(ports, sign.ports) if _shows(sign, place[1], metadata.labels or {}) else None
        if port is not None:
            return SeenService(place, sign, _scheme(port), port.port)
    return None


def _shows(sign: _Sign, name: str, labels: dict[str, str]) -> bool:
    if sign.label:
        return labels.get(sign.label) == "true"
    if name.endswith(("-headless", "-memberlist", "-gossip-ring")) or labels.get("variant") == "headless":
        return False
    app = labels.get("app.kubernetes.io/name") or labels.get("app", "")
    # kube-prometheus-stack-prometheus: the chart's name, or its release's, goes before.
    if app not in sign.app and labels.get("app", "").rpartition("-")[2] not in sign.app:
        return False
    component = labels.get("app.kubernetes.io/component", labels.get("component", ""))
    return sign.components is None or component in sign.components


def _port(ports: list[_Port], wanted: tuple[str | int, ...]) -> _Port | None:
    for wish in wanted:
        for port in ports:
            if wish in {port.name, port.port}:
                return port
    return None


def _scheme(port: _Port) -> str:
    said = port.app_protocol or port.name or ""
    return "https" if said.startswith("https") or port.port in _TLS_PORTS else "http"
