"""Finding endpoints: Routes and Services of every form, what cannot be seen, and whole simulated clusters."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from fleet.collectors.kubernetes.endpoints import find_endpoints
from fleet.collectors.trying import try_candidates
from fleet.credentials import Credential, GivenCredential
from fleet.errors import Forbidden, Unauthorized, Unreachable
from fleet.inventory.candidate import EndpointSearch, missing_that_answer, with_endpoints
from fleet.inventory.cluster import Cluster, EndpointKind
from simulator.fleet import FleetOptions, SimulatedFleet
from tests.fleet.collectors.kubernetes.conftest import QUICK, cluster_at
from tests.fleet.collectors.kubernetes.objects import groups, metadata
from tests.fleet.collectors.kubernetes.server import Api, forbidden, on

ROUTES = "/apis/route.openshift.io/v1/routes"
LOKIS = "/apis/loki.grafana.com/v1/lokistacks"
TEMPOS = "/apis/tempo.grafana.com/v1alpha1/tempostacks"
SMALL_TEMPOS = "/apis/tempo.grafana.com/v1alpha1/tempomonolithics"
SERVICES = "/api/v1/services"
INGRESS_CA = "/api/v1/namespaces/openshift-config-managed/configmaps/default-ingress-cert"
CA = "-----BEGIN CERTIFICATE-----\ningress\n-----END CERTIFICATE-----\n"

Find = Callable[[], EndpointSearch]


def route(name: str, namespace: str, service: str = "", *, admitted: str = "True", host: str = "", **spec: Any) -> Any:
    host = host or f"{name}-{namespace}.apps.example.net"
    condition = {"type": "Admitted", "status": admitted}
    return {
        "metadata": metadata(name, namespace),
        "spec": {"host": host, "to": {"kind": "Service", "name": service or name}, "tls": {"termination": "reencrypt"}}
        | spec,
        "status": {"ingress": [{"host": host, "routerName": "default", "conditions": [condition]}]},
    }


def stack(name: str, namespace: str, **spec: Any) -> Any:
    return {"metadata": metadata(name, namespace), "spec": spec}


def service(name: str, namespace: str, ports: dict[str, int], labels: dict[str, str]) -> Any:
    return {
        "metadata": metadata(name, namespace, labels=labels),
        "spec": {"ports": [{"name": key, "port": port, "protocol": "TCP"} for key, port in ports.items()]},
    }


@pytest.fixture
def openshift(api: Api) -> Api:
    api.documents["/apis"] = groups("apps", "route.openshift.io", "loki.grafana.com", "tempo.grafana.com")
    api.documents[INGRESS_CA] = {"data": {"ca-bundle.crt": CA}}
    api.lists |= {ROUTES: [], LOKIS: [], TEMPOS: [], SMALL_TEMPOS: [], SERVICES: []}
    return api


@pytest.fixture
def find(api: Api) -> Find:
    return lambda: find_endpoints(cluster_at(api.url, api.ca_pem), None, QUICK)


def seen(search: EndpointSearch) -> dict[str, str]:
    return {each.endpoint.url: each.kind.value for each in search.candidates}


def test_routes_of_monitoring_logging_and_tracing(openshift: Api, find: Find) -> None:
    openshift.lists[ROUTES] = [
        route("console", "openshift-console"),
        route("prometheus-k8s", "openshift-monitoring", path="/api"),
        route("thanos-querier", "openshift-monitoring", path="/api"),
        route("prometheus-k8s-federate", "openshift-monitoring", "prometheus-k8s", path="/federate"),
        route("alertmanager-main", "openshift-monitoring", path="/api"),
        route("thanos-querier", "somebodys-own"),
        route("logs", "openshift-logging", "logging-loki-gateway-http"),
        route("netobserv", "netobserv", "loki-gateway-http"),
        route("tracing", "tracing", "tempo-platform-gateway", tls={"termination": "passthrough"}),
        route("small", "tracing", "tempo-small-gateway", tls=None),
        route("korrel8r", "korrel8r", tls={"termination": "edge"}),
    ]
    openshift.lists[LOKIS] = [
        stack("logging-loki", "openshift-logging", tenants={"mode": "openshift-logging"}),
        stack("loki", "netobserv", tenants={"mode": "openshift-network"}),
    ]
    tenants = {"mode": "openshift", "authentication": [{"tenantName": "dev"}, {"tenantName": "prod"}]}
    openshift.lists[TEMPOS] = [stack("platform", "tracing", tenants=tenants)]
    openshift.lists[SMALL_TEMPOS] = [stack("small", "tracing", multitenancy={"authentication": [{"tenantName": "x"}]})]
    search = find()
    assert list(seen(search).items()) == [
        ("https://thanos-querier-openshift-monitoring.apps.example.net", "prometheus"),
        ("https://prometheus-k8s-openshift-monitoring.apps.example.net", "prometheus"),
        ("https://alertmanager-main-openshift-monitoring.apps.example.net", "alertmanager"),
        ("https://logs-openshift-logging.apps.example.net/api/logs/v1", "loki"),
        ("https://netobserv-netobserv.apps.example.net/api/logs/v1/network", "loki"),
        ("http://small-tracing.apps.example.net/api/traces/v1/x", "tempo"),
        ("https://tracing-tracing.apps.example.net/api/traces/v1/dev", "tempo"),
        ("https://tracing-tracing.apps.example.net/api/traces/v1/prod", "tempo"),
        ("https://korrel8r-korrel8r.apps.example.net", "korrel8r"),
    ]
    # The routers' authority signed what ends or begins anew at a router, and nothing else.
    trusting = {each.endpoint.url for each in search.candidates if each.endpoint.ca_pem == CA}
    assert {url for url in seen(search) if "tracing" not in url} == trusting
    assert all(each.endpoint.ca_pem is None for each in search.candidates if each.endpoint.url not in trusting)
    assert "LokiStack openshift-logging/logging-loki" in search.candidates[3].reason
    assert search.candidates[3].found == "Route openshift-logging/logs"
    assert (search.gaps, search.notes) == ([], [])


def test_no_credential_goes_where_anybody_could_have_made_the_route(openshift: Api, find: Find) -> None:
    here = openshift.url.removeprefix("https://")
    openshift.documents["/api/v1alpha1/domains"] = [{"name": "k8s"}]
    openshift.lists[ROUTES] = [
        route("korrel8r", "somebodys-own", host=here),
        route("korrel8r", "openshift-coo", host=here),
    ]
    openshift.documents[INGRESS_CA] = {"data": {"ca-bundle.crt": openshift.ca_pem}}
    cluster = cluster_at(openshift.url, openshift.ca_pem)
    credentials = GivenCredential(Credential(token=SecretStr("canary")))
    search = find()
    assert {each.found: each.guarded for each in search.candidates} == {
        "Route somebodys-own/korrel8r": False,
        "Route openshift-coo/korrel8r": True,
    }
    strange = [each for each in search.candidates if not each.guarded]
    [tried] = try_candidates(cluster, strange, lambda kind: credentials)
    assert tried.answer is None and not tried.answers
    assert missing_that_answer(cluster, [tried]) == []
    assert openshift.asked("/api/v1alpha1/domains") == []
    [tried] = try_candidates(cluster, strange, lambda kind: credentials, [strange[0].endpoint.url])
    assert tried.answers
    [asked] = openshift.asked("/api/v1alpha1/domains")
    assert asked.authorization == "Bearer canary"


def test_routes_that_nobody_serves_or_that_are_none(openshift: Api, find: Find) -> None:
    no_status = route("thanos-querier", "openshift-monitoring")
    del no_status["status"]
    openshift.lists[ROUTES] = [
        no_status,
        route("thanos-querier", "openshift-monitoring", admitted="False"),
        route("prometheus-k8s", "openshift-monitoring", host="evil.example@127.0.0.1"),
        route("alertmanager-main", "openshift-monitoring", host="h/../../x?y=1#z"),
        {"metadata": metadata("korrel8r", "a"), "spec": None},
        route("korrel8r", "b", to={"kind": "Other", "name": "korrel8r"}),
    ]
    search = find()
    assert search.candidates == []
    assert search.gaps == []


@pytest.mark.parametrize(
    ("ports", "labels", "expected"),
    [
        (
            {"http-web": 9090, "reloader-web": 8080},
            {"app": "kube-prometheus-stack-prometheus"},
            "prometheus http:s:9090",
        ),
        (
            {"http": 80},
            {"app.kubernetes.io/name": "prometheus", "app.kubernetes.io/component": "server"},
            "prometheus http:s:80",
        ),
        ({"web": 9090, "grpc": 10901}, {"operated-prometheus": "true"}, "prometheus http:s:9090"),
        (
            {"http": 9090},
            {"app.kubernetes.io/name": "thanos", "app.kubernetes.io/component": "query"},
            "prometheus http:s:9090",
        ),
        ({"http": 10902}, {"app.kubernetes.io/name": "thanos", "app.kubernetes.io/component": "storegateway"}, ""),
        ({"https": 443}, {"app": "kube-prometheus-stack-operator"}, ""),
        ({"http-metrics": 9100}, {"app.kubernetes.io/name": "prometheus-node-exporter"}, ""),
        ({"http-web": 9093}, {"app": "kube-prometheus-stack-alertmanager"}, "alertmanager http:s:9093"),
        ({"http": 9093}, {"app.kubernetes.io/name": "alertmanager"}, "alertmanager http:s:9093"),
        ({"http-web": 9093, "udp-mesh": 9094}, {"operated-alertmanager": "true"}, "alertmanager http:s:9093"),
        ({"http": 80}, {"app.kubernetes.io/name": "loki", "app.kubernetes.io/component": "gateway"}, "loki http:s:80"),
        (
            {"http-metrics": 3100},
            {"app.kubernetes.io/name": "loki", "app.kubernetes.io/component": "read"},
            "loki http:s:3100",
        ),
        ({"http-metrics": 3100}, {"app.kubernetes.io/name": "loki"}, "loki http:s:3100"),
        ({"http-metrics": 3100}, {"app": "loki"}, "loki http:s:3100"),
        ({"http-metrics": 3100}, {"app.kubernetes.io/name": "loki", "app.kubernetes.io/component": "write"}, ""),
        ({"http-metrics": 3100}, {"app.kubernetes.io/name": "loki", "variant": "headless"}, ""),
        ({"tcp": 7946}, {"app.kubernetes.io/name": "loki"}, ""),
        ({"tempo-prom-metrics": 3200, "otlp": 4317}, {"app.kubernetes.io/name": "tempo"}, "tempo http:s:3200"),
        (
            {"http": 3100},
            {"app.kubernetes.io/name": "tempo", "app.kubernetes.io/component": "query-frontend"},
            "tempo http:s:3100",
        ),
        ({"grpc": 9095}, {"app.kubernetes.io/name": "tempo", "app.kubernetes.io/component": "distributor"}, ""),
        ({"web": 9443}, {"app.kubernetes.io/name": "korrel8r"}, "korrel8r https:s:9443"),
        ({"http": 8080}, {"app": "shop"}, ""),
        ({}, {"app": "loki"}, ""),
    ],
)
def test_services_by_labels_and_ports(
    ports: dict[str, int], labels: dict[str, str], expected: str, api: Api, find: Find
) -> None:
    api.lists[SERVICES] = [service("s", "monitoring", ports, labels)]
    found = [f"{each.kind.value} {each.endpoint.url.split('/')[-2]}" for each in find().candidates]
    assert found == ([expected] if expected else [])
    for each in find().candidates:
        assert each.endpoint.url.startswith(f"{api.url}/api/v1/namespaces/monitoring/services/")
        assert each.endpoint.url.endswith("/proxy")
        assert each.endpoint.ca_pem == api.ca_pem
        assert each.through_api


def test_services_that_want_a_token_are_told_and_not_proposed(openshift: Api, find: Find) -> None:
    labels = {"app.kubernetes.io/name": "korrel8r"}
    openshift.lists[SERVICES] = [service("korrel8r", "openshift-cluster-observability-operator", {"web": 9443}, labels)]
    search = find()
    assert search.candidates == []
    [note] = search.notes
    assert "openshift-cluster-observability-operator/korrel8r" in note and "Route" in note
    openshift.lists[ROUTES] = [route("korrel8r", "openshift-cluster-observability-operator")]
    assert [each.kind for each in find().candidates] == [EndpointKind.KORREL8R]
    assert find().notes == []


def test_what_cannot_be_seen_is_a_gap_and_what_is_not_there_is_none(openshift: Api, find: Find) -> None:
    openshift.lists[ROUTES] = [route("thanos-querier", "openshift-monitoring")]
    openshift.interceptors += [
        on(INGRESS_CA, forbidden("configmaps")),
        on(LOKIS, forbidden("lokistacks")),
        on(SERVICES, forbidden("services")),
    ]
    search = find()
    assert [each.endpoint.ca_pem for each in search.candidates] == [None]
    assert {gap.part: gap.reason for gap in search.gaps} == {
        "services": "missing right: list services in the whole cluster",
        "lokistacks": "missing right: list lokistacks.loki.grafana.com in the whole cluster",
        "ingress certificate authority": (
            "missing right: get configmaps default-ingress-cert in openshift-config-managed"
        ),
    }
    openshift.interceptors.clear()
    openshift.documents["/apis"] = groups("apps")
    del openshift.documents[INGRESS_CA]
    search = find()
    assert (search.candidates, search.gaps, search.notes) == ([], [], [])


def test_no_api_is_said(api: Api) -> None:
    bare = Cluster(name="east", endpoints={EndpointKind.PROMETHEUS: {"url": "https://prom.example"}})
    with pytest.raises(Unreachable, match="only that knows its other endpoints"):
        find_endpoints(bare, None)
    api.interceptors.append(on("/apis", forbidden("all")))
    api.interceptors.append(lambda request: forbidden("all"))
    search = find_endpoints(cluster_at(api.url, api.ca_pem), None, QUICK)
    assert search.candidates == []
    assert {gap.part for gap in search.gaps} >= {"capabilities", "services"}


# --- whole clusters -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatedFleet]:
    options = FleetOptions(clusters=2, seed=3, faults=(), directory=tmp_path_factory.mktemp("fleet"))
    with SimulatedFleet(options) as running:
        yield running


def bare(fleet: SimulatedFleet, platform: str) -> tuple[Cluster, GivenCredential]:
    entry = next(each for each in fleet.registration["clusters"] if each["labels"]["platform"] == platform)
    cluster = Cluster(name=entry["name"], endpoints={"kubernetes": entry["endpoints"]["kubernetes"]})
    return cluster, GivenCredential(Credential(token=SecretStr(fleet.token(entry["name"]))))


def test_an_openshift_shows_its_routes(fleet: SimulatedFleet) -> None:
    cluster, credentials = bare(fleet, "openshift")
    search = find_endpoints(cluster, credentials)
    assert search.gaps == []
    assert {each.kind.value for each in search.candidates} >= {"prometheus", "alertmanager", "loki", "tempo"}
    best = {each.kind.value: each.found for each in reversed(search.candidates)}
    assert best["prometheus"] == "Route openshift-monitoring/thanos-querier"
    assert all(each.found.startswith("Route ") for each in search.candidates)
    assert search.candidates[0].endpoint.ca_pem == (Path(fleet.directory) / "ca.pem").read_text()


def test_a_cluster_of_charts_is_reached_through_its_api(fleet: SimulatedFleet) -> None:
    cluster, credentials = bare(fleet, "vanilla")
    search = find_endpoints(cluster, credentials)
    assert search.gaps == []
    tried = try_candidates(cluster, search.candidates, lambda kind: credentials)
    answering = [each.candidate.kind for each in tried if each.answers]
    assert {EndpointKind.PROMETHEUS, EndpointKind.ALERTMANAGER, EndpointKind.LOKI, EndpointKind.TEMPO} == set(answering)
    proposed = missing_that_answer(cluster, tried)
    assert sorted(each.kind.value for each in proposed) == ["alertmanager", "loki", "prometheus", "tempo"]
    complete = with_endpoints(cluster, proposed)
    assert missing_that_answer(complete, tried) == []


def test_rights_to_proxy_and_to_look(fleet: SimulatedFleet) -> None:
    cluster, credentials = bare(fleet, "vanilla")
    found = find_endpoints(cluster, credentials).candidates
    fleet.deny(cluster.name, "get services/proxy", "create services/proxy")
    try:
        tried = try_candidates(cluster, found, lambda kind: credentials)
        assert {each.answer.status.value for each in tried if each.answer} == {"forbidden"}
        fleet.deny(cluster.name, "list services")
        assert [gap.part for gap in find_endpoints(cluster, credentials).gaps] == ["services"]
    finally:
        fleet.allow(cluster.name)
    with pytest.raises((Unauthorized, Forbidden)):
        find_endpoints(cluster, GivenCredential(Credential(token=SecretStr("wrong"))))
