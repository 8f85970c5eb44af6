"""Thanos before Prometheus, and the tenancy ports of OpenShift's: what is merged, what is missing, what is refused."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from pydantic import SecretStr

from fleet.collectors.prometheus import PrometheusClient, collect_pack, collect_rules
from fleet.collectors.prometheus.probe import probe
from fleet.collectors.transport.deadline import Deadline
from fleet.credentials import Credential, GivenCredential
from fleet.errors import Forbidden, QueryRefused, WrongService
from fleet.frames.coverage import Coverage, CoverageStatus
from fleet.frames.frame import Frame
from fleet.frames.pack import QueryPack
from fleet.frames.pack_file import default_pack
from fleet.frames.window import CHUNK, Window
from fleet.inventory.cluster import Endpoint, EndpointKind
from simulator.fleet import SimulatedFleet
from simulator.options import BrokenMode, FleetOptions
from tests.fleet.collectors.kubernetes.simulated import registered

CHOSEN = ("container_mem_bytes", "container_restarts", "node_cpu_util")
PACK = default_pack().model_copy(update={"queries": [each for each in default_pack().queries if each.id in CHOSEN]})


@pytest.fixture(scope="module")
def fleet() -> Iterator[SimulatedFleet]:
    with SimulatedFleet(FleetOptions(clusters=1, faults=(), thanos=("fra-01",))) as running:
        yield running


@pytest.fixture
def window(fleet: SimulatedFleet) -> Window:
    return Window.before(fleet.anchor, timedelta(hours=1))


@pytest.fixture
def credential(fleet: SimulatedFleet) -> GivenCredential:
    return GivenCredential(Credential(token=SecretStr(fleet.token("fra-01"))))


def endpoint(fleet: SimulatedFleet, port: str = "prometheus", namespace: str = "") -> Endpoint:
    own = registered(fleet, "fra-01").endpoints[EndpointKind.PROMETHEUS]
    url = own.url.removesuffix("prometheus") + port
    return own.model_copy(update={"url": url, "namespace": namespace})


def collected(client: PrometheusClient, window: Window, pack: QueryPack = PACK) -> tuple[Frame, Coverage]:
    [(_, frame, coverage)] = collect_pack(client, "c1", pack, [window], 60, CHUNK)
    return frame, coverage


def test_replicas_are_merged(fleet: SimulatedFleet, window: Window, credential: GivenCredential) -> None:
    with PrometheusClient(endpoint(fleet), credential) as client:
        assert client.is_thanos()
        frame, coverage = collected(client, window)
        assert coverage.status is CoverageStatus.OK
        assert not any("prometheus_replica" in dict(key.labels) for key in frame.keys)
        both, _ = client.data("/api/v1/query", [("query", PACK.queries[0].promql), ("dedup", "false")], dict)
    assert {each["metric"]["prometheus_replica"] for each in both["result"]} == {"prometheus-k8s-0", "prometheus-k8s-1"}
    assert probe(endpoint(fleet), credential, Deadline(10)).message == "Thanos Query answers queries"


def test_a_store_that_is_down_makes_the_answer_partial(
    fleet: SimulatedFleet, window: Window, credential: GivenCredential
) -> None:
    with PrometheusClient(endpoint(fleet), credential) as client:
        whole, _ = collected(client, window)
        fleet.set_broken("fra-01/prometheus", BrokenMode.STORE_DOWN)
        try:
            frame, coverage = collected(client, window)
            with pytest.raises(QueryRefused, match="connection refused"):
                client.data("/api/v1/query", [("query", PACK.queries[0].promql), ("partial_response", "0")], dict)
        finally:
            fleet.set_broken("fra-01/prometheus", None)
    assert coverage.status is CoverageStatus.PARTIAL
    assert "receive series from Addr" in coverage.reason
    assert 0 < len(frame.keys) < len(whole.keys)


def test_a_tenancy_port_shows_one_namespace_and_coverage_says_so(
    fleet: SimulatedFleet, window: Window, credential: GivenCredential
) -> None:
    place = endpoint(fleet, "tenancy", "shop")
    # Who may view a namespace may get, not create.
    fleet.deny("fra-01", "create pods.metrics.k8s.io")
    try:
        assert probe(place, credential, Deadline(10)).message.endswith("only namespace shop is seen")
        with PrometheusClient(place, credential) as client:
            frame, coverage = collected(client, window)
            rules, told = collect_rules(client, "c1", window)
    finally:
        fleet.allow("fra-01")
    assert {dict(key.labels)["namespace"] for key in frame.keys} == {"shop"}
    status = {query.query_id: (query.status, query.reason) for query in coverage.queries}
    assert status["container_mem_bytes"] == (CoverageStatus.PARTIAL, "only namespace shop is seen")
    # Nodes are there, and not to be seen from here.
    assert status["node_cpu_util"][0] is CoverageStatus.UNKNOWN
    assert (coverage.status, "only namespace shop is seen" in coverage.reason) == (CoverageStatus.PARTIAL, True)
    # Rules have a port of their own.
    assert (rules.alert_rules, told.status, told.error) == ([], CoverageStatus.UNKNOWN, "WrongService")
    with PrometheusClient(endpoint(fleet, "tenancy-rules", "shop"), credential) as client:
        assert client.data("/api/v1/rules", [], dict)[0]["groups"]


def test_what_tenancy_ports_refuse(fleet: SimulatedFleet, window: Window, credential: GivenCredential) -> None:
    with PrometheusClient(endpoint(fleet, "tenancy"), credential) as client:
        with pytest.raises(WrongService, match="request or configuration is malformed") as caught:
            client.probe()
        assert "namespace" in caught.value.hint
    with PrometheusClient(endpoint(fleet, "tenancy", "shop"), credential) as client:
        with pytest.raises(QueryRefused, match="conflicts with injected value"):
            client.query('up{namespace="payments"}', window.end)
        with pytest.raises(WrongService, match="404"):
            client.version()
    fleet.deny("fra-01", "* pods.metrics.k8s.io")
    try:
        with (
            PrometheusClient(endpoint(fleet, "tenancy", "shop"), credential) as client,
            pytest.raises(Forbidden, match="resource=pods"),
        ):
            client.probe()
    finally:
        fleet.allow("fra-01")
