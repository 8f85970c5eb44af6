"""The collector against whole simulated clusters, over HTTPS with their tokens, with the faults that were planted."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from pydantic import SecretStr

from fleet.collectors.kubernetes import KubernetesLimits, collect_inventory
from fleet.credentials import Credential
from fleet.errors import ServerFailed, SourceError, TlsFailed, Unauthorized
from fleet.inventory.change import ChangeKind
from fleet.inventory.differences import differences
from fleet.inventory.inventory import Inventory, Presence
from fleet.inventory.topology import Topology
from simulator.fleet import FleetOptions, SimulatedFleet
from simulator.options import BrokenMode
from tests.fleet.collectors.kubernetes.simulated import collected, registered

CLUSTERS = 6
SMALL_PAGES = KubernetesLimits(page_size=7)


@pytest.fixture(scope="module")
def fleet() -> Iterator[SimulatedFleet]:
    broken = {"sin-01": BrokenMode.SELF_SIGNED}
    with SimulatedFleet(FleetOptions(clusters=CLUSTERS, seed=7, broken=broken)) as running:
        yield running


@pytest.fixture(scope="module")
def inventories(fleet: SimulatedFleet) -> dict[str, Inventory]:
    return {name: collected(fleet, name, SMALL_PAGES) for name in fleet.names if name != "sin-01"}


def faults(fleet: SimulatedFleet, kind: str) -> list[dict[str, Any]]:
    found = [fault for fault in fleet.truth["faults"] if fault["kind"] == kind and fault["cluster"] != "sin-01"]
    assert found, f"the fleet has no {kind}: choose another seed"
    return found


def test_whole_clusters_are_read_without_a_gap(inventories: dict[str, Inventory]) -> None:
    for inventory in inventories.values():
        assert inventory.gaps == []
        assert inventory.version.startswith("v1.")
        assert inventory.platform in {"OpenShift", "Kubernetes"}
        assert all(
            node.ready is not None and node.cpu_cores > 0 and node.memory_bytes > 2**30 for node in inventory.nodes
        )
        assert {pod.namespace for pod in inventory.pods} <= set(inventory.namespaces)
        names = {(each.namespace, each.kind, each.name) for each in inventory.workloads}
        running = [pod for pod in inventory.pods if pod.workload_kind in {"Deployment", "StatefulSet", "DaemonSet"}]
        assert running
        assert {(pod.namespace, pod.workload_kind, pod.workload) for pod in running} <= names
        assert all(each.presence is not Presence.UNKNOWN for each in inventory.capabilities)
    assert {inventory.platform for inventory in inventories.values()} == {"OpenShift", "Kubernetes"}


def test_small_pages_give_what_one_page_gives(fleet: SimulatedFleet, inventories: dict[str, Inventory]) -> None:
    name = fleet.names[0]
    paged, whole = inventories[name], collected(fleet, name)
    assert paged.model_dump(exclude={"observed_at"}) == whole.model_dump(exclude={"observed_at"})
    assert differences(paged, whole) == []


def test_every_node_address_leads_to_its_node(inventories: dict[str, Inventory]) -> None:
    for inventory in inventories.values():
        topology = Topology.of(inventory)
        for node in inventory.nodes:
            members = {member.name for member in topology.members(f"{node.addresses[0]}:9100")}
            assert members == {pod.name for pod in inventory.pods if pod.node == node.name}


def test_a_bad_rollout_is_dated_by_its_replica_set(fleet: SimulatedFleet, inventories: dict[str, Inventory]) -> None:
    for fault in faults(fleet, "bad-rollout"):
        started = datetime.fromisoformat(fault["start"])
        subject = fault["cause"]["subject"]
        rollouts = [
            change
            for change in inventories[fault["cluster"]].changes
            if change.kind is ChangeKind.ROLLOUT
            and (change.subject.namespace, change.subject.name) == (subject["namespace"], subject["name"])
            and abs(change.at - started) < timedelta(minutes=5)
        ]
        assert len(rollouts) == 1
        assert rollouts[0].before
        assert rollouts[0].before != rollouts[0].after


def test_a_memory_leak_ends_in_an_oom_kill_of_its_workload(
    fleet: SimulatedFleet, inventories: dict[str, Inventory]
) -> None:
    for fault in faults(fleet, "memory-leak"):
        window = datetime.fromisoformat(fault["start"]), datetime.fromisoformat(fault["end"]) + timedelta(minutes=10)
        kills = [
            change.subject
            for change in inventories[fault["cluster"]].changes
            if change.kind is ChangeKind.OOM_KILL and window[0] <= change.at <= window[1]
        ]
        assert fault["cause"]["subject"]["name"] in {subject.workload for subject in kills}


def test_a_quiet_cluster_has_no_kills_evictions_or_conditions(
    fleet: SimulatedFleet, inventories: dict[str, Inventory]
) -> None:
    faulty = {fault["cluster"] for fault in fleet.truth["faults"]}
    quiet = [inventory for name, inventory in inventories.items() if name not in faulty]
    assert quiet
    loud = {ChangeKind.OOM_KILL, ChangeKind.EVICTION, ChangeKind.NODE_CONDITION}
    assert [change for inventory in quiet for change in inventory.changes if change.kind in loud] == []


def test_a_rotated_token_is_picked_up(fleet: SimulatedFleet) -> None:
    name = fleet.names[1]

    class Stale:
        """Hands out the token of before the rotation until it is asked to refresh."""

        token = fleet.token(name)

        def credential(self, *, refresh: bool = False) -> Credential:
            return Credential(token=SecretStr(fleet.token(name) if refresh else self.token))

    source = Stale()
    fleet.rotate_token(name)
    assert collect_inventory(registered(fleet, name), source)[0].gaps == []


@pytest.mark.parametrize(
    ("mode", "error"),
    [
        (BrokenMode.HTML, Unauthorized),
        (BrokenMode.UNAUTHORIZED, Unauthorized),
        (BrokenMode.UNAVAILABLE, ServerFailed),
    ],
)
def test_broken_clusters_fail_by_name(fleet: SimulatedFleet, mode: BrokenMode, error: type[SourceError]) -> None:
    name = fleet.names[2]
    fleet.set_broken(name, mode)
    try:
        with pytest.raises(error):
            collected(fleet, name, KubernetesLimits(attempts=1))
    finally:
        fleet.set_broken(name, None)


def test_a_certificate_of_nobody_is_not_trusted(fleet: SimulatedFleet) -> None:
    with pytest.raises(TlsFailed, match="not by an authority"):
        collected(fleet, "sin-01")
