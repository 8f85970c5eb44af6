"""One scan of a sound cluster and of one whose Loki is down, whose Tempo is not there, whose Prometheus is partial."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from fleet.frames.coverage import CoverageStatus, Signal
from simulator.fleet import SimulatedFleet
from simulator.options import BrokenMode, last_full_hour
from tests.e2e.fleets import EVERY_KIND, Registered, doubled, register, simulated, write_pack
from tests.e2e.installation import Installation, Outcome

HOURS = 3
SOUND, TROUBLED, BARE = "fra-01", "dub-01", "iad-01"
"""``BARE`` is an OpenShift that has a Loki and a Tempo of which none is registered."""
ASKED = ("alertmanager", "loki", "tempo")
QUERIES = ("node_cpu_util", "node_mem_util", "fs_used_ratio", "container_mem_bytes", "container_restarts")


@dataclass(frozen=True)
class Ground:
    """The clusters, the arguments of their scan, and what the first scan said."""

    clusters: Registered
    arguments: tuple[object, ...]
    first: Outcome

    def scan(self, *more: object) -> Outcome:
        self.clusters.fleet.reset_requests()
        return self.clusters.installation.fleetscope("scan", "--json", *self.arguments, *self.clusters.options(), *more)

    def row(self, scanned: Outcome, name: str) -> dict[str, Any]:
        wanted = self.clusters.clusters[name]
        return next(row for row in scanned.json["coverage"] if row["cluster"] == wanted)

    def seen(self, scanned: Outcome, name: str) -> dict[str, str]:
        """The status of each signal of a cluster."""
        row = self.row(scanned, name)
        return {each["signal"]: each["status"] for each in [row, *row["beside"]]}

    def reasons(self, scanned: Outcome, name: str, signal: Signal) -> str:
        return "; ".join(self.row(scanned, name)["beside"][list(Signal).index(signal) - 1]["reasons"])

    def requests(self, name: str) -> dict[str, int]:
        return {api: self.clusters.asked(api, name) for api in ASKED}


@pytest.fixture(scope="module")
def ground(installation: Installation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    directory = tmp_path_factory.mktemp("signals")
    # Alerts are of now: this fleet's faults are, too.
    end = last_full_hour(datetime.now(UTC))
    broken = {f"{TROUBLED}/loki": BrokenMode.UNAVAILABLE, f"{TROUBLED}/prometheus": BrokenMode.PARTIAL}
    pack = write_pack(directory / "pack.yaml", QUERIES)
    with simulated(directory, clusters=3, nodes=3, workloads=9, faults=(), anchor=end, broken=broken) as fleet:
        clusters = register(installation, fleet, "signals", kinds=EVERY_KIND)
        unregister(installation, clusters.clusters[TROUBLED], "tempo")
        unregister(installation, clusters.clusters[BARE], "loki", "tempo", "alertmanager")
        arguments = ("--until", end.isoformat(), "--last", f"{HOURS}h", "--pack", pack)
        ground = Ground(clusters, arguments, Outcome(-1, "", ""))
        yield Ground(clusters, arguments, ground.scan())


def unregister(installation: Installation, name: str, *kinds: str) -> None:
    installation.stores.clusters.change(
        name,
        lambda cluster: cluster.model_copy(
            update={"endpoints": {kind: each for kind, each in cluster.endpoints.items() if kind.value not in kinds}}
        ),
    )


def test_coverage_is_right_for_each_signal(ground: Ground) -> None:
    first = ground.first
    assert first.code == 4, first.err
    assert first.json["state"] == "completed-with-gaps"
    assert ground.seen(first, SOUND) == dict.fromkeys(Signal, "ok")
    troubled = ground.seen(first, TROUBLED)
    assert (troubled["metrics"], troubled["logs"], troubled["traces"]) == ("partial", "unknown", "absent")
    assert "a router answered 503" in ground.reasons(first, TROUBLED, Signal.LOGS)
    assert ground.reasons(first, TROUBLED, Signal.TRACES) == "the cluster runs no Tempo"
    bare = ground.seen(first, BARE)
    assert (bare["metrics"], bare["logs"], bare["traces"]) == ("ok", "unknown", "unknown")
    name = ground.clusters.clusters[BARE]
    said = f"no Tempo endpoint is registered: `fleetscope cluster endpoints {name} --store` finds it"
    assert ground.reasons(first, BARE, Signal.TRACES) == said
    missed = {
        name: [each["signal"] for each in ground.row(first, name)["beside"] if each["missed"]] for name in (SOUND, BARE)
    }
    assert missed == {SOUND: [], BARE: []}
    assert f"gaps in {ground.clusters.clusters[TROUBLED]}." in first.err


def test_results_rest_on_what_was_stored(ground: Ground) -> None:
    clusters, stores = ground.clusters, ground.clusters.installation.stores
    chunks = {signal: clusters.chunks(SOUND, signal=signal) for signal in (Signal.LOGS, Signal.TRACES)}
    assert [len(each) for each in chunks.values()] == [HOURS, HOURS]
    logs = [stores.logs.load(chunk) for chunk in chunks[Signal.LOGS]]
    lines = [line for frame in logs if frame is not None for line in frame.lines.to_pylist()]
    assert lines
    assert all('"level":"error"' in line or '"level":"fatal"' in line or "error" in line.lower() for line in lines)
    assert all("detected_level" in chunk.asked for chunk in chunks[Signal.LOGS])
    for chunk in chunks[Signal.TRACES]:
        frame = stores.traces.load(chunk)
        assert frame is None or "error" in frame.distinct("status")
    [alerts] = [each for each in clusters.chunks(SOUND, signal=Signal.ALERTS) if each.collector == "alertmanager"]
    assert [query.query_id for query in alerts.queries] == ["alerts", "silences", "groups"]
    keys = [chunk.object_key for each in chunks.values() for chunk in each if chunk.object_key]
    assert all(key.startswith(f"frames/{clusters.ids[0]}/") for key in keys)
    assert doubled(clusters) == []


def test_a_rerun_asks_for_what_was_not_seen_and_nothing_else(ground: Ground) -> None:
    allowed = ground.scan("--allow-gaps")
    assert allowed.code == 0, allowed.err
    assert ground.requests(SOUND) == dict.fromkeys(ASKED, 0)
    assert ground.requests(TROUBLED)["loki"] > 0
    assert ground.requests(BARE) == dict.fromkeys(ASKED, 0)
    assert ground.seen(allowed, TROUBLED)["logs"] == "unknown"

    fleet: SimulatedFleet = ground.clusters.fleet
    for api in ("loki", "prometheus"):
        fleet.set_broken(f"{TROUBLED}/{api}", None)
    mended = ground.scan()
    assert mended.code == 0, mended.err
    assert ground.seen(mended, TROUBLED)["logs"] == "ok"
    assert ground.seen(mended, TROUBLED)["metrics"] == "ok"
    assert ground.requests(SOUND) == dict.fromkeys(ASKED, 0)
    assert {each.status for each in ground.clusters.chunks(TROUBLED, signal=Signal.LOGS)} == {CoverageStatus.OK}
    again = ground.scan()
    assert again.code == 0
    assert sum(ground.requests(TROUBLED).values()) == 0


def test_the_past_of_alerts_is_unknown_and_no_gap(ground: Ground) -> None:
    until = last_full_hour(datetime.now(UTC)) - timedelta(hours=4)
    past = ground.clusters.installation.fleetscope(
        "scan", "--json", *ground.arguments[2:], "--until", until.isoformat(), "--cluster", ground.clusters.names[0]
    )
    assert past.code == 0, past.err
    assert ground.seen(past, SOUND)["alerts"] == "unknown"
    assert "only how alerts stand now" in ground.reasons(past, SOUND, Signal.ALERTS)
