"""Each kind of change between two looks: when, on what, from what to what, and by whom it is told."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from fleet.inventory.change import Change, ChangeKind
from fleet.inventory.differences import changes_since, differences, missed_parts
from fleet.inventory.inventory import Capability, Gap, Inventory, Presence, Workload
from fleet.inventory.network_hardware import ClockRole, PtpDevice, PtpProfile, SriovInterface, SriovNode
from fleet.inventory.node import DeviceCapacity, Gpus, Node, Taint
from fleet.inventory.operators import GpuPolicy, Operator, StorageSystem
from fleet.inventory.platform import ClusterOperator, MachineConfigPool, PerformanceProfile, VersionStep
from fleet.inventory.subject import Subject, SubjectKind

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
BETWEEN, LATER = NOON + timedelta(minutes=20), NOON + timedelta(hours=1)


def look(at: datetime = NOON, **parts: Any) -> Inventory:
    return Inventory(cluster_id="c1", observed_at=at, **parts)


def changed(before: dict[str, Any], after: dict[str, Any]) -> list[Change]:
    return differences(look(**before), look(LATER, **after))


def on_node(**facts: Any) -> dict[str, Any]:
    return {"nodes": [Node(name="w1", **facts)]}


def devices(capacity: int, allocatable: int) -> dict[str, DeviceCapacity]:
    return {"nvidia.com/gpu": DeviceCapacity(capacity=capacity, allocatable=allocatable)}


def interface(vfs: int, **facts: Any) -> dict[str, Any]:
    return {
        "sriov_nodes": [
            SriovNode(
                node="w1",
                sync_status=facts.pop("sync", "Succeeded"),
                interfaces=[SriovInterface(name="eno1", pci_address="0000:03:00.0", vfs=vfs, **facts)],
            )
        ]
    }


def profile(nodes: list[str], digest: str = "d1") -> dict[str, Any]:
    role = ClockRole.ORDINARY
    return {"ptp_profiles": [PtpProfile(config="c", name="slave", role=role, nodes=nodes, digest=digest)]}


def operator(**facts: Any) -> dict[str, Any]:
    return {"operators": [Operator(name="ptp", namespace="ns", **facts)]}


CASES: dict[str, tuple[dict[str, Any], dict[str, Any], tuple[ChangeKind, str, str, str]]] = {
    "OpenShift": (
        {"platform": "OpenShift", "platform_version": "4.16.9"},
        {"platform": "OpenShift", "platform_version": "4.16.11"},
        (ChangeKind.VERSION, "cluster", "4.16.9", "4.16.11"),
    ),
    "relabelled": (
        on_node(labels={"zone": "a", "same": "x"}),
        on_node(labels={"zone": "b", "same": "x"}, taints=[Taint(key="du", effect="NoSchedule")]),
        (ChangeKind.NODE_LABELS, "node/w1", "zone=a", "taint du:NoSchedule, zone=b"),
    ),
    "cordoned": (
        on_node(),
        on_node(unschedulable=True),
        (ChangeKind.NODE_CORDON, "node/w1", "schedulable", "cordoned"),
    ),
    "a device lost": (
        on_node(devices=devices(8, 8)),
        on_node(devices=devices(8, 7)),
        (ChangeKind.CAPACITY, "node/w1", "nvidia.com/gpu 8 of 8", "nvidia.com/gpu 7 of 8"),
    ),
    "hugepages": (
        on_node(),
        on_node(hugepages_bytes={"1Gi": 16 * 2**30}),
        (ChangeKind.CAPACITY, "node/w1", "hugepages of 1Gi 0 GiB", "hugepages of 1Gi 16 GiB"),
    ),
    "memory": (
        on_node(memory_bytes=64 * 2**30),
        on_node(memory_bytes=128 * 2**30),
        (ChangeKind.CAPACITY, "node/w1", "memory 64 GiB", "memory 128 GiB"),
    ),
    "kernel": (
        on_node(kernel_version="5.14.0-1"),
        on_node(kernel_version="5.14.0-2"),
        (ChangeKind.DRIVER, "node/w1", "5.14.0-1", "5.14.0-2"),
    ),
    "GPU driver": (
        on_node(gpus=Gpus(driver="550.90")),
        on_node(gpus=Gpus(driver="570.86")),
        (ChangeKind.DRIVER, "node/w1", "550.90", "570.86"),
    ),
    "MIG": (
        on_node(gpus=Gpus(mig_config="all-disabled")),
        on_node(gpus=Gpus(mig_config="all-3g.71gb")),
        (ChangeKind.GPU_CONFIG, "node/w1", "all-disabled", "all-3g.71gb"),
    ),
    "machine config of a node": (
        on_node(machine_config="rendered-a"),
        on_node(machine_config="rendered-b"),
        (ChangeKind.MACHINE_CONFIG, "node/w1", "rendered-a", "rendered-b"),
    ),
    "machine config of a pool": (
        {"machine_config_pools": [MachineConfigPool(name="worker", rendered="rendered-a")]},
        {"machine_config_pools": [MachineConfigPool(name="worker", rendered="rendered-b")]},
        (ChangeKind.MACHINE_CONFIG, "component/worker/MachineConfigPool", "rendered-a", "rendered-b"),
    ),
    "an update that begins": (
        {"machine_config_pools": [MachineConfigPool(name="worker", rendered="rendered-a")]},
        {"machine_config_pools": [MachineConfigPool(name="worker", rendered="rendered-a", target="rendered-b")]},
        (ChangeKind.MACHINE_CONFIG, "component/worker/MachineConfigPool", "rendered-a", "rendered-b"),
    ),
    "a degraded pool": (
        {"machine_config_pools": [MachineConfigPool(name="worker", degraded=False)]},
        {"machine_config_pools": [MachineConfigPool(name="worker", degraded=True)]},
        (ChangeKind.COMPONENT_HEALTH, "component/worker/MachineConfigPool", "well", "degraded"),
    ),
    "performance profile": (
        {"performance_profiles": [PerformanceProfile(name="du", isolated_cpus="2-31")]},
        {},
        (
            ChangeKind.PERFORMANCE_PROFILE,
            "component/du/PerformanceProfile",
            "isolated 2-31, reserved none, hugepages none, ordinary kernel",
            "",
        ),
    ),
    "an operator came": (
        {},
        operator(version="4.16.1"),
        (ChangeKind.OPERATOR, "component/ns/ptp/operator", "", "4.16.1"),
    ),
    "an operator's phase": (
        operator(phase="Succeeded"),
        operator(phase="Failed"),
        (ChangeKind.OPERATOR, "component/ns/ptp/operator", "Succeeded", "Failed"),
    ),
    "an upgrade that waits": (
        operator(),
        operator(pending="ptp.v2"),
        (ChangeKind.OPERATOR, "component/ns/ptp/operator", "", "ptp.v2"),
    ),
    "GPU policy": (
        {"gpu_policies": [GpuPolicy(name="p", state="ready")]},
        {"gpu_policies": [GpuPolicy(name="p", state="notReady")]},
        (ChangeKind.COMPONENT_HEALTH, "component/p/ClusterPolicy", "ready", "notReady"),
    ),
    "Ceph": (
        {"storage_systems": [StorageSystem(kind="CephCluster", namespace="s", name="c", health="HEALTH_OK")]},
        {"storage_systems": [StorageSystem(kind="CephCluster", namespace="s", name="c", health="HEALTH_ERR")]},
        (ChangeKind.COMPONENT_HEALTH, "component/s/c/CephCluster", "HEALTH_OK", "HEALTH_ERR"),
    ),
    "virtual functions": (
        interface(4),
        interface(8),
        (ChangeKind.SRIOV_CONFIG, "device/w1/eno1", "4 virtual functions", "8 virtual functions"),
    ),
    "a network driver": (
        interface(4, driver="i40e"),
        interface(4, driver="ice"),
        (ChangeKind.DRIVER, "device/w1/eno1", "i40e", "ice"),
    ),
    "SR-IOV fails": (
        interface(4),
        interface(4, sync="Failed"),
        (ChangeKind.COMPONENT_HEALTH, "node/w1", "Succeeded", "Failed"),
    ),
    "PTP nodes": (
        profile(["w1"]),
        profile(["w1", "w2"]),
        (ChangeKind.PTP_CONFIG, "component/c/slave/PtpConfig", "ordinary clock on w1", "ordinary clock on w1, w2"),
    ),
    "PTP settings": (
        profile(["w1"]),
        profile(["w1"], "d2"),
        (ChangeKind.PTP_CONFIG, "component/c/slave/PtpConfig", "ordinary clock on w1", "ordinary clock on w1"),
    ),
    "firmware": (
        {"ptp_devices": [PtpDevice(node="w1", name="ens1f0", firmware="4.20")]},
        {"ptp_devices": [PtpDevice(node="w1", name="ens1f0", firmware="4.40")]},
        (ChangeKind.DRIVER, "device/w1/ens1f0", "4.20", "4.40"),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_change_has_a_kind_a_subject_and_two_times(case: str) -> None:
    before, after, expected = CASES[case]
    [change] = changed(before, after)
    assert (change.kind, change.subject.identity, change.before, change.after) == expected
    # Nobody dates it: it was between the looks.
    assert (change.not_before, change.at) == (NOON, LATER)
    assert change.source == "difference of two inventories"
    assert change.summary
    assert differences(look(**before), look(LATER, **before)) == []


def test_what_dates_itself_has_its_own_time_and_source() -> None:
    def operators(*, degraded: bool, since: datetime) -> dict[str, Any]:
        return {"cluster_operators": [ClusterOperator(name="dns", available=True, degraded=degraded, since=since)]}

    cordon = Taint(key="node.kubernetes.io/unschedulable", effect="NoSchedule", added_at=BETWEEN)
    told = [
        *changed(operators(degraded=False, since=NOON), operators(degraded=True, since=BETWEEN)),
        *changed(on_node(), on_node(unschedulable=True, taints=[cordon])),
        *changed({}, on_node(created_at=BETWEEN)),
        *changed(operator(csv="ptp.v1", phase="Succeeded"), operator(csv="ptp.v1", phase="Failed", since=BETWEEN)),
    ]
    assert [(change.at, change.not_before, change.source) for change in told] == [
        (BETWEEN, None, "ClusterOperator dns conditions"),
        (BETWEEN, None, "Node w1 taint node.kubernetes.io/unschedulable"),
        (BETWEEN, None, "Node w1 creation"),
        (BETWEEN, None, "ClusterServiceVersion ns/ptp.v1"),
    ]
    # A time from before the first look tells of something else.
    [old] = changed(operators(degraded=True, since=NOON), operators(degraded=False, since=NOON - timedelta(days=1)))
    assert (old.at, old.not_before, old.before, old.after) == (LATER, NOON, "degraded", "well")


def test_an_operator_that_says_nothing_neither_fell_ill_nor_recovered() -> None:
    def with_degraded(degraded: bool | None) -> dict[str, Any]:
        return {"cluster_operators": [ClusterOperator(name="dns", available=True, degraded=degraded)]}

    assert changed(with_degraded(True), with_degraded(None)) == []
    assert changed(with_degraded(None), with_degraded(False)) == []


@pytest.mark.parametrize(
    ("case", "part"),
    [
        ("an operator came", "subscriptions"),
        ("an operator came", "clusterserviceversions"),
        ("performance profile", "performanceprofiles"),
        ("PTP nodes", "ptpconfigs"),
    ],
)
def test_what_one_look_did_not_see_neither_came_nor_went(case: str, part: str) -> None:
    full = CASES[case][0] or CASES[case][1]
    for unread in (part, "capabilities"):
        blind = {"gaps": [Gap(part=unread, reason="missing right")]}
        assert changed(full, blind) == []
        assert changed(blind, full) == []
    assert changed(full, {"gaps": [Gap(part="events", reason="missing right")]})


def test_a_version_without_its_subscription_is_no_other_operator() -> None:
    whole = {"operators": [Operator(name="tempo-product", namespace="ns", csv="tempo-operator.v0.13", version="0.13")]}
    half: dict[str, Any] = {
        "operators": [Operator(name="tempo-operator", namespace="ns", csv="tempo-operator.v0.13", version="0.13")],
        "gaps": [Gap(part="subscriptions", reason="missing right")],
    }
    assert changed(whole, half) == changed(half, whole) == []
    # Nor after it: then it is compared with the last look that saw both.
    blind, newest = look(BETWEEN, **half), look(LATER, **whole)
    assert differences(blind, newest, older=dict.fromkeys(missed_parts(blind, newest), look(**whole))) == []


def blind_to(*parts: str, **seen: Any) -> Inventory:
    """A look between the two, of which some parts are missing."""
    return look(BETWEEN, gaps=[Gap(part=part, reason="time-out") for part in parts], **seen)


@pytest.mark.parametrize(
    ("case", "parts"),
    [
        ("kernel", ["nodes"]),
        ("an operator came", ["subscriptions"]),
        ("an operator's phase", ["clusterserviceversions"]),
        ("performance profile", ["capabilities"]),
        ("PTP nodes", ["ptpconfigs"]),
        ("OpenShift", ["clusterversions"]),
    ],
)
def test_a_look_that_could_not_see_loses_no_change(case: str, parts: list[str]) -> None:
    before, after, (kind, subject, was, now) = CASES[case]
    older, blind, newest = look(**before), blind_to(*parts), look(LATER, **after)
    assert missed_parts(blind, newest)
    assert differences(older, blind) == differences(blind, newest) == []
    [told] = differences(blind, newest, older=dict.fromkeys(missed_parts(blind, newest), older))
    assert (told.kind, told.subject.identity, told.before, told.after) == (kind, subject, was, now)
    # It was at some time since the part was seen last.
    assert (told.not_before, told.at) == (NOON, LATER)
    # What is not seen now either waits until it is.
    assert not missed_parts(blind, blind_to(*parts))


def test_nodes_that_left_while_nobody_saw_are_told_and_what_was_seen_is_not_told_again() -> None:
    older = look(
        nodes=[Node(name="a"), Node(name="b")],
        workloads=[Workload(namespace="s", kind="Deployment", name="x", images=["x:1"])],
    )
    seen = {"workloads": [Workload(namespace="s", kind="Deployment", name="x", images=["x:2"])]}
    blind, newest = blind_to("nodes", **seen), look(LATER, nodes=[Node(name="a"), Node(name="c")], **seen)
    assert missed_parts(blind, newest) == {"nodes"}
    assert sorted(change.summary for change in differences(blind, newest, older={"nodes": older})) == [
        "Node b left",
        "Node c joined",
    ]
    # Of what was seen in part, that part was compared.
    assert missed_parts(blind_to("nodes", nodes=[Node(name="a")]), newest) == set()


def test_a_capability_that_was_unknown_for_a_while_is_compared_with_what_it_was() -> None:
    def dpdk(at: datetime, presence: Presence) -> Inventory:
        gaps = [Gap(part="nodes", reason="time-out")] if presence is Presence.UNKNOWN else []
        return look(at, capabilities=[Capability(name="dpdk", presence=presence)], gaps=gaps)

    older, blind = dpdk(NOON, Presence.PRESENT), dpdk(BETWEEN, Presence.UNKNOWN)
    [gone] = differences(blind, dpdk(LATER, Presence.ABSENT), older={"nodes": older})
    assert (gone.kind, gone.before, gone.after) == (ChangeKind.CAPABILITY, "present", "absent")
    assert differences(blind, dpdk(LATER, Presence.PRESENT), older={"nodes": older}) == []


def test_labels_that_operators_write_are_no_relabelling() -> None:
    before = on_node(labels={"nvidia.com/gfd.timestamp": "1", "feature.node.kubernetes.io/cpu-model.id": "1"})
    after = on_node(
        labels={"nvidia.com/gfd.timestamp": "2"}, taints=[Taint(key="node.kubernetes.io/not-ready", effect="NoExecute")]
    )
    assert changed(before, after) == []


def test_another_build_or_another_configuration_is_a_rollout() -> None:
    def cart(digest: str, config: str, images: list[str]) -> dict[str, Any]:
        made = Workload(namespace="shop", kind="StatefulSet", name="cart", images=images)
        made.image_digests, made.config_digest = ({"app": digest} if digest else {}), config
        return {"workloads": [made]}

    same = cart("sha256:1", "c1", ["cart:latest"])
    [rebuilt] = changed(same, cart("sha256:2", "c1", ["cart:latest"]))
    assert rebuilt.kind is ChangeKind.ROLLOUT
    assert (rebuilt.digests_before, rebuilt.digests_after) == (
        ["app sha256:1", "config c1"],
        ["app sha256:2", "config c1"],
    )
    assert "another build of the same image" in rebuilt.summary
    [configured] = changed(same, cart("sha256:1", "c2", ["cart:latest"]))
    assert "another configuration" in configured.summary
    # Pods that are not seen just now change nothing.
    assert changed(same, cart("", "c1", ["cart:latest"])) == []


def test_a_history_that_dates_an_upgrade_is_not_repeated() -> None:
    upgrade = Change(
        cluster_id="c1",
        kind=ChangeKind.VERSION,
        subject=Subject(cluster_id="c1", kind=SubjectKind.CLUSTER),
        at=BETWEEN,
        summary="",
        before="4.16.9",
        after="4.16.11",
    )
    before = look(platform="OpenShift", platform_version="4.16.9")
    after = look(LATER, platform="OpenShift", platform_version="4.16.11", changes=[upgrade])
    assert differences(before, after) == []
    assert changes_since(before, after) == [upgrade]


def test_an_upgrade_that_began_is_a_change_from_when_it_began() -> None:
    running = {"platform": "OpenShift", "platform_version": "4.16.9"}
    steps = [VersionStep(version="4.16.11", started_at=BETWEEN), VersionStep(version="4.16.9", completed_at=NOON)]
    upgrading = {**running, "platform_target": "4.16.11", "version_history": steps}
    [began] = changed(running, upgrading)
    assert (began.kind, began.at, began.not_before) == (ChangeKind.VERSION, BETWEEN, None)
    assert began.summary == "An upgrade of OpenShift from 4.16.9 to 4.16.11 began"
    assert changed(upgrading, upgrading) == []
    assert changed({"gaps": [Gap(part="clusterversions", reason="time-out")]}, upgrading) == []


def test_since_the_last_look_come_changes_and_no_happenings() -> None:
    def dated(kind: ChangeKind, at: datetime) -> Change:
        subject = Subject(cluster_id="c1", kind=SubjectKind.WORKLOAD, name="cart", namespace="shop")
        return Change(cluster_id="c1", kind=kind, subject=subject, at=at, summary=kind.value)

    rollout, old = dated(ChangeKind.ROLLOUT, BETWEEN), dated(ChangeKind.ROLLOUT, NOON - timedelta(hours=1))
    happenings = [dated(ChangeKind.OOM_KILL, BETWEEN), dated(ChangeKind.EVENT, BETWEEN)]
    before = look(version="v1.29.7", changes=[old])
    after = look(LATER, version="v1.29.8", changes=[old, rollout, *happenings])
    assert [(change.kind, change.at) for change in changes_since(before, after)] == [
        (ChangeKind.ROLLOUT, BETWEEN),
        (ChangeKind.VERSION, LATER),
    ]
    # The cluster's clock is a minute behind ours: it dates what came after the look before that look.
    behind = dated(ChangeKind.ROLLOUT, NOON - timedelta(minutes=1))
    assert changes_since(look(changes=[old]), look(LATER, changes=[old, behind])) == [behind]
