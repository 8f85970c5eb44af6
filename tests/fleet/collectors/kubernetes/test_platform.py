"""What is read of custom objects, in the form in which real servers send them, and in odd ones."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from fleet.inventory.change import ChangeKind
from fleet.inventory.inventory import Inventory
from fleet.inventory.network_hardware import ClockRole
from tests.fleet.collectors.kubernetes.objects import metadata, node
from tests.fleet.collectors.kubernetes.platform_objects import (
    CLUSTER_VERSION,
    INFRASTRUCTURE,
    NODE_STATE,
    condition,
    ptp_config,
    put,
    serve_groups,
    subscription,
    version_of,
)
from tests.fleet.collectors.kubernetes.server import Api

Collect = Callable[..., Inventory]


def test_the_version_is_the_newest_that_was_completed(api: Api, collect: Collect) -> None:
    serve_groups(api, config__openshift__io=["v1"])
    put(api, "config.openshift.io", "v1", "clusterversions", "ClusterVersion", CLUSTER_VERSION)
    put(api, "config.openshift.io", "v1", "infrastructures", "Infrastructure", INFRASTRUCTURE)
    put(api, "config.openshift.io", "v1", "clusteroperators", "ClusterOperator")
    inventory = collect()
    assert inventory.gaps == []
    assert (inventory.platform, inventory.platform_version, inventory.platform_target, inventory.platform_channel) == (
        "OpenShift",
        "4.16.9",
        "4.16.11",
        "stable-4.16",
    )
    assert [(step.version, step.completed_at is not None) for step in inventory.version_history] == [
        ("4.16.11", False),
        ("4.16.9", True),
        ("4.15.30", True),
    ]
    # The history dates the upgrade; the installation is none, and the one under way is not done.
    [upgrade] = [change for change in inventory.changes if change.kind is ChangeKind.VERSION]
    assert (upgrade.before, upgrade.after) == ("4.15.30", "4.16.9")
    assert upgrade.at == datetime(2026, 2, 1, 10, 12, tzinfo=UTC)
    assert inventory.infrastructure is not None
    assert (inventory.infrastructure.provider, inventory.infrastructure.single_node) == ("BareMetal", True)


def test_cluster_operators_tell_what_ails_them(api: Api, collect: Collect) -> None:
    recovered = condition("Degraded", "False", "2026-03-01T09:40:00Z")
    well = [recovered, condition("Available", "True"), condition("Progressing", "False")]
    degraded = condition("Degraded", "True", "2026-03-01T09:30:00Z", reason="OAuthRouteDown", message="route\nis down")
    serve_groups(api, config__openshift__io=["v1"])
    put(
        api,
        "config.openshift.io",
        "v1",
        "clusteroperators",
        "ClusterOperator",
        {"metadata": metadata("dns"), "status": {"conditions": well, "versions": [{"name": "x", "version": "0"}]}},
        {
            "metadata": metadata("authentication"),
            "status": {
                "conditions": [condition("Available", "True"), degraded],
                "versions": [{"name": "oauth", "version": "1"}, {"name": "operator", "version": "4.16.9"}],
            },
        },
        {
            "metadata": metadata("ingress"),
            "status": {"conditions": [condition("Available", "False", message="gone"), condition("Degraded", "False")]},
        },
        {"metadata": metadata("new"), "status": {"conditions": None}},
        {"metadata": metadata("vague"), "status": {"conditions": [condition("Degraded", "Unknown")]}},
        {"metadata": metadata("bare")},
    )
    operators = {each.name: each for each in collect().cluster_operators}
    assert [name for name, each in operators.items() if each.well] == ["dns"]
    ill = operators["authentication"]
    assert (ill.degraded, ill.version, ill.message) == (True, "4.16.9", "OAuthRouteDown: route is down")
    assert ill.since == datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
    # One that is well again is so since the last of its conditions turned.
    assert operators["dns"].since == datetime(2026, 3, 1, 9, 40, tzinfo=UTC)
    assert (operators["ingress"].available, operators["ingress"].message) == (False, "gone")
    assert (operators["new"].available, operators["bare"].degraded, operators["vague"].degraded) == (None, None, None)


def test_machine_config_pools_and_performance_profiles(api: Api, collect: Collect) -> None:
    serve_groups(api, machineconfiguration__openshift__io=["v1"], performance__openshift__io=["v2", "v1", "v1alpha1"])
    put(
        api,
        "machineconfiguration.openshift.io",
        "v1",
        "machineconfigpools",
        "MachineConfigPool",
        {
            "metadata": metadata("worker"),
            "spec": {"configuration": {"name": "rendered-worker-b"}, "paused": True},
            "status": {
                "configuration": {"name": "rendered-worker-a"},
                "machineCount": 3,
                "updatedMachineCount": 1,
                "unavailableMachineCount": 1,
                "degradedMachineCount": 1,
                "conditions": [
                    condition("Updating", "True"),
                    condition("Degraded", "True", message="Node w-2 is reporting: drain failed"),
                ],
            },
        },
    )
    profile = {
        "metadata": metadata("du"),
        "spec": {
            "cpu": {"isolated": "2-31,34-63", "reserved": "0-1,32-33"},
            "hugepages": {
                "defaultHugepagesSize": "1G",
                "pages": [{"size": "1G", "count": 8, "node": 0}, {"size": "1G", "count": 8, "node": 1}],
            },
            "realTimeKernel": {"enabled": True},
            "nodeSelector": {"node-role.kubernetes.io/worker-du": ""},
        },
    }
    bare = {"metadata": metadata("bare"), "spec": {"hugepages": {"pages": None}}}
    put(api, "performance.openshift.io", "v2", "performanceprofiles", "PerformanceProfile", profile, bare)
    inventory = collect()
    [pool] = inventory.machine_config_pools
    assert (pool.rendered, pool.target, pool.paused) == ("rendered-worker-a", "rendered-worker-b", True)
    assert (pool.updated, pool.machines, pool.degraded_machines, pool.degraded) == (1, 3, 1, True)
    assert pool.message == "Node w-2 is reporting: drain failed"
    empty, du = inventory.performance_profiles
    assert (du.isolated_cpus, du.reserved_cpus, du.hugepages, du.real_time) == (
        "2-31,34-63",
        "0-1,32-33",
        {"1G": 16},
        True,
    )
    assert (empty.isolated_cpus, empty.hugepages, empty.real_time) == ("", {}, False)


def test_operators_are_asked_for_where_the_preferred_version_has_none(api: Api, collect: Collect) -> None:
    serve_groups(api, operators__coreos__com=["v2", "v1", "v1alpha1"])
    group = ("operators.coreos.com", "v1alpha1")
    put(
        api,
        *group,
        "subscriptions",
        "Subscription",
        subscription("ptp-operator", "ptp-operator.v4.16.1", "ptp-operator.v4.16.2"),
        subscription("never-installed", "", "never-installed.v1.0.0"),
        {"metadata": metadata("bare", "ns"), "spec": None, "status": None},
    )
    put(
        api,
        *group,
        "clusterserviceversions",
        "ClusterServiceVersion",
        version_of("ptp-operator", "4.16.1", "Failed", "openshift-ptp-operator", message="install timeout"),
        version_of("packageserver", "0.0.1", "Succeeded", "openshift-olm", message="all good"),
    )
    operators = {each.name: each for each in collect().operators}
    ptp = operators["ptp-operator"]
    assert (ptp.version, ptp.phase, ptp.message, ptp.channel) == ("4.16.1", "Failed", "install timeout", "stable")
    assert (ptp.pending, ptp.approval) == ("ptp-operator.v4.16.2", "Manual")
    assert (operators["packageserver"].phase, operators["packageserver"].message) == ("Succeeded", "")
    assert (operators["never-installed"].phase, operators["never-installed"].pending) == ("", "never-installed.v1.0.0")
    assert operators["bare"].namespace == "ns"
    # An operator for all namespaces is copied into each of them; those are not even asked for.
    [asked] = api.asked("/apis/operators.coreos.com/v1alpha1/clusterserviceversions")
    assert asked.query["labelSelector"] == "!olm.copiedFrom"


def test_an_operator_that_is_being_upgraded_is_one_operator(api: Api, collect: Collect) -> None:
    serve_groups(api, operators__coreos__com=["v1alpha1"])
    group, namespace = ("operators.coreos.com", "v1alpha1"), "openshift-ptp-operator"
    put(
        api,
        *group,
        "subscriptions",
        "Subscription",
        subscription("ptp-operator", "ptp-operator.v4.9", "ptp-operator.v4.10"),
    )
    versions = ("clusterserviceversions", "ClusterServiceVersion")
    old = version_of("ptp-operator", "4.9", "Replacing", namespace)
    new = version_of("ptp-operator", "4.10", "Failed", namespace, message="install timeout")
    for each, number in ((old, "4.9"), (new, "4.10")):
        each["metadata"]["name"] = f"ptp-operator.v{number}"
    put(api, *group, *versions, old, new)
    [upgraded] = collect().operators
    assert (upgraded.version, upgraded.channel, upgraded.pending) == ("4.9", "stable", "ptp-operator.v4.10")
    assert (upgraded.phase, upgraded.message) == ("Failed", "install timeout")
    # Once it is through, the version before may still be there for a while.
    new["status"] = {"phase": "Succeeded"}
    put(api, *group, *versions, old, new)
    done = subscription("ptp-operator", "ptp-operator.v4.10", "ptp-operator.v4.10")
    put(api, *group, "subscriptions", "Subscription", done)
    [upgraded] = collect().operators
    assert (upgraded.version, upgraded.phase, upgraded.pending) == ("4.10", "Succeeded", "")


def test_deprecated_apis_are_those_that_somebody_still_asks(api: Api, collect: Collect) -> None:
    def count(name: str, day: int | None, removed: str | None, **more: object) -> dict[str, object]:
        return {"metadata": metadata(name), "status": {"removedInRelease": removed, "requestCount": day, **more}}

    now = datetime.now(UTC)
    # Told for each hour of the day: the last whole hour is the one before the current.
    hours = [{"requestCount": 0, "byNode": None} for _ in range(24)]
    for hour in {now.hour, (now + timedelta(minutes=1)).hour}:
        hours[hour - 1] = {"requestCount": 7, "byNode": [{"nodeName": "cp-1", "requestCount": 7, "byUser": []}]}
    serve_groups(api, apiserver__openshift__io=["v1"])
    put(
        api,
        "apiserver.openshift.io",
        "v1",
        "apirequestcounts",
        "APIRequestCount",
        count("flowschemas.v1beta3.flowcontrol.apiserver.k8s.io", 40, "1.32", last24h=hours),
        count("cronjobs.v1beta1.batch", 3, "1.25", currentHour={"requestCount": 2}, last24h=None),
        count("podsecuritypolicies.v1beta1.policy", 0, "1.25"),
        count("pods.v1", 100_000, None),
        {"metadata": metadata("new")},
    )
    assert [
        (each.resource, each.removed_in, each.requests_last_hour, each.requests_last_day)
        for each in collect().deprecated_apis
    ] == [
        ("cronjobs.v1beta1.batch", "1.25", 2, 3),
        ("flowschemas.v1beta3.flowcontrol.apiserver.k8s.io", "1.32", 7, 40),
    ]


def test_sriov_interfaces_with_their_functions(api: Api, collect: Collect) -> None:
    serve_groups(api, sriovnetwork__openshift__io=["v1"])
    failed = {"metadata": metadata("worker-2", "ns"), "status": {"syncStatus": "Failed", "lastSyncError": "no\x1bgo"}}
    put(api, "sriovnetwork.openshift.io", "v1", "sriovnetworknodestates", "SriovNetworkNodeState", NODE_STATE, failed)
    worker, broken = collect().sriov_nodes
    used, down, plain = worker.interfaces
    assert (used.vfs, used.max_vfs, used.vf_drivers, used.resources) == (4, 64, {"vfio-pci": 4}, ["fronthaul"])
    assert (used.vendor, used.device, used.link_speed_mbps) == ("8086", "158b", 25000)
    assert (down.vfs, down.max_vfs, down.link_speed_mbps, plain.link_speed_mbps) == (0, 0, None, 100000)
    assert (broken.sync_status, broken.sync_error, broken.interfaces) == ("Failed", "no go", [])


@pytest.mark.parametrize(
    ("profile", "role", "interfaces"),
    [
        ({"interface": "ens1f0", "ptp4lOpts": "-2 -s"}, ClockRole.ORDINARY, ["ens1f0"]),
        ({"interface": "ens1f0", "ptp4lConf": "[global]\nclientOnly 1\n"}, ClockRole.ORDINARY, ["ens1f0"]),
        (
            {"ptp4lOpts": "-2", "ptp4lConf": "[global]\n[ens1f0]\nmasterOnly 0\n[ens1f1]\nmasterOnly 1\n"},
            ClockRole.BOUNDARY,
            ["ens1f0", "ens1f1"],
        ),
        (
            {"ptp4lConf": "[ens2f0]\nserverOnly 1\n", "ts2phcConf": "[nmea]\nts2phc.master 1\n[ens2f0]\n"},
            ClockRole.GRANDMASTER,
            ["ens2f0"],
        ),
        ({"ptpSettings": {"haProfiles": "bc1,bc2"}, "phc2sysOpts": "-a -r"}, ClockRole.DUAL, []),
        ({"interface": None, "ptp4lConf": None}, ClockRole.UNKNOWN, []),
    ],
)
def test_what_a_ptp_profile_makes_of_a_node(
    api: Api, collect: Collect, profile: dict[str, object], role: ClockRole, interfaces: list[str]
) -> None:
    serve_groups(api, ptp__openshift__io=["v1", "v2alpha1"])
    put(api, "ptp.openshift.io", "v1", "ptpconfigs", "PtpConfig", ptp_config("c", [{"name": "p"} | profile], None))
    [found] = collect().ptp_profiles
    assert (found.role, found.interfaces, found.nodes) == (role, interfaces, [])


def test_ptp_profiles_are_matched_to_nodes_and_devices_told(api: Api, collect: Collect) -> None:
    serve_groups(api, ptp__openshift__io=["v1"])
    group = ("ptp.openshift.io", "v1")
    matches = [("w-2", "slave"), ("w-1", "slave"), ("w-3", "gone")]
    put(api, *group, "ptpconfigs", "PtpConfig", ptp_config("ordinary", [{"name": "slave"}, {"name": "idle"}], matches))
    put(
        api,
        *group,
        "nodeptpdevices",
        "NodePtpDevice",
        {
            "metadata": metadata("w-1", "openshift-ptp"),
            "status": {
                "devices": [
                    {"name": "ens1f0", "hardwareInfo": {"firmwareVersion": "4.40 0x8001c7d0", "linkStatus": True}},
                    {"name": "ens1f1", "hardwareInfo": {"driverVersion": "1.14.9", "linkStatus": "down"}},
                ]
            },
        },
        {"metadata": metadata("old", "openshift-ptp"), "status": {"devices": [{"name": "eth0"}]}},
        {"metadata": metadata("none", "openshift-ptp"), "status": {"devices": None}},
    )
    config = {"metadata": metadata("default", "openshift-ptp"), "spec": {"ptpEventConfig": {}}}
    put(api, *group, "ptpoperatorconfigs", "PtpOperatorConfig", config)
    inventory = collect()
    assert [(each.name, each.nodes) for each in inventory.ptp_profiles] == [("slave", ["w-1", "w-2"]), ("idle", [])]
    assert [(each.node, each.name, each.firmware, each.link) for each in inventory.ptp_devices] == [
        ("w-1", "ens1f0", "4.40 0x8001c7d0", True),
        ("w-1", "ens1f1", "", False),
        ("old", "eth0", "", None),
    ]
    assert inventory.ptp_events is False


def test_storage_systems_with_health_and_capacity(api: Api, collect: Collect) -> None:
    serve_groups(api, ocs__openshift__io=["v1"], ceph__rook__io=["v1"])
    conditions = [condition("Available", "True"), condition("Degraded", "True", message="one OSD is out")]
    storage = {"metadata": metadata("ocs", "openshift-storage"), "status": {"phase": "Error", "conditions": conditions}}
    capacity = {"bytesTotal": 3 * 2**40, "bytesUsed": 2**40, "bytesAvailable": 2 * 2**40}
    ceph = {
        "metadata": metadata("ceph", "openshift-storage"),
        "status": {"phase": "Ready", "state": "Created", "ceph": {"health": "HEALTH_WARN", "capacity": capacity}},
    }
    put(api, "ocs.openshift.io", "v1", "storageclusters", "StorageCluster", storage)
    put(api, "ceph.rook.io", "v1", "cephclusters", "CephCluster", ceph, {"metadata": metadata("new", "rook")})
    found = collect().storage_systems
    assert [(each.kind, each.phase, each.health, each.message, each.capacity_bytes) for each in found] == [
        ("StorageCluster", "Error", "", "one OSD is out", None),
        ("CephCluster", "Ready", "HEALTH_WARN", "", 3 * 2**40),
        ("CephCluster", "", "", "", None),
    ]


def test_gpus_by_label_resource_and_policy(api: Api, collect: Collect) -> None:
    def with_gpus(name: str, labels: dict[str, str], **resources: tuple[str, str]) -> dict[str, object]:
        made = node(name, "10.0.0.9", labels=labels)
        for key, (capacity, allocatable) in resources.items():
            resource = "nvidia.com/" + key.replace("__", ".").replace("_", "-")
            made["status"]["capacity"][resource] = capacity
            made["status"]["allocatable"][resource] = allocatable
        return made

    labels = {
        "nvidia.com/gpu.present": "true",
        "nvidia.com/gpu.count": "8",
        "nvidia.com/gpu.product": "NVIDIA-H200",
        "nvidia.com/gpu.memory": "143771",
        "nvidia.com/mig.strategy": "mixed",
    }
    api.lists["/api/v1/nodes"] = [
        with_gpus("whole", labels | {"nvidia.com/cuda.driver-version.full": "570.86.15"}, gpu=("8", "7")),
        with_gpus(
            "sliced",
            labels | {"nvidia.com/cuda.driver.major": "550", "nvidia.com/cuda.driver.minor": "90"},
            gpu=("0", "0"),
            mig_3g__71gb=("2", "2"),
        ),
        with_gpus("unlabelled", {}, gpu=("2", "2")),
        with_gpus("lying", {"nvidia.com/gpu.count": "many\x1b[31m"}, gpu=("0", "0")),
        with_gpus("drained", {}, gpu=("0", "0")),
        node("none", "10.0.0.8"),
    ]
    serve_groups(api, nvidia__com=["v1", "v1alpha1"])
    spec = {"driver": {"enabled": True, "version": "570.86.15"}, "mig": {"strategy": "mixed"}}
    policy = {"metadata": metadata("gpu-cluster-policy"), "spec": spec, "status": {"state": "notReady"}}
    put(api, "nvidia.com", "v1", "clusterpolicies", "ClusterPolicy", policy)
    inventory = collect()
    gpus = {each.name: each.gpus for each in inventory.nodes}
    assert gpus["whole"] is not None
    assert (gpus["whole"].count, gpus["whole"].allocatable, gpus["whole"].memory_mib) == (8, 7, 143771)
    assert gpus["whole"].driver == "570.86.15"
    assert next(each for each in inventory.nodes if each.name == "whole").devices["nvidia.com/gpu"].unhealthy == 1
    assert gpus["sliced"] is not None
    assert (gpus["sliced"].driver, gpus["sliced"].instances["3g.71gb"].capacity) == ("550.90", 2)
    assert gpus["unlabelled"] is not None
    assert (gpus["unlabelled"].count, gpus["unlabelled"].product) == (2, "")
    assert gpus["lying"] is not None
    assert gpus["lying"].count == 0
    assert (gpus["drained"], gpus["none"]) == (None, None)
    assert [(each.state, each.driver) for each in inventory.gpu_policies] == [("notReady", "570.86.15")]


def test_nodes_tell_software_taints_hugepages_and_devices(api: Api, collect: Collect) -> None:
    seen = node(
        "w-1",
        "10.0.0.1",
        annotations={"machineconfiguration.openshift.io/currentConfig": "rendered-worker-a"},
        labels={"node-role.kubernetes.io/edge": "", "odd": "x\x1b]0;title\x07" + "y" * 500},
    )
    seen["spec"] = {
        "unschedulable": True,
        "taints": [
            {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule", "timeAdded": "2026-03-01T09:00:00Z"},
            {"key": "du", "value": "true", "effect": "NoExecute"},
        ],
    }
    seen["status"]["nodeInfo"] |= {"kernelVersion": "5.14.0-rt", "containerRuntimeVersion": "cri-o://1.29.7"}
    seen["status"]["capacity"] |= {"hugepages-1Gi": "16Gi", "hugepages-2Mi": "0", "openshift.io/fronthaul": "8"}
    seen["status"]["allocatable"] |= {"hugepages-1Gi": "16Gi", "hugepages-2Mi": "0", "openshift.io/fronthaul": "6"}
    api.lists["/api/v1/nodes"] = [seen]
    [found] = collect().nodes
    assert (found.roles, found.unschedulable, found.machine_config) == (["edge"], True, "rendered-worker-a")
    assert [taint.text for taint in found.taints] == [
        "node.kubernetes.io/unschedulable:NoSchedule",
        "du=true:NoExecute",
    ]
    assert (found.kernel_version, found.container_runtime, found.os_image) == ("5.14.0-rt", "cri-o://1.29.7", "Debian")
    assert found.hugepages_bytes == {"1Gi": 16 * 2**30}
    assert (found.devices["openshift.io/fronthaul"].capacity, found.devices["openshift.io/fronthaul"].unhealthy) == (
        8,
        2,
    )
    assert (found.cpu_cores, found.cpu_cores_capacity) == (3.8, 4.0)
    assert found.labels["odd"].isprintable()
    assert len(found.labels["odd"]) == 63
