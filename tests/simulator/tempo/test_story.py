"""Traces tell the same story as the metrics: the same faults, at the same places and times, as strong."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from simulator.fleet import FleetOptions, SimulatedFleet
from simulator.options import FaultKind
from tests.simulator.conftest import ANCHOR, Api, api, unix

MANY = 10_000


@pytest.fixture(scope="module")
def faulty() -> Iterator[SimulatedFleet]:
    kinds = (FaultKind.BAD_ROLLOUT, FaultKind.NOISY_NEIGHBOUR, FaultKind.MEMORY_LEAK)
    with SimulatedFleet(FleetOptions(clusters=3, faults=kinds, anchor=ANCHOR, seed=11)) as running:
        yield running


def planted(fleet: SimulatedFleet, kind: FaultKind) -> dict[str, Any]:
    fault: dict[str, Any] = next(each for each in fleet.truth["faults"] if each["kind"] == kind.value)
    return fault


def searched(tempo: Api, query: str, start: float, end: float) -> list[dict[str, Any]]:
    answer = tempo.get("/api/search", q=query, start=int(start), end=int(end), limit=MANY, spss=1)
    answer.raise_for_status()
    traces: list[dict[str, Any]] = answer.json()["traces"]
    return traces


def span_seconds(traces: list[dict[str, Any]]) -> float:
    return float(np.mean([int(each["spanSet"]["spans"][0]["durationNanos"]) for each in traces])) / 1e9


def test_a_bad_rollout_slows_and_breaks_its_service_and_what_calls_it(faulty: SimulatedFleet) -> None:
    fault = planted(faulty, FaultKind.BAD_ROLLOUT)
    tempo, name = api(faulty, fault["cluster"], "tempo"), fault["subject"]["name"]
    start = unix(fault["start"])
    during, before = (start + 420, start + 3600), (start - 5400, start)
    root = f'{{ rootName = "GET /{name}" && kind = server && name = "GET /{name}" && '
    for whose in (f'resource.service.name = "{name}" }}', 'resource.k8s.namespace.name =~ ".*ingress.*" }'):
        slow, usual = (span_seconds(searched(tempo, root + whose, *when)) for when in (during, before))
        assert 3 < slow / usual < 9
    calls = len(searched(tempo, f'{{ rootName = "GET /{name}" }}', *during))
    failed = len(searched(tempo, root + f'status = error && resource.service.name = "{name}" }}', *during))
    assert 0.1 < failed / calls < 0.35
    forwarded = f'{{ rootName = "GET /{name}" && kind = client && status = error && name = "GET" }}'
    assert len(searched(tempo, forwarded, *during)) == failed
    elsewhere = f'{{ status = error && resource.service.name != "{name}" && rootName != "GET /{name}" }}'
    assert len(searched(tempo, elsewhere, *during)) < 8


def test_root_spans_take_what_the_routes_metric_says(faulty: SimulatedFleet) -> None:
    fault = planted(faulty, FaultKind.BAD_ROLLOUT)
    cluster, start = fault["cluster"], unix(fault["start"]) + 420
    series = api(faulty, cluster, "prometheus").range("route_latency_seconds", start, start + 3000, 30)
    for labels, samples in series.items():
        route = dict(labels)["route"]
        query = f'{{ rootName = "GET /{route}" && kind = server && resource.service.name = "{route}" }}'
        served = searched(api(faulty, cluster, "tempo"), query, start, start + 3000)
        assert span_seconds(served) == pytest.approx(np.mean(list(samples.values())), rel=0.25), route


def test_a_noisy_neighbour_slows_what_stands_on_its_node(faulty: SimulatedFleet) -> None:
    fault = planted(faulty, FaultKind.NOISY_NEIGHBOUR)
    tempo = api(faulty, fault["cluster"], "tempo")
    start, end = unix(fault["start"]) + 600, unix(fault["start"]) + 3600
    [export, *_] = searched(tempo, '{ name = "export" }', start, end)
    [batch, *_] = tempo.get(f"/api/traces/{export['traceID']}").json()["batches"]
    attributes = {each["key"]: each["value"]["stringValue"] for each in batch["resource"]["attributes"]}
    node = attributes["k8s.node.name"]

    def seconds(relation: str, start: float, end: float) -> float:
        query = (
            f'{{ name = "GET /cart" && resource.service.name = "cart" && resource.k8s.node.name {relation} "{node}" }}'
        )
        return span_seconds(searched(tempo, query, start, end))

    assert seconds("=", start, end) > 4 * seconds("!=", start, end)
    assert seconds("=", start - 4800, start - 1200) < 1.5 * seconds("!=", start - 4800, start - 1200)


def test_a_leak_ends_in_refused_connections(faulty: SimulatedFleet) -> None:
    fault = planted(faulty, FaultKind.MEMORY_LEAK)
    tempo, name = api(faulty, fault["cluster"], "tempo"), fault["subject"]["name"]
    kills = ANCHOR.timestamp() - 86400, ANCHOR.timestamp()
    refused = searched(tempo, '{ span.error.type = "connection_refused" }', *kills)
    restarts = api(faulty, fault["cluster"], "prometheus").range("container_oom_kills", *kills, 30)
    killed = [at for samples in restarts.values() for at, value in samples.items() if value > 0]
    assert killed
    for trace in refused:
        at = int(trace["startTimeUnixNano"]) / 1e9
        assert min(abs(at - each) for each in killed) < 120, name


def test_the_same_seed_gives_the_same_traces(faulty: SimulatedFleet) -> None:
    cluster = faulty.names[0]
    window = ANCHOR.timestamp() - 7200, ANCHOR.timestamp() - 5400
    shown = searched(api(faulty, cluster, "tempo"), "{ duration > 1ms }", *window)
    options = FleetOptions(
        clusters=3,
        faults=(FaultKind.BAD_ROLLOUT, FaultKind.NOISY_NEIGHBOUR, FaultKind.MEMORY_LEAK),
        anchor=ANCHOR,
        seed=11,
    )
    with SimulatedFleet(options) as again:
        assert searched(api(again, cluster, "tempo"), "{ duration > 1ms }", *window) == shown
