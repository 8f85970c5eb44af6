"""Bulks: every line comes out once by exact page rules, whatever the page size, and fast."""

from __future__ import annotations

import time
from typing import Any

import pytest

from simulator.fleet import SimulatedFleet
from tests.simulator.conftest import ANCHOR, Api, api

END = int(ANCHOR.timestamp()) * 10**9
START = END - 3600 * 10**9
CPU_MICROSECONDS_A_LINE = 20.0


@pytest.fixture(scope="module")
def loki(fleet: SimulatedFleet) -> Api:
    return api(fleet, fleet.names[0], "loki")


def page(loki: Api, query: str, start: int, end: int, limit: int, direction: str) -> list[tuple[int, str, str]]:
    """Time, stream and line of each entry, as they come by time."""
    parameters = {"query": query, "start": start, "end": end, "limit": limit, "direction": direction}
    result = loki.get("/loki/api/v1/query_range", **parameters).json()["data"]["result"]
    found = [(int(stamp), each["stream"].get("part", ""), text) for each in result for stamp, text in each["values"]]
    assert len(found) <= limit
    return sorted(found, key=lambda line: line[0], reverse=direction == "backward")


@pytest.mark.parametrize("direction", ["forward", "backward"])
@pytest.mark.parametrize(("query", "limit"), [('{bulk="12000",distinct="50"}', 700), ('{bulk="9000",parts="7"}', 1000)])
def test_every_line_comes_out_once(loki: Api, query: str, limit: int, direction: str) -> None:
    start, end, seen = START, END, dict[tuple[int, str, str], int]()
    while True:
        found = page(loki, query, start, end, limit, direction)
        for line in found:
            seen[line] = seen.get(line, 0) + 1
        if len(found) < limit:
            break
        # The last time may have been cut: it is asked for again.
        if direction == "forward":
            assert start < found[-1][0], "a page must be larger than the lines of one time"
            start = found[-1][0]
        else:
            assert end > found[-1][0] + 1
            end = found[-1][0] + 1
    total = int(query.split('"')[1])
    assert len(seen) == total
    if "distinct" in query:
        assert len({stamp for stamp, _, _ in seen}) == 50
    else:
        assert {part for _, part, _ in seen} == set("0123456")


def test_parts_and_counts(loki: Api) -> None:
    def counted(query: str, seconds: int) -> Any:
        asked = f"sum(count_over_time({query}[{seconds}s]))"
        return loki.get("/loki/api/v1/query", query=asked, time=END - 1).json()["data"]["result"][0]["value"][1]

    assert counted('{bulk="1000000"}', 3600) == "1000000"
    assert counted('{bulk="1000",parts="4",part="1"}', 3600) == "250"
    stats = loki.get("/loki/api/v1/index/stats", query='{bulk="1000000"}', start=START, end=END).json()
    assert stats["entries"] == 1_000_000
    names = loki.get("/loki/api/v1/labels", start=START, end=END).json()["data"]
    assert "bulk" not in names


def test_a_page_of_a_million_lines_costs_its_own_lines_only(loki: Api) -> None:
    began = time.process_time()
    for share in range(20):
        start = START + share * (END - START) // 20
        assert len(page(loki, '{bulk="1000000"}', start, END, 5000, "forward")) == 5000
    # Client and server are one process: what the client takes counts, too.
    assert time.process_time() - began < 100_000 * CPU_MICROSECONDS_A_LINE / 1e6
