"""The collector on the simulated Tempo, over HTTPS with a token."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import SecretStr

from fleet.collectors.prometheus import PrometheusClient
from fleet.collectors.tempo import TempoClient, TraceRequest, collect_traces
from fleet.collectors.tempo.dependencies import edges_of_metrics, edges_of_spans, graph_queries
from fleet.collectors.tempo.traceql import Selection, TagSearch, TraceQuery
from fleet.credentials import Credential, GivenCredential
from fleet.frames.coverage import CoverageStatus
from fleet.frames.span_tree import trees
from fleet.frames.window import Window
from fleet.inventory.cluster import Endpoint, EndpointKind
from simulator.fleet import FleetOptions, SimulatedFleet
from simulator.options import FaultKind

ANCHOR = datetime(2026, 3, 11, 12, tzinfo=UTC)
HOUR = Window(start=ANCHOR - timedelta(hours=1), end=ANCHOR)
EVERYTHING = TraceQuery("{}")


@pytest.fixture(scope="module")
def fleet() -> Iterator[SimulatedFleet]:
    options = FleetOptions(clusters=1, faults=(FaultKind.BAD_ROLLOUT,), anchor=ANCHOR, seed=5)
    with SimulatedFleet(options) as running:
        yield running


def source(fleet: SimulatedFleet, kind: EndpointKind) -> tuple[Endpoint, GivenCredential]:
    [entry] = fleet.registration["clusters"]
    endpoint = Endpoint.model_validate(entry["endpoints"][kind.value])
    return endpoint, GivenCredential(Credential(token=SecretStr(fleet.token(entry["name"]))))


@pytest.fixture(scope="module")
def client(fleet: SimulatedFleet) -> Iterator[TempoClient]:
    with TempoClient(*source(fleet, EndpointKind.TEMPO)) as opened:
        yield opened


def test_an_hour_of_traces_are_whole_trees(client: TempoClient) -> None:
    frame, coverage = collect_traces(client, "c1", TraceRequest(EVERYTHING, HOUR))
    assert (coverage.status, coverage.reason) == (CoverageStatus.OK, "")
    assert frame.traces == 5 * 120 + 12
    for tree in trees(frame):
        assert tree.root is not None
        assert not tree.orphans
        assert sum(segment.duration_ns for segment in tree.critical_path()) == tree.root.duration_ns


def test_services_and_operations(client: TempoClient) -> None:
    assert {"cart", "checkout", "router-default"} <= set(client.services(HOUR))
    assert {"GET /cart", "SELECT cart"} <= set(client.operations("cart", HOUR))


def test_selections(client: TempoClient) -> None:
    selection = Selection(service="batch-export", operation="export", longer_than=timedelta(seconds=1))
    frame, _ = collect_traces(client, "c1", TraceRequest(selection.query(), HOUR))
    assert frame.traces == 12
    by_tags, _ = collect_traces(client, "c1", TraceRequest(TagSearch({"service.name": "batch-export"}), HOUR))
    assert by_tags.table.equals(frame.table)


def test_the_fault_is_the_self_time_of_its_service(fleet: SimulatedFleet, client: TempoClient) -> None:
    [fault] = fleet.truth["faults"]
    start = datetime.fromisoformat(fault["start"]) + timedelta(minutes=8)
    name = fault["subject"]["name"]
    selection = Selection(service=name, operation=f"GET /{name}")

    def own_seconds(window: Window) -> dict[str, float]:
        frame, _ = collect_traces(client, "c1", TraceRequest(selection.query(), window))
        found: dict[str, float] = {}
        for tree in trees(frame):
            for node in tree.walk():
                found[node.service] = found.get(node.service, 0.0) + node.self_ns / 1e9
        return found

    slow = own_seconds(Window(start=start, end=start + timedelta(minutes=40)))
    usual = own_seconds(Window(start=start - timedelta(hours=1), end=start - timedelta(minutes=20)))
    grown = {service: slow[service] / usual[service] for service in slow}
    assert max(grown, key=lambda service: grown[service]) == name
    assert grown[name] > 3
    assert all(times < 1.5 for service, times in grown.items() if service != name)


def test_spans_and_metrics_tell_of_the_same_edges(fleet: SimulatedFleet, client: TempoClient) -> None:
    frame, _ = collect_traces(client, "c1", TraceRequest(EVERYTHING, HOUR))
    of_spans = {(edge.client, edge.server, edge.connection): edge for edge in edges_of_spans(frame)}
    with PrometheusClient(*source(fleet, EndpointKind.PROMETHEUS)) as prometheus:
        samples = [
            [(dict(sample.labels), sample.value) for sample in prometheus.query(query, HOUR.end).samples]
            for query in graph_queries(3600)
        ]
    of_metrics = {(edge.client, edge.server, edge.connection): edge for edge in edges_of_metrics(*samples)}
    assert of_spans.keys() == of_metrics.keys()
    for key, edge in of_spans.items():
        assert edge.calls == pytest.approx(of_metrics[key].calls, rel=0.02)
        assert edge.errors == pytest.approx(of_metrics[key].errors, abs=2)


def test_json_says_the_same_as_protobuf(client: TempoClient) -> None:
    found = client.search(EVERYTHING, HOUR, 30)
    assert [trace.start_ns for trace in found] == sorted((trace.start_ns for trace in found), reverse=True)
    for trace in found:
        as_protobuf = client.trace(trace.trace_id).table.to_pylist()
        client._protobuf = False
        assert client.trace(trace.trace_id).table.to_pylist() == as_protobuf
        client._protobuf = True
