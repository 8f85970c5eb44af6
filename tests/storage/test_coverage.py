"""The coverage of many clusters: one after the other, and queries that fared alike held once."""

from __future__ import annotations

from fleet.frames.coverage import CoverageStatus, QueryCoverage
from storage.coverage import CoverageStore
from storage.database import Database
from tests.storage import entities

CLUSTERS = [f"cluster-{number:02}" for number in range(45)]


def fared(number: int) -> list[QueryCoverage]:
    """Of each cluster the same, but that every tenth was warned."""
    warnings = ["a store is missing"] if number % 10 == 0 else []
    return [
        QueryCoverage(query_id="container_mem_bytes", status=CoverageStatus.OK, series=7),
        QueryCoverage(query_id="node_cpu_util", status=CoverageStatus.OK, series=3, warnings=warnings),
    ]


def test_many_clusters_come_in_the_order_given_with_what_was_stored(database: Database) -> None:
    rows = CoverageStore(database)
    window = entities.hours(0, 1)
    stored = {
        name: entities.coverage(window, cluster_id=name, queries=fared(number)) for number, name in enumerate(CLUSTERS)
    }
    rows.put(stored.values())
    asked = [*reversed(CLUSTERS), "nowhere"]

    read = list(rows.by_cluster(window, asked, collector="prometheus"))

    assert [name for name, _ in read] == asked
    assert {name: list(own) for name, own in read} == {**{name: [row] for name, row in stored.items()}, "nowhere": []}
    held = {id(query) for _, own in read for row in own for query in row.queries}
    assert len(held) == 3
