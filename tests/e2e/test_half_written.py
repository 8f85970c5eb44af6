"""Nothing half-written is ever read as whole: objects without a row, rows whose object is cut, altered or gone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from fleet.frames.coverage import Coverage, CoverageStatus
from fleet.frames.window import HISTORY_STEP_SECONDS, STEP_SECONDS
from simulator.fleet import SimulatedFleet
from simulator.options import FaultKind
from storage.tables import CoverageRow
from tests.e2e.fleets import ANCHOR, Registered, register, simulated, told_of, write_pack
from tests.e2e.installation import Installation

HOURS = 6
QUERIES = ("node_cpu_util", "container_mem_bytes", "container_mem_vs_limit", "container_restarts")


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatedFleet]:
    options: dict[str, Any] = {"clusters": 2, "nodes": 3, "workloads": 9, "faults": (FaultKind.MEMORY_LEAK,)}
    with simulated(tmp_path_factory.mktemp("half"), **options) as fleet:
        yield fleet


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_pack(tmp_path_factory.mktemp("pack") / "pack.yaml", QUERIES)


@pytest.fixture
def clusters(installation: Installation, fleet: SimulatedFleet, request: pytest.FixtureRequest) -> Registered:
    name = "".join(sign if sign.isalnum() else "-" for sign in request.node.name.removeprefix("test_"))
    return register(installation, fleet, name[:40].strip("-").lower())


def scan(clusters: Registered, pack: Path, **parameters: Any) -> Any:
    given = {"until": ANCHOR, "last_hours": HOURS, "sensitivity": "HIGH", "pack": str(pack), **parameters}
    return clusters.installation.scan(clusters.names, **given)


def one_chunk(clusters: Registered, name: str, step_seconds: int) -> Coverage:
    """A stored chunk out of the middle."""
    chunks = [chunk for chunk in clusters.chunks(name) if chunk.step_seconds == step_seconds and chunk.object_key]
    return chunks[len(chunks) // 2]


def faulty(clusters: Registered) -> str:
    return str(clusters.fleet.truth["faults"][0]["cluster"])


def test_object_without_its_row_is_as_if_it_were_not_there(clusters: Registered, pack: Path) -> None:
    """What a kill between the object and its row leaves behind."""
    stores, name = clusters.installation.stores, faulty(clusters)
    scan(clusters, pack)
    told = told_of(clusters)
    chunk = one_chunk(clusters, name, STEP_SECONDS)
    assert chunk.object_key and stores.objects.exists(chunk.object_key)
    with stores.database.session() as session:
        row = session.get_one(
            CoverageRow,
            (
                chunk.cluster_id,
                chunk.collector,
                chunk.pack_hash,
                chunk.step_seconds,
                chunk.window.start,
                chunk.window.end,
            ),
        )
        session.delete(row)
    clusters.fleet.reset_requests()
    scan(clusters, pack)
    # The one chunk is asked for, by each query once, and nothing else.
    assert clusters.ranges() == len(QUERIES)
    assert told_of(clusters) == told


def cut(data: bytes) -> bytes:
    return data[: len(data) // 2]


def altered(data: bytes) -> bytes:
    at = len(data) // 3
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


@pytest.mark.parametrize("step_seconds", [STEP_SECONDS, HISTORY_STEP_SECONDS], ids=["window", "history"])
@pytest.mark.parametrize("damage", [cut, altered, None], ids=["cut", "altered", "gone"])
def test_damaged_object_is_told_and_fetched_again(
    damage: Callable[[bytes], bytes] | None, step_seconds: int, clusters: Registered, pack: Path
) -> None:
    stores, name = clusters.installation.stores, faulty(clusters)
    scan(clusters, pack)
    told = told_of(clusters)
    chunk = one_chunk(clusters, name, step_seconds)
    assert chunk.object_key and chunk.object_hash
    if damage is None:
        stores.objects.delete(chunk.object_key)
    else:
        stores.objects.put(chunk.object_key, damage(stores.objects.get(chunk.object_key, chunk.object_hash)), "x/y")

    result = scan(clusters, pack, ends="CompletedWithGaps")
    struck = next(
        each for each in clusters.chunks(name) if each.window == chunk.window and each.step_seconds == step_seconds
    )
    assert struck.status is CoverageStatus.UNKNOWN
    assert "damaged" in struck.reason
    # What was found before is not resolved by a scan that could not look.
    assert told_of(clusters)[name]["findings"] == told[name]["findings"]
    row = next(row for row in result.coverage if row.cluster == clusters.clusters[name])
    if step_seconds == HISTORY_STEP_SECONDS:
        # Judged all the same: what the history teaches was learnt by the first scan.
        assert (row.grade != "not graded", row.model_version) == (True, 1)
    else:
        assert row.grade == "not graded"
        assert "What was seen could not be judged." in row.reasons
        assert row.status is CoverageStatus.PARTIAL
        assert struck.reason in row.reasons

    clusters.fleet.reset_requests()
    scan(clusters, pack)
    assert clusters.ranges() == len(QUERIES)
    assert told_of(clusters) == told
