"""Values are the same whenever, however and from whichever process they are asked, and look like what they are."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from simulator.fleet import FleetOptions, SimulatedFleet
from tests.simulator.conftest import ANCHOR, PACK, api, matching, within

DAY = 86_400
OPTIONS = FleetOptions(clusters=3, seed=3, anchor=ANCHOR)
QUERIES = ("container_mem_bytes", "node_cpu_util", "ingress_5xx_ratio", "container_restarts", "node_pressure")


def test_range_and_step_do_not_change_a_sample(fleet: SimulatedFleet) -> None:
    end = fleet.anchor.timestamp()
    client = api(fleet, fleet.names[0], "prometheus")
    for query in QUERIES:
        fine = client.range(query, end - 2 * DAY, end - DAY, 30)
        coarse = client.range(query, end - 10 * DAY, end, 300)
        shared = 0
        for key, samples in coarse.items():
            for at, value in samples.items():
                if end - 2 * DAY <= at <= end - DAY:
                    assert fine[key][at] == value
                    shared += 1
        assert shared >= 288


def test_restart_with_the_same_seed_and_anchor_gives_the_same_bytes() -> None:
    answers = []
    for _ in range(2):
        with SimulatedFleet(OPTIONS) as running:
            client = api(running, running.names[0], "prometheus")
            form = {"start": ANCHOR.timestamp() - DAY, "end": ANCHOR.timestamp(), "step": 300}
            answers.append(
                [client.get("/api/v1/query_range", query=PACK[query]["promql"], **form).content for query in QUERIES]
                + [running.truth]
            )
    assert answers[0] == answers[1]


def test_another_seed_gives_another_fleet() -> None:
    with SimulatedFleet(OPTIONS) as one, SimulatedFleet(FleetOptions(clusters=3, seed=4, anchor=ANCHOR)) as other:
        at = ANCHOR.timestamp()
        values = [
            sorted(
                samples[at] for samples in api(each, "fra-01", "prometheus").range("ns_mem_bytes", at, at, 30).values()
            )
            for each in (one, other)
        ]
        assert values[0] != values[1]
        assert one.truth["faults"] != other.truth["faults"]


def test_history_goes_back_three_weeks_and_no_further(fleet: SimulatedFleet) -> None:
    end = fleet.anchor.timestamp()
    client = api(fleet, fleet.names[0], "prometheus")
    first = min(min(samples) for samples in client.range("node_ready", end - 30 * DAY, end, 300).values())
    assert end - 21 * DAY <= first < end - 21 * DAY + 300
    assert client.range("node_ready", end - 30 * DAY, end - 22 * DAY, 300) == {}


def test_nothing_is_known_of_the_future() -> None:
    now = datetime.now(UTC).timestamp()
    with SimulatedFleet(FleetOptions(clusters=1)) as running:
        assert 120 <= now - running.anchor.timestamp() < 3720
        found = api(running, "fra-01", "prometheus").range("node_ready", now - 3600, now + 3600, 30)
    assert now - 60 < max(max(samples) for samples in found.values()) <= datetime.now(UTC).timestamp()


def test_values_fit_their_kind(fleet: SimulatedFleet) -> None:
    end = fleet.anchor.timestamp()
    for cluster in fleet.names:
        client = api(fleet, cluster, "prometheus")
        for query in PACK.values():
            found = client.range(query["id"], end - DAY, end, 600)
            values = np.array([value for samples in found.values() for value in samples.values()])
            assert np.all(values >= 0), query["id"]
            if query["kind"] == "ratio":
                assert np.all(values <= 1), query["id"]
            if query["kind"] == "state":
                assert set(values) <= {0.0, 1.0}, query["id"]
            if query["kind"] == "count" and query["direction"] == "up" and len(values):
                assert np.mean(values == 0) > 0.9, query["id"]


def test_load_is_higher_by_day_than_by_night_and_on_weekdays(fleet: SimulatedFleet) -> None:
    end = fleet.anchor.timestamp() - 2 * DAY
    samples = matching(api(fleet, "dub-01", "prometheus").range("ns_cpu_cores", end - 14 * DAY, end, 300))[0]
    times = np.array(list(samples))
    values = np.array(list(samples.values()))
    hours = times / 3600 % 24
    weekday = (times // DAY + 3) % 7 < 5
    day, night = (hours > 11) & (hours < 15), (hours > 23) | (hours < 3)
    assert values[day & weekday].mean() > 1.3 * values[night & weekday].mean()
    assert values[day & weekday].mean() > 1.1 * values[day & ~weekday].mean()


def test_gaps_are_few_and_short(fleet: SimulatedFleet) -> None:
    client = api(fleet, "dub-01", "prometheus")
    missing, expected = [], 0
    for days_ago in (5, 8, 11):
        start = fleet.anchor.timestamp() - days_ago * DAY
        for samples in client.range("node_cpu_util", start, start + 3 * DAY, 30).values():
            lacking = np.diff(sorted(samples)) / 30 - 1
            missing += [int(count) for count in lacking if count]
            expected += 3 * 2880
    assert missing
    assert max(missing) <= 5
    assert sum(missing) < 0.001 * expected


def test_pods_that_are_replaced_end_and_their_successors_begin(fleet: SimulatedFleet) -> None:
    rollout = next(fault for fault in fleet.truth["faults"] if fault["kind"] == "bad-rollout")
    at = datetime.fromisoformat(rollout["start"]).timestamp()
    place = rollout["subject"]
    client = api(fleet, rollout["cluster"], "prometheus")
    found = client.range("container_cpu_cores", at - 1800, at + 1800, 30)
    mine = {
        dict(key)["pod"]: samples
        for key, samples in found.items()
        if dict(key)["namespace"] == place["namespace"] and dict(key)["container"] == place["name"]
    }
    old = [samples for samples in mine.values() if min(samples) < at]
    new = [samples for samples in mine.values() if min(samples) >= at]
    assert len(old) == len(new) >= 1
    assert all(max(samples) < at + 180 for samples in old)
    assert all(max(samples) > at + 1700 for samples in new)


@pytest.mark.parametrize("query", ["node_mem_util", "etcd_fsync_p99"])
def test_noise_is_no_more_than_noise(fleet: SimulatedFleet, query: str) -> None:
    end = fleet.anchor.timestamp()
    found = api(fleet, "fra-01", "prometheus").range(query, end - 20 * DAY, end - 2 * DAY, 300)
    for samples in found.values():
        values = within(samples, 0, end)
        assert values.std() > 0
        assert np.abs(values - np.median(values)).max() < 8 * values.std()


def test_files_can_be_read_by_their_owner_only(tmp_path: Path) -> None:
    with SimulatedFleet(FleetOptions(clusters=1, directory=tmp_path / "fleet")) as running:
        secrets = [
            *running.directory.glob("*.token"),
            *running.directory.glob("*.key"),
            running.directory / "kubeconfig",
        ]
        assert len(secrets) == 5
        assert all(path.stat().st_mode & 0o777 == 0o600 for path in secrets)
        token, ca = running.token("fra-01"), (running.directory / "ca.pem").read_bytes()
    with SimulatedFleet(FleetOptions(clusters=1, directory=tmp_path / "fleet")) as again:
        assert again.token("fra-01") == token
        assert (again.directory / "ca.pem").read_bytes() == ca
