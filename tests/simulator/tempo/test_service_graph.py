"""The metrics that Tempo's generator makes of the traces, as the simulated Prometheus serves them."""

from __future__ import annotations

from typing import Any

import pytest

from simulator.fleet import SimulatedFleet
from tests.simulator.conftest import Api, api
from tests.simulator.tempo.conftest import END, HOUR


@pytest.fixture(scope="module")
def prometheus(fleet: SimulatedFleet) -> Api:
    return api(fleet, fleet.names[0], "prometheus")


def sampled(prometheus: Api, promql: str) -> list[tuple[dict[str, str], float]]:
    answer = prometheus.get("/api/v1/query", query=promql, time=END)
    answer.raise_for_status()
    return [(each["metric"], float(each["value"][1])) for each in answer.json()["data"]["result"]]


def test_edges_have_the_recorded_labels(prometheus: Api) -> None:
    edges = [labels for labels, _ in sampled(prometheus, "traces_service_graph_request_total")]
    by_kind = {each.get("connection_type"): each for each in edges}
    assert set(by_kind) == {None, "database", "messaging_system", "virtual_node"}
    assert by_kind["virtual_node"]["client"] == "user"
    assert by_kind["database"]["server"].endswith("-db")
    for each in edges:
        assert set(each) - {"connection_type"} == {"__name__", "__metrics_gen_instance", "client", "server"}
    [bounds] = [
        {labels["le"] for labels, _ in sampled(prometheus, query)}
        for query in ('traces_service_graph_request_server_seconds_bucket{client="user"}',)
    ]
    assert bounds == {"0.1", "0.2", "0.4", "0.8", "1.6", "3.2", "6.4", "12.8", "+Inf"}


def test_calls_are_those_of_the_traces(fleet: SimulatedFleet, prometheus: Api) -> None:
    counted = {
        (labels["client"], labels["server"]): value
        for labels, value in sampled(
            prometheus, "sum by (client, server) (increase(traces_service_graph_request_total[1h]))"
        )
    }
    tempo = api(fleet, fleet.names[0], "tempo")
    parameters: dict[str, Any] = {"q": '{ resource.service.name = "cart" && kind = server }', "limit": 1000, **HOUR}
    assert len(tempo.get("/api/search", **parameters).json()["traces"]) == counted["router-default", "cart"] == 120
    assert counted["cart", "shop-db"] == 120
    failed = sampled(prometheus, "sum by (client, server) (increase(traces_service_graph_request_failed_total[1h]))")
    assert all(value <= counted[labels["client"], labels["server"]] for labels, value in failed)


def test_a_range_of_rates(prometheus: Api) -> None:
    form = {"query": 'rate(traces_service_graph_request_total{server="cart"}[5m])', "start": END - 600, "end": END}
    [series] = prometheus.http.post("/api/v1/query_range", data={**form, "step": 60}).json()["data"]["result"]
    assert len(series["values"]) == 11
    assert [float(value) for _, value in series["values"]] == pytest.approx([10 / 300] * 11)


def test_a_cluster_without_a_generator(fleet: SimulatedFleet) -> None:
    assert sampled(api(fleet, fleet.names[2], "prometheus"), "traces_service_graph_request_total") == []
    names = api(fleet, fleet.names[0], "prometheus").get("/api/v1/label/__name__/values").json()["data"]
    assert "traces_service_graph_request_total" in names
