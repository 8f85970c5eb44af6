"""What discovery tells of clusters of every kind, as a person at the terminal reads it, and what changed since."""

from collections.abc import Iterator
from datetime import UTC, datetime
from io import StringIO

import pytest
from rich.console import Console

from fleet.inventory.change import Change, ChangeKind
from fleet.inventory.cluster import Cluster
from fleet.inventory.differences import changes_since
from fleet.inventory.inventory import Capability, Gap, Inventory, Presence
from fleet.inventory.network_hardware import PtpProfile, SriovNode
from fleet.inventory.node import DeviceCapacity, Gpus, Node
from fleet.inventory.operators import GpuPolicy, Operator, StorageSystem
from fleet.inventory.platform import (
    ClusterOperator,
    DeprecatedApi,
    Infrastructure,
    MachineConfigPool,
    PerformanceProfile,
)
from fleet.inventory.subject import Subject, SubjectKind
from interfaces.cli.inventory_view import change_table, print_changes, print_inventory
from simulator.fleet import FleetOptions, SimulatedFleet
from tests.fleet.collectors.kubernetes.simulated import collected, patch, registered

HARDWARE = ("gpus", "sriov", "ptp", "hugepages", "dpdk")
OPENSHIFT, VANILLA, TELCO, MANAGED, ACCELERATED = range(5)
"""The simulator's kinds of clusters, in the order in which it names them."""


@pytest.fixture(scope="module")
def fleet() -> Iterator[SimulatedFleet]:
    with SimulatedFleet(FleetOptions(clusters=5, seed=7, faults=())) as running:
        yield running


def shown(fleet: SimulatedFleet, name: str, inventory: Inventory) -> dict[str, str]:
    """The lines under the heading by their label."""
    console = Console(file=StringIO(), width=4000)
    print_inventory(console, registered(fleet, name), inventory)
    text = console.file.getvalue()  # type: ignore[attr-defined]
    heading, *lines = text.splitlines()
    rows = {"": heading}
    for line in lines:
        label, _, words = line.strip().partition("  ")
        rows[label] = rows.get(label, "") + words.strip()
    return rows


def test_a_telco_cluster_shows_its_hardware_and_operators(fleet: SimulatedFleet) -> None:
    name = fleet.names[TELCO]
    inventory = collected(fleet, name)
    assert inventory.gaps == []
    assert {inventory.presence(each) for each in HARDWARE} == {Presence.PRESENT}
    rows = shown(fleet, name, inventory)
    assert rows[""].startswith(f"{name}: OpenShift 4.")
    assert f"{len(inventory.nodes)} nodes" in rows[""]
    assert "BareMetal" in rows["platform"]
    assert "control plane" in rows["nodes"]
    assert "× NVIDIA-" in rows["GPUs"]
    assert "openshift.io/" in rows["SR-IOV"]
    assert "virtual functions on" in rows["SR-IOV"]
    assert "boundary clock" in rows["PTP"]
    assert "1Gi pages" in rows["hugepages"]
    assert "isolates CPUs" in rows["DPDK"]
    for operator in ("gpu-operator", "sriov-network-operator", "ptp-operator", "nfd"):
        assert operator in rows["operators"]
    assert "prometheus https://" in rows["endpoints"]


@pytest.mark.parametrize("kind", [VANILLA, MANAGED])
def test_a_plain_cluster_shows_them_as_absent(fleet: SimulatedFleet, kind: int) -> None:
    name = fleet.names[kind]
    inventory = collected(fleet, name)
    assert {inventory.presence(each) for each in [*HARDWARE, "olm"]} == {Presence.ABSENT}
    rows = shown(fleet, name, inventory)
    assert rows[""].startswith(f"{name}: Kubernetes v1.")
    for label in ("GPUs", "SR-IOV", "PTP", "hugepages", "DPDK", "operators"):
        assert rows[label].startswith("absent")
    assert "unknown" not in rows


def test_an_accelerated_cluster_shows_devices_that_fail_and_slices(fleet: SimulatedFleet) -> None:
    name = fleet.names[ACCELERATED]
    inventory = collected(fleet, name)
    rows = shown(fleet, name, inventory)
    assert "MIG instances" in rows["GPUs"]
    assert "nvidia.com/gpu" in rows["GPUs"]
    lame = [node for node in inventory.nodes if any(device.unhealthy for device in node.devices.values())]
    assert lame
    assert all(f"{node.name} offers" in rows["GPUs"] for node in lame)


def test_a_storage_cluster_shows_its_platform(fleet: SimulatedFleet) -> None:
    name = fleet.names[OPENSHIFT]
    rows = shown(fleet, name, collected(fleet, name))
    assert "HEALTH_OK" in rows["storage"]
    assert rows["cluster operators"].endswith("all well")
    assert "gone in 1.32" in rows["old APIs in use"]
    assert "master (" in rows["machine config"]


def test_rights_that_were_taken_away_are_unknown_and_named(fleet: SimulatedFleet) -> None:
    name = fleet.names[TELCO]
    rights = (
        "list nodes",
        "list sriovnetworknodestates.sriovnetwork.openshift.io",
        "list ptpconfigs.ptp.openshift.io",
        "list clusterserviceversions.operators.coreos.com",
        "list subscriptions.operators.coreos.com",
    )
    fleet.deny(name, *rights)
    try:
        inventory = collected(fleet, name)
    finally:
        fleet.allow(name)
    rows = shown(fleet, name, inventory)
    for label, right in {"GPUs": 0, "hugepages": 0, "SR-IOV": 1, "PTP": 2, "operators": 4}.items():
        assert rows[label] == f"unknown: missing right: {rights[right]} in the whole cluster"
    for right in rights:
        assert f"missing right: {right} in the whole cluster" in rows["unknown"]
    # And nothing of it came or went: it was only not seen.
    later = collected(fleet, name)
    assert changes_since(inventory, later) == []
    assert changes_since(later, inventory) == []


def test_rights_that_were_taken_away_leave_what_is_absent_absent(fleet: SimulatedFleet) -> None:
    name = fleet.names[VANILLA]
    fleet.deny(name, "list ptpconfigs.ptp.openshift.io", "list clusterpolicies.nvidia.com")
    try:
        inventory = collected(fleet, name)
    finally:
        fleet.allow(name)
    assert inventory.gaps == []
    assert inventory.presence("ptp") is Presence.ABSENT


def test_a_change_between_two_looks_is_told(fleet: SimulatedFleet) -> None:
    name = fleet.names[TELCO]
    before = collected(fleet, name)
    worker = next(node for node in before.nodes if "worker" in node.roles)
    patch(
        fleet,
        name,
        f"/api/v1/nodes/{worker.name}",
        {"metadata": {"labels": {"rack": "r7"}}, "spec": {"unschedulable": True}},
    )
    home = "/apis/sriovnetwork.openshift.io/v1/namespaces/openshift-sriov-network-operator"
    state = f"{home}/sriovnetworknodestates/{worker.name}"
    patch(fleet, name, f"{state}/status", {"status": {"syncStatus": "Failed", "lastSyncError": "no such device"}})
    deployment = next(each for each in before.workloads if each.kind == "Deployment")
    patch(
        fleet,
        name,
        f"/apis/apps/v1/namespaces/{deployment.namespace}/deployments/{deployment.name}",
        {"spec": {"template": {"metadata": {"annotations": {"checksum/config": "f00d"}}}}},
    )
    after = collected(fleet, name)
    found = {change.kind: change for change in changes_since(before, after)}
    assert set(found) >= {
        ChangeKind.NODE_LABELS,
        ChangeKind.NODE_CORDON,
        ChangeKind.COMPONENT_HEALTH,
        ChangeKind.ROLLOUT,
    }
    assert found[ChangeKind.NODE_LABELS].after == "rack=r7"
    assert all(change.at > before.observed_at for change in found.values())
    console = Console(file=StringIO(), width=200)
    print_changes(console, changes_since(before, after), before.observed_at)
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert f"changed since {before.observed_at:%Y-%m-%d %H:%M}Z" in text
    assert f"Node {worker.name} was relabelled: +rack=r7" in text
    assert f"Node {worker.name} was closed to new pods (cordoned)" in text
    assert "(no such device)" in text
    assert f"{deployment.namespace}/{deployment.name} has another configuration" in text


def test_text_of_a_cluster_never_becomes_markup() -> None:
    evil = "[bold red]x[/]\x1b[2J\n[/nonsense]"
    inventory = Inventory(
        cluster_id="c1",
        observed_at=datetime(2026, 3, 1, tzinfo=UTC),
        version=evil,
        platform="OpenShift",
        platform_version=evil,
        platform_target=evil,
        infrastructure=Infrastructure(provider=evil, control_plane_topology=evil),
        nodes=[Node(name=evil, roles=[evil], gpus=Gpus(product=evil, driver=evil, instances={evil: DeviceCapacity()}))],
        cluster_operators=[ClusterOperator(name=evil, message=evil)],
        machine_config_pools=[MachineConfigPool(name=evil)],
        deprecated_apis=[DeprecatedApi(resource=evil, removed_in=evil)],
        operators=[Operator(name=evil, phase=evil, pending=evil, csv=evil)],
        gpu_policies=[GpuPolicy(name=evil, state=evil)],
        sriov_nodes=[SriovNode(node=evil, sync_status=evil, sync_error=evil)],
        ptp_profiles=[PtpProfile(config=evil, name=evil, nodes=[evil])],
        performance_profiles=[PerformanceProfile(name=evil, isolated_cpus=evil)],
        storage_systems=[StorageSystem(kind=evil, namespace=evil, name=evil, health=evil)],
        capabilities=[
            Capability(name=name, presence=presence, reason=evil)
            for name, presence in zip(
                [*HARDWARE, "olm", "nfd"], [*[Presence.PRESENT] * 6, Presence.UNKNOWN], strict=True
            )
        ],
        gaps=[Gap(part=evil, reason=evil)],
    )
    console = Console(file=StringIO(), width=4000, force_terminal=True, color_system=None)
    print_inventory(console, Cluster(name="east"), inventory)
    subject = Subject(cluster_id="c1", kind=SubjectKind.CLUSTER)
    change = Change(
        cluster_id="c1", kind=ChangeKind.VERSION, subject=subject, at=inventory.observed_at, summary=evil, source=evil
    )
    print_changes(console, [change], inventory.observed_at)
    console.print(change_table([change]))
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert "\x1b[2J" not in text
    assert text.count("[bold red]x[/] [2J [/nonsense]") > 20
