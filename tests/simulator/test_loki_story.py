"""The logs tell the story of the metrics' faults: at their places, in their times, the same at every asking."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from simulator.fleet import FleetOptions, SimulatedFleet
from simulator.options import FaultKind
from tests.simulator.conftest import ANCHOR, Api, api, unix

HOUR = 3600.0
NOON = ANCHOR.timestamp()


@pytest.fixture(scope="module")
def troubled() -> Iterator[SimulatedFleet]:
    with SimulatedFleet(FleetOptions(clusters=5, seed=7, anchor=ANCHOR)) as fleet:
        yield fleet


def fault_of(fleet: SimulatedFleet, kind: FaultKind) -> tuple[dict[str, Any], float, float]:
    """A fault with its beginning and its end, or the anchor where it goes on."""
    fault = next(each for each in fleet.truth["faults"] if each["kind"] == kind)
    return fault, unix(fault["start"]), unix(fault["end"]) if fault["end"] else NOON


def everything(fleet: SimulatedFleet, cluster: str) -> str:
    """A selector of every container's log."""
    openshift = "kubernetes_namespace_name" in names(api(fleet, cluster, "loki"))
    return f'{{{"kubernetes_namespace_name" if openshift else "namespace"}=~".+"}}'


def nodes(fleet: SimulatedFleet, cluster: str) -> str:
    """A selector of every node's log."""
    openshift = "kubernetes_host" in names(api(fleet, cluster, "loki"))
    return '{log_type="infrastructure",kubernetes_pod_name=""}' if openshift else '{job="systemd-journal"}'


def names(loki: Api) -> list[str]:
    return list(loki.get("/loki/api/v1/labels", start=int(NOON) - 60, end=int(NOON)).json()["data"])


def count(fleet: SimulatedFleet, cluster: str, query: str, start: float, end: float) -> float:
    """How many lines a query finds."""
    loki = api(fleet, cluster, "loki")
    asked = f"sum(count_over_time({query}[{int(end - start)}s]))"
    result = loki.get("/loki/api/v1/query", query=asked, time=int(end)).json()["data"]["result"]
    return float(result[0]["value"][1]) if result else 0.0


def lines(fleet: SimulatedFleet, cluster: str, query: str, start: float, end: float, **more: Any) -> list[Any]:
    """Streams of lines, oldest first."""
    parameters = {"query": query, "start": int(start * 1e9), "end": int(end * 1e9), "direction": "forward", **more}
    answer = api(fleet, cluster, "loki").get("/loki/api/v1/query_range", **parameters)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["data"]["result"])


def flat(streams: list[Any]) -> list[tuple[int, str]]:
    return sorted((int(stamp), text) for stream in streams for stamp, text in stream["values"])


def test_a_window_is_the_sum_of_its_parts(troubled: SimulatedFleet) -> None:
    for cluster in troubled.names[:2]:
        query = everything(troubled, cluster)
        whole = flat(lines(troubled, cluster, query, NOON - 900, NOON, limit=5000))
        assert 100 < len(whole) < 5000
        parts = [
            line
            for minute in range(15)
            for line in flat(
                lines(troubled, cluster, query, NOON - 900 + 60 * minute, NOON - 840 + 60 * minute, limit=5000)
            )
        ]
        assert parts == whole
        # Pages from behind see the same lines.
        newest = flat(lines(troubled, cluster, query, NOON - 900, NOON, limit=50, direction="backward"))
        assert newest == whole[-50:]
        assert count(troubled, cluster, query, NOON - 900, NOON) == len(whole)


def test_two_fleets_of_one_seed_say_the_same(troubled: SimulatedFleet) -> None:
    with SimulatedFleet(FleetOptions(clusters=5, seed=7, anchor=ANCHOR)) as again:
        for cluster in again.names[:2]:
            query = everything(again, cluster)
            assert lines(again, cluster, query, NOON - 120, NOON) == lines(troubled, cluster, query, NOON - 120, NOON)


def test_every_living_container_has_its_stream(troubled: SimulatedFleet) -> None:
    for cluster in troubled.names[:2]:
        pods = api(troubled, cluster, "kubernetes").get("/api/v1/pods").json()["items"]
        found = api(troubled, cluster, "loki").get(
            "/loki/api/v1/series", start=int(NOON) - 1, end=int(NOON), **{"match[]": everything(troubled, cluster)}
        )
        name = "pod" if troubled.registration["clusters"][1]["name"] == cluster else "kubernetes_pod_name"
        # Those of the simulated platform itself have no logs.
        assert {each[name] for each in found.json()["data"]} <= {each["metadata"]["name"] for each in pods}
        assert len(found.json()["data"]) > 15


def test_lines_of_openshift_are_documents(troubled: SimulatedFleet) -> None:
    cluster = troubled.names[0]
    for stream in lines(troubled, cluster, '{log_type="application"}', NOON - 60, NOON):
        labels = stream["stream"]
        for stamp, text in stream["values"]:
            document = json.loads(text)
            assert document["kubernetes"]["pod_name"] == labels["kubernetes_pod_name"]
            assert document["kubernetes"]["container_name"] == labels["kubernetes_container_name"]
            assert document["level"] == labels["detected_level"]
            assert abs(unix(document["@timestamp"]) - int(stamp) / 1e9) < 0.002
            assert document["message"]
    one = lines(troubled, cluster, '{log_type="application"} | json', NOON - 60, NOON, limit=1)[0]["stream"]
    assert one["kubernetes_namespace_name_extracted" if "kubernetes_namespace_name_extracted" in one else "level"]
    gateway = api(troubled, cluster, "loki").get(
        "/api/logs/v1/infrastructure/loki/api/v1/label/log_type/values", start=int(NOON) - 60, end=int(NOON)
    )
    assert gateway.json()["data"] == ["infrastructure"]


def test_a_leak_warns_fails_and_starts_again(troubled: SimulatedFleet) -> None:
    fault, start, end = fault_of(troubled, FaultKind.MEMORY_LEAK)
    cluster, app = fault["cluster"], fault["subject"]["name"]
    query = everything(troubled, cluster)
    kills = flat(
        lines(troubled, cluster, f'{nodes(troubled, cluster)} |= "Memory cgroup out of memory"', start, end + 60)
    )
    assert kills
    assert all(app in text for _, text in kills)
    kill = kills[0][0] / 1e9
    warnings = [
        count(troubled, cluster, f'{query} |= "long garbage collection"', begin, begin + HOUR / 2)
        for begin in (start - HOUR, kill - HOUR / 2)
    ]
    assert warnings[0] == 0 < warnings[1]
    assert count(troubled, cluster, f'{query} |= "cannot allocate memory"', kill - 300, kill) > 3
    after = flat(lines(troubled, cluster, f'{query} |= "starting" |= "{app}"', kill, kill + 60))
    assert len(after) == 1
    assert 10 < after[0][0] / 1e9 - kill < 20


def test_a_noisy_neighbour_makes_others_slow(troubled: SimulatedFleet) -> None:
    fault, start, end = fault_of(troubled, FaultKind.NOISY_NEIGHBOUR)
    cluster = fault["cluster"]
    query = everything(troubled, cluster)
    slow = f'{query} |~ "slow request|upstream timeout"'
    assert count(troubled, cluster, slow, start - HOUR, start) == 0
    assert count(troubled, cluster, slow, start + 60, end) > 50
    assert count(troubled, cluster, f'{query} |= "full export"', start, end) > 50
    sufferers = lines(troubled, cluster, slow, start + 60, end, limit=500)
    said = {json.dumps(each["stream"]) for each in sufferers}
    assert not any(fault["subject"]["name"] in each for each in said)


def test_a_bad_version_throws_exceptions(troubled: SimulatedFleet) -> None:
    fault, start, end = fault_of(troubled, FaultKind.BAD_ROLLOUT)
    cluster, app = fault["cluster"], fault["subject"]["name"]
    query = everything(troubled, cluster)
    thrown = f'{query} |= "unhandled exception"'
    assert count(troubled, cluster, thrown, start - HOUR, start) == 0
    assert count(troubled, cluster, thrown, start, end) > 100
    assert count(troubled, cluster, thrown, end + 180, end + HOUR) == 0
    streams = lines(troubled, cluster, thrown, start, end, limit=100)
    assert all(app in json.dumps(each["stream"]) for each in streams)
    assert "version=" in streams[0]["values"][0][1]
    # The new pods say which version they are before they fail.
    assert flat(lines(troubled, cluster, f'{query} |= "starting" |= "{app}"', start, start + 120))
    routed = f'{query} |= "be_http:{fault["subject"]["namespace"]}:{app} " |= " 500 "'
    assert count(troubled, cluster, routed, start, end) > 100


def test_a_full_disk_refuses_writes(troubled: SimulatedFleet) -> None:
    fault, start, end = fault_of(troubled, FaultKind.DISK_FILLING)
    cluster, node = fault["cluster"], fault["subject"]["name"]
    pressed = start + 0.9 * (end - start)
    full = f'{everything(troubled, cluster)} |= "no space left on device"'
    assert count(troubled, cluster, full, start - HOUR, start + HOUR / 2) == 0
    assert count(troubled, cluster, full, pressed, end) > 3
    assert all(node in json.dumps(each["stream"]) for each in lines(troubled, cluster, full, start, end))
    evicting = f'{nodes(troubled, cluster)} |= "Eviction manager"'
    assert count(troubled, cluster, evicting, start - HOUR, start) == 0
    told = lines(troubled, cluster, evicting, start, end, limit=10)
    assert told
    assert all(node in json.dumps(each["stream"]) for each in told)


def test_a_dead_exporter_cannot_be_scraped_and_falls_silent(troubled: SimulatedFleet) -> None:
    fault, start, end = fault_of(troubled, FaultKind.EXPORTER_DOWN)
    cluster, node = fault["cluster"], fault["subject"]["node"]
    query = everything(troubled, cluster)
    failed = f'{query} |= "scrape failed"'
    assert count(troubled, cluster, failed, start - HOUR, start) == 0
    assert count(troubled, cluster, failed, start, end) == pytest.approx((end - start) / 30, abs=3)
    label = "node_name" if "node_name=" in json.dumps(query) or "namespace=~" in query[:12] else "kubernetes_host"
    own = f'{query[:-1]},{label}="{node}"}} |= "collector"'
    assert count(troubled, cluster, own, start + 5, end) == 0 < count(troubled, cluster, own, start - HOUR, start)


def test_quiet_clusters_are_quiet() -> None:
    with SimulatedFleet(FleetOptions(clusters=2, faults=(), anchor=ANCHOR)) as quiet:
        for cluster in quiet.names:
            query = everything(quiet, cluster)
            total = count(quiet, cluster, query, NOON - HOUR, NOON)
            errors = count(quiet, cluster, f'{query} | detected_level=~"error|fatal"', NOON - HOUR, NOON)
            assert total > 1000
            assert 0 < errors < 0.03 * total
            busy = count(quiet, cluster, query, NOON + 1.5 * HOUR - 86400, NOON + 2.5 * HOUR - 86400)
            assert count(quiet, cluster, query, NOON - 10.5 * HOUR, NOON - 9.5 * HOUR) < 0.8 * busy
            # Nothing is older than the retention.
            assert count(quiet, cluster, query, NOON - 22 * 86400, NOON - 21.5 * 86400) == 0
