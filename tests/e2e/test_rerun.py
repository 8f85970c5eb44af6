"""What is stored is not asked for again, and the same data gives the same findings, whoever scans it and how often."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from fleet.frames.coverage import CoverageStatus
from fleet.frames.window import STEP_SECONDS
from simulator.fleet import SimulatedFleet
from simulator.options import BrokenMode, FaultKind
from tests.e2e.fleets import ANCHOR, Registered, doubled, register, simulated, told_of, write_pack
from tests.e2e.installation import Installation

HOURS = 6
QUERIES = (
    "node_cpu_util",
    "node_mem_util",
    "fs_used_ratio",
    "container_mem_bytes",
    "container_mem_vs_limit",
    "container_restarts",
    "container_oom_kills",
)


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatedFleet]:
    # One faulty cluster of two, whose leak goes on at the anchor.
    options: dict[str, Any] = {"clusters": 2, "nodes": 3, "workloads": 9, "faults": (FaultKind.MEMORY_LEAK,)}
    with simulated(tmp_path_factory.mktemp("rerun"), **options) as fleet:
        yield fleet


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_pack(tmp_path_factory.mktemp("pack") / "pack.yaml", QUERIES)


@pytest.fixture
def clusters(installation: Installation, fleet: SimulatedFleet, request: pytest.FixtureRequest) -> Registered:
    registered = register(installation, fleet, request.node.name.removeprefix("test_").replace("_", "-")[:40])
    fleet.reset_requests()
    return registered


def scan(clusters: Registered, pack: Path, **parameters: Any) -> Any:
    given = {"until": ANCHOR, "last_hours": HOURS, "sensitivity": "HIGH", "pack": str(pack), **parameters}
    return clusters.installation.scan(clusters.names, **given)


def ids(clusters: Registered) -> dict[str, list[str]]:
    stores = clusters.installation.stores
    return {
        "findings": sorted(each.id for each in stores.findings.list(cluster_ids=clusters.ids)),
        "incidents": sorted(each.id for each in stores.incidents.list(cluster_ids=clusters.ids)),
        "investigations": sorted(each.id for each in stores.investigations.list(cluster_ids=clusters.ids)),
    }


def test_same_window_again_asks_nothing_and_tells_the_same(clusters: Registered, pack: Path) -> None:
    first = scan(clusters, pack)
    told, known, asked = told_of(clusters), ids(clusters), clusters.ranges()
    assert first.incidents
    assert asked == 2 * len(QUERIES) * len(clusters.names)

    clusters.fleet.reset_requests()
    again = scan(clusters, pack)
    counts = clusters.fleet.requests()["clusters"]
    # Not even whether the server is there: only discovery looks at what is now.
    assert [counts[name].get("prometheus") for name in clusters.clusters] == [None, None]
    assert told_of(clusters) == told
    assert ids(clusters) == known
    same = {"scan_id"}
    assert again.model_dump(exclude=same) == first.model_dump(exclude=same)
    assert doubled(clusters) == []


def test_overlapping_window_asks_for_new_chunks_only(clusters: Registered, pack: Path) -> None:
    scan(clusters, pack, until=ANCHOR - timedelta(hours=2))
    before = {(each.cluster_id, each.step_seconds, each.window.start): each.collected_at for each in clusters.chunks()}

    clusters.fleet.reset_requests()
    scan(clusters, pack)
    after = {(each.cluster_id, each.step_seconds, each.window.start): each.collected_at for each in clusters.chunks()}
    assert {key: after[key] for key in before} == before
    new = sorted(start for _, step, start in set(after) - set(before) if step == STEP_SECONDS)
    assert new == sorted([ANCHOR - timedelta(hours=2), ANCHOR - timedelta(hours=1)] * len(clusters.names))
    # Two chunks that follow one another are one range of each query; the days before are all there.
    assert clusters.ranges() == len(QUERIES) * len(clusters.names)
    assert doubled(clusters) == []


@pytest.mark.parametrize("mode", [BrokenMode.PARTIAL, BrokenMode.TRUNCATED])
def test_what_was_not_seen_whole_is_asked_again(
    mode: BrokenMode, installation: Installation, fleet: SimulatedFleet, pack: Path
) -> None:
    clusters = register(installation, fleet, f"again-{mode}")
    broken, sound = clusters.clusters
    fleet.set_broken(broken, mode)
    scan(clusters, pack, ends="CompletedWithGaps")
    unseen = {each.status for each in clusters.chunks(broken) if each.step_seconds == STEP_SECONDS}
    assert unseen <= {CoverageStatus.PARTIAL, CoverageStatus.UNKNOWN}
    assert {each.status for each in clusters.chunks(sound)} == {CoverageStatus.OK}

    fleet.set_broken(broken, None)
    fleet.reset_requests()
    whole = scan(clusters, pack)
    assert clusters.ranges(broken) == 2 * len(QUERIES)
    assert clusters.ranges(sound) == 0
    assert {each.status for each in clusters.chunks()} == {CoverageStatus.OK}
    reference = register(installation, fleet, f"reference-{mode}")
    at_once = scan(reference, pack)
    # What the first scan said of half of the data stays, as what an earlier scan said.
    assert told_of(clusters, scan_id=whole.scan_id) == told_of(reference, scan_id=at_once.scan_id)
    assert doubled(clusters) == []


def test_window_that_ends_within_a_chunk_leaves_no_gap_behind(clusters: Registered, pack: Path) -> None:
    broken = next(iter(clusters.clusters))
    clusters.fleet.set_broken(broken, BrokenMode.TRUNCATED)
    scan(clusters, pack, until=ANCHOR - timedelta(minutes=20), ends="CompletedWithGaps")
    clusters.fleet.set_broken(broken, None)
    result = scan(clusters, pack)
    assert [(row.status, row.seen_ratio, row.reasons) for row in result.coverage] == [(CoverageStatus.OK, 1, [])] * 2
    # A window that begins and ends within chunks is seen whole from them.
    clusters.fleet.reset_requests()
    inner = scan(clusters, pack, until=ANCHOR - timedelta(minutes=30), last_hours=2)
    assert [(row.status, row.seen_ratio) for row in inner.coverage] == [(CoverageStatus.OK, 1)] * 2
    assert clusters.ranges() == 0


def test_two_scans_at_the_same_time_make_no_duplicates(clusters: Registered, pack: Path) -> None:
    """The hourly scan and one on demand: two deployments, two processes, the same clusters and window."""
    parameters = {
        "clusters": clusters.names,
        "until": ANCHOR.isoformat(),
        "last_hours": HOURS,
        "sensitivity": "HIGH",
        "pack": str(pack),
        "report": False,
    }
    with clusters.installation.prefect() as api:
        runs = [api.start_run(f"scan-fleet/{name}", **parameters) for name in ("hourly", "on-demand")]
        states = [api.wait_for(run, seconds=100) for run in runs]
        assert [state["type"] for state in states] == ["COMPLETED"] * 2, states
        times = [api.call("GET", f"/flow_runs/{run}") for run in runs]
    assert max(each["start_time"] for each in times) < min(each["end_time"] for each in times)
    together = told_of(clusters)
    assert doubled(clusters) == []
    assert any(each["incidents"] for each in together.values())
    scan(clusters, pack)
    assert told_of(clusters) == together
