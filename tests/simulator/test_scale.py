"""A cluster of 30,000 pods is listed quickly, and very many clusters fit into one process."""

from __future__ import annotations

import time

import psutil

from simulator.fleet import FleetOptions, SimulatedFleet
from simulator.recent import Recent
from tests.simulator.conftest import ANCHOR, api

PODS = 30_000
PODS_A_SECOND = 3_000


def test_thirty_thousand_pods_are_listed_page_by_page() -> None:
    options = FleetOptions(clusters=1, nodes=500, workloads=2000, pods=PODS, faults=(), anchor=ANCHOR)
    with SimulatedFleet(options) as fleet:
        client = api(fleet, fleet.names[0], "kubernetes")
        began, keys, token = time.process_time(), [], ""
        while True:
            page = client.get("/api/v1/pods", limit=500, **({"continue": token} if token else {})).json()
            keys += [(each["metadata"]["namespace"], each["metadata"]["name"]) for each in page["items"]]
            token = page["metadata"].get("continue", "")
            if not token:
                break
        # Client and server are one process: what the client takes counts, too.
        assert time.process_time() - began < PODS / PODS_A_SECOND
        assert len(set(keys)) >= PODS
        assert keys == sorted(keys)
        assert fleet.requests()["requests"] == -(-len(keys) // 500)
        nodes = client.get("/api/v1/nodes").json()["items"]
        assert len(nodes) == 500


def test_replicas_make_up_for_lacking_pods_and_leave_the_rest_alone() -> None:
    plain = FleetOptions(clusters=1, faults=(), anchor=ANCHOR, nodes=5, workloads=12)
    grown = FleetOptions(clusters=1, faults=(), anchor=ANCHOR, nodes=5, workloads=12, pods=100)
    with SimulatedFleet(plain) as small, SimulatedFleet(grown) as large:
        few, many = (
            {(each["metadata"]["namespace"], each["metadata"]["name"]): each["spec"]["nodeName"] for each in items}
            for items in (
                api(fleet, fleet.names[0], "kubernetes").get("/api/v1/pods").json()["items"] for fleet in (small, large)
            )
        )
    assert few.items() <= many.items()
    assert 100 <= len(many) <= 110


def test_many_clusters_in_bounded_memory() -> None:
    options = FleetOptions(clusters=80, nodes=50, workloads=100, pods=1500, faults=(), anchor=ANCHOR)
    process = psutil.Process()
    with SimulatedFleet(options) as fleet:
        before = process.memory_info().rss
        for name in fleet.names:
            client = api(fleet, name, "kubernetes")
            # One page renders the whole list.
            assert len(client.get("/api/v1/pods", limit=1).json()["items"]) == 1
            client.http.close()
        # All of them together would take 550 MiB.
        assert process.memory_info().rss - before < 420 * 2**20


def test_recent_values_are_kept_up_to_a_weight() -> None:
    made: list[str] = []

    def get(kept: Recent[str, str], text: str) -> str:
        return kept.get(text, lambda: made.append(text) or text)

    kept = Recent[str, str](5, len)
    for text in ("aa", "bbb", "aa", "cc", "aa", "bbb", "dddddddd", "dddddddd"):
        assert get(kept, text) == text
    assert made == ["aa", "bbb", "cc", "bbb", "dddddddd"]
