"""Each planted fault shows where its label says, beyond the noise, and in the Kubernetes API."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from simulator.fleet import FleetOptions, SimulatedFleet
from simulator.options import FaultKind
from tests.simulator.conftest import ANCHOR, Api, api, matching, unix, within

HOUR = 3600


@pytest.fixture(scope="module", params=[1, 2])
def faulty(request: pytest.FixtureRequest) -> Iterator[SimulatedFleet]:
    with SimulatedFleet(FleetOptions(clusters=3, seed=request.param, anchor=ANCHOR)) as running:
        yield running


class Planted:
    """A labelled fault and the APIs of its cluster."""

    def __init__(self, fleet: SimulatedFleet, kind: FaultKind) -> None:
        self.truth: dict[str, Any] = next(fault for fault in fleet.truth["faults"] if fault["kind"] == kind)
        self.subject: dict[str, str] = self.truth["subject"]
        self.prometheus: Api = api(fleet, self.truth["cluster"], "prometheus")
        self.kubernetes: Api = api(fleet, self.truth["cluster"], "kubernetes")
        self.start = unix(self.truth["start"])
        self.anchor = fleet.anchor.timestamp()
        self.end = unix(self.truth["end"]) if self.truth["end"] else self.anchor

    def series(self, query: str) -> dict[Any, dict[float, float]]:
        return self.prometheus.range(query, self.start - 2 * HOUR, min(self.end + HOUR, self.anchor), 30)

    def rise(self, query: str, **labels: str) -> float:
        """How far the middle of the fault lies above the hours before, in their own spreads; the best series."""
        rises = [0.0]
        for samples in matching(self.series(query), **labels):
            before = within(samples, self.start - 2 * HOUR, self.start)
            during = within(samples, self.start + 0.5 * (self.end - self.start), self.end)
            if len(before) > 60 and len(during):
                rises.append(float((np.median(during) - np.median(before)) / (before.std() + 1e-9)))
        return max(rises)

    def events(self, **selectors: str) -> list[dict[str, Any]]:
        selector = ",".join(f"{name.replace('__', '.')}={value}" for name, value in selectors.items())
        return self.kubernetes.get("/api/v1/events", fieldSelector=selector).json()["items"]


def test_faults_lie_in_the_day_before_the_anchor_at_separate_times_and_places(faulty: SimulatedFleet) -> None:
    truth = faulty.truth
    anchor = unix(truth["anchor"])
    assert {fault["kind"] for fault in truth["faults"]} == set(FaultKind)
    assert len({fault["cluster"] for fault in truth["faults"]}) == 2
    assert any(fault["end"] is None for fault in truth["faults"])
    assert any(fault["end"] is not None for fault in truth["faults"])
    for cluster in {fault["cluster"] for fault in truth["faults"]}:
        mine = [fault for fault in truth["faults"] if fault["cluster"] == cluster]
        stretches = [(unix(each["start"]), unix(each["end"]) if each["end"] else anchor) for each in mine]
        assert all(anchor - 22 * HOUR <= start < end <= anchor for start, end in stretches)
        gaps = [later[0] - earlier[1] for earlier, later in pairwise(stretches)]
        assert all(gap >= 20 * 60 for gap in gaps)
        assert len({str(each["subject"]) for each in mine}) == len(mine)


def test_memory_leak_climbs_to_the_limit_and_ends_in_a_kill(faulty: SimulatedFleet) -> None:
    leak = Planted(faulty, FaultKind.MEMORY_LEAK)
    place = {"namespace": leak.subject["namespace"], "container": leak.subject["name"]}
    shares = matching(leak.series("container_mem_vs_limit"), **place)
    worst = max(shares, key=lambda samples: max(samples.values()))
    assert max(worst.values()) > 0.97
    assert np.median(within(worst, leak.start - 2 * HOUR, leak.start)) < 0.75
    killed_at = max(worst, key=lambda at: worst[at])
    assert not set(range(int(killed_at) + 30, int(killed_at) + 90, 30)) & set(worst)
    assert min(within(worst, killed_at + 60, killed_at + 900)) < 0.75
    assert max(max(samples.values()) for samples in matching(leak.series("container_oom_kills"), **place)) > 1
    assert max(max(samples.values()) for samples in matching(leak.series("container_restarts"), **place)) > 1
    pods = leak.kubernetes.get(
        f"/api/v1/namespaces/{leak.subject['namespace']}/pods", labelSelector=f"app={leak.subject['name']}"
    ).json()["items"]
    ends = [pod["status"]["containerStatuses"][0]["lastState"].get("terminated", {}) for pod in pods]
    oom = [end for end in ends if end.get("reason") == "OOMKilled"]
    assert len(oom) == 1
    assert oom[0]["exitCode"] == 137
    assert abs(unix(oom[0]["finishedAt"]) - killed_at) <= 60
    killings = leak.events(reason="OOMKilling", type="Warning")
    assert any(abs(unix(event["firstTimestamp"]) - killed_at) <= 60 for event in killings)


def test_noisy_neighbour_takes_the_node_and_hurts_those_beside_it(faulty: SimulatedFleet) -> None:
    noisy = Planted(faulty, FaultKind.NOISY_NEIGHBOUR)
    place = {"namespace": noisy.subject["namespace"], "container": noisy.subject["name"]}
    pods = noisy.kubernetes.get("/api/v1/pods", labelSelector=f"app={noisy.subject['name']}").json()["items"]
    node = pods[0]["spec"]["nodeName"]
    address = pods[0]["status"]["hostIP"]
    assert noisy.rise("container_cpu_cores", **place) > 20
    busy = noisy.series("node_cpu_util")
    mine = [samples for key, samples in busy.items() if dict(key)["instance"] in {node, f"{address}:9100"}]
    assert np.median(within(mine[0], noisy.start + 600, noisy.end)) > 0.9
    others = [samples for key, samples in busy.items() if dict(key)["instance"] not in {node, f"{address}:9100"}]
    assert all(max(within(samples, noisy.start, noisy.end)) < 0.8 for samples in others)
    assert noisy.rise("container_throttle_ratio") > 20
    assert noisy.rise("route_latency_seconds") > 10
    elsewhere = noisy.kubernetes.get("/api/v1/pods", fieldSelector=f"spec.nodeName!={node}").json()["items"]
    names = {pod["metadata"]["name"] for pod in elsewhere}
    throttled = [
        samples for key, samples in noisy.series("container_throttle_ratio").items() if dict(key)["pod"] in names
    ]
    assert throttled
    assert all(max(within(samples, noisy.start, noisy.end), default=0) < 0.2 for samples in throttled)


def test_bad_rollout_is_a_new_replica_set_after_which_its_route_suffers(faulty: SimulatedFleet) -> None:
    bad = Planted(faulty, FaultKind.BAD_ROLLOUT)
    namespace, name = bad.subject["namespace"], bad.subject["name"]
    assert bad.rise("ingress_5xx_ratio", route=name) > 20
    assert bad.rise("route_latency_seconds", route=name) > 10
    others = [
        max(within(samples, bad.start + 600, bad.end), default=0)
        for key, samples in bad.series("ingress_5xx_ratio").items()
        if dict(key)["route"] != name
    ]
    assert max(others) < 0.05
    sets = bad.kubernetes.get(f"/apis/apps/v1/namespaces/{namespace}/replicasets", labelSelector=f"app={name}").json()[
        "items"
    ]
    new = [each for each in sets if unix(each["metadata"]["creationTimestamp"]) == bad.start]
    assert len(new) == 1
    images = {each["spec"]["template"]["spec"]["containers"][0]["image"] for each in sets}
    assert len(images) == len(sets) >= 2
    deployment = bad.kubernetes.get(f"/apis/apps/v1/namespaces/{namespace}/deployments/{name}").json()
    revision = "deployment.kubernetes.io/revision"
    ruling = max(sets, key=lambda each: int(each["metadata"]["annotations"][revision]))
    assert deployment["metadata"]["annotations"][revision] == ruling["metadata"]["annotations"][revision]
    assert (ruling is new[0]) == (bad.truth["end"] is None)
    assert ruling["status"]["replicas"] == deployment["spec"]["replicas"]
    events = bad.events(reason="ScalingReplicaSet", involvedObject__name=name)
    assert any(unix(event["firstTimestamp"]) == bad.start for event in events)


def test_filling_disk_ends_in_disk_pressure(faulty: SimulatedFleet) -> None:
    disk = Planted(faulty, FaultKind.DISK_FILLING)
    node, device = disk.subject["name"], disk.subject["part"]
    address = disk.kubernetes.get(f"/api/v1/nodes/{node}").json()["status"]["addresses"][0]["address"]
    found = disk.series("fs_used_ratio")
    mine = [
        samples
        for key, samples in found.items()
        if dict(key)["device"] == device and dict(key)["instance"] in {node, f"{address}:9100"}
    ]
    assert len(mine) == 1
    assert np.median(within(mine[0], disk.start - HOUR, disk.start)) < 0.7
    assert max(mine[0].values()) > 0.95
    assert sum(max(samples.values()) > 0.8 for samples in found.values()) == 1
    pressure = matching(disk.series("node_pressure"), node=node, condition="DiskPressure")[0]
    assert set(pressure.values()) == {0.0, 1.0}
    assert disk.events(reason="NodeHasDiskPressure", involvedObject__name=node)
    [reclaiming] = disk.events(reason="EvictionThresholdMet", involvedObject__name=node)
    assert reclaiming["series"]["count"] > 1
    assert (reclaiming["firstTimestamp"], "count" in reclaiming) == (None, False)
    conditions = disk.kubernetes.get(f"/api/v1/nodes/{node}").json()["status"]["conditions"]
    now = next(each["status"] for each in conditions if each["type"] == "DiskPressure")
    assert now == ("True" if disk.truth["end"] is None else "False")


def test_dead_exporter_leaves_a_gap_in_all_of_its_series(faulty: SimulatedFleet) -> None:
    dead = Planted(faulty, FaultKind.EXPORTER_DOWN)
    assert "targets_up_ratio" in dead.truth["queries"]
    for query in dead.truth["queries"]:
        if query == "targets_up_ratio":
            continue
        for key, samples in dead.series(query).items():
            lost = dict(key)["instance"] == dead.subject["part"]
            assert (len(within(samples, dead.start, dead.end)) == 0) == lost, query
            assert len(within(samples, dead.start - HOUR, dead.start)) > 100
    up = matching(dead.series("targets_up_ratio"), job="node-exporter")[0]
    assert max(within(up, dead.start, dead.end)) < 0.9
    assert min(within(up, dead.start - HOUR, dead.start)) == 1
    node = dead.kubernetes.get(f"/api/v1/nodes/{dead.subject['node']}").json()
    assert any(each["type"] == "Ready" and each["status"] == "True" for each in node["status"]["conditions"])


def test_no_faults_means_quiet_series(fleet: SimulatedFleet) -> None:
    with SimulatedFleet(FleetOptions(clusters=2, faults=())) as quiet:
        assert quiet.truth["faults"] == []
        end = quiet.anchor.timestamp()
        for name in quiet.names:
            client = api(quiet, name, "prometheus")
            assert client.range("firing_alerts", end - 24 * HOUR, end, 60) == {}
            for query, limit in (
                ("node_cpu_util", 0.85),
                ("fs_used_ratio", 0.8),
                ("container_mem_vs_limit", 0.85),
                ("ingress_5xx_ratio", 0.05),
            ):
                for samples in client.range(query, end - 24 * HOUR, end, 60).values():
                    assert max(samples.values()) < limit
            for samples in client.range("container_oom_kills", end - 24 * HOUR, end, 60).values():
                assert set(samples.values()) == {0.0}


def test_named_faults_are_planted_once_each() -> None:
    kinds = (FaultKind.DISK_FILLING, FaultKind.BAD_ROLLOUT)
    fleet = SimulatedFleet(FleetOptions(clusters=5, faults=kinds))
    assert sorted(fault["kind"] for fault in fleet.truth["faults"]) == sorted(kinds)


def test_all_five_kinds_fit_into_one_cluster() -> None:
    for seed in range(8):
        fleet = SimulatedFleet(FleetOptions(clusters=1, seed=seed, workloads=9, nodes=3))
        faults = fleet.truth["faults"]
        assert {fault["kind"] for fault in faults} == set(FaultKind)
        assert all(fault["queries"] for fault in faults)


def test_harmless_events_are_beside_the_faults(faulty: SimulatedFleet) -> None:
    places = {(fault["cluster"], fault["subject"]["name"]) for fault in faulty.truth["faults"]}
    for cluster in faulty.names:
        found = api(faulty, cluster, "kubernetes").get(
            "/api/v1/events", fieldSelector="reason=ScalingReplicaSet,involvedObject.kind=Deployment"
        )
        innocent = [
            event for event in found.json()["items"] if (cluster, event["involvedObject"]["name"]) not in places
        ]
        assert innocent, cluster


def test_fault_goes_on_after_the_anchor() -> None:
    anchor = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=5)
    with SimulatedFleet(FleetOptions(clusters=1, faults=(FaultKind.EXPORTER_DOWN,), anchor=anchor)) as running:
        dead = Planted(running, FaultKind.EXPORTER_DOWN)
        assert dead.truth["end"] is None
        later = anchor.timestamp() + 4 * HOUR
        found = dead.prometheus.range("node_cpu_util", later, later + 600, 30)
        assert found
        assert not matching(found, instance=dead.subject["part"])
