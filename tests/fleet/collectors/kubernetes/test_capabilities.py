"""Presence by real evidence: absent, installed and unused, present, unknown; and what is asked for at all."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from fleet.collectors.kubernetes.kinds import KINDS
from fleet.inventory.inventory import Capability, Inventory, Presence
from tests.fleet.collectors.kubernetes.objects import EMPTY_LISTS, metadata, node, pod
from tests.fleet.collectors.kubernetes.platform_objects import NODE_STATE, condition, ptp_config, put, serve_groups
from tests.fleet.collectors.kubernetes.server import Api, Reply, forbidden, on, status

Collect = Callable[..., Inventory]

PTP = ("ptp.openshift.io", "v1", "ptpconfigs", "PtpConfig")
POLICIES = ("nvidia.com", "v1", "clusterpolicies", "ClusterPolicy")
SRIOV = ("sriovnetwork.openshift.io", "v1", "sriovnetworknodestates", "SriovNetworkNodeState")


def told(inventory: Inventory, name: str) -> Capability:
    return next(each for each in inventory.capabilities if each.name == name)


def presences(inventory: Inventory, presence: Presence) -> set[str]:
    return {each.name for each in inventory.capabilities if each.presence is presence}


def pod_taking(name: str, resources: dict[str, str]) -> dict[str, Any]:
    made = pod(name, "ran", on="w-1")
    limits = {"limits": resources, "requests": None}
    made["spec"]["containers"].append({"name": "du", "image": "du:1", "resources": limits})
    return made


def test_a_plain_cluster_has_nothing_of_it(api: Api, collect: Collect) -> None:
    inventory = collect()
    assert inventory.platform == "Kubernetes"
    assert {each.presence for each in inventory.capabilities} == {Presence.ABSENT}
    assert told(inventory, "ptp").reason == "does not serve ptp.openshift.io"
    # What the cluster does not serve is not asked for.
    assert {request.path for request in api.requests} == {"/version", "/apis", *EMPTY_LISTS}


def test_groups_without_anything_in_them_are_installed_and_unused(api: Api, collect: Collect) -> None:
    serve_groups(
        api,
        ptp__openshift__io=["v1"],
        nvidia__com=["v1"],
        sriovnetwork__openshift__io=["v1"],
        nfd__openshift__io=["v1"],
        k8s__cni__cncf__io=["v1"],
        route__openshift__io=["v1"],
    )
    put(api, *PTP, ptp_config("c", [{"name": "p", "interface": "eth0"}], []))
    put(api, *POLICIES)
    put(api, *SRIOV, {"metadata": metadata("w-1", "ns"), "status": {"interfaces": [{"name": "eno1", "totalvfs": 64}]}})
    put(api, "k8s.cni.cncf.io", "v1", "network-attachment-definitions", "NetworkAttachmentDefinition")
    inventory = collect()
    assert presences(inventory, Presence.UNUSED) == {"ptp", "gpu-operator", "sriov", "nfd", "multus"}
    assert presences(inventory, Presence.PRESENT) == {"routes"}
    assert told(inventory, "ptp").reason == "installed, not used: no profile is matched to a node"
    assert inventory.network_attachments == 0


def test_what_is_there_is_present_with_its_evidence(api: Api, collect: Collect) -> None:
    serve_groups(
        api,
        ptp__openshift__io=["v1"],
        nvidia__com=["v1"],
        sriovnetwork__openshift__io=["v1"],
        tempo__grafana__com=["v1alpha1"],
    )
    put(api, *PTP, ptp_config("c", [{"name": "p"}], [("w-1", "p"), ("w-2", "p")]))
    put(api, *POLICIES, {"metadata": metadata("gpu-cluster-policy")})
    put(api, *SRIOV, NODE_STATE)
    put(api, "tempo.grafana.com", "v1alpha1", "tempomonolithics", "TempoMonolithic", {"metadata": metadata("t", "ns")})
    worker = node("w-1", "10.0.0.1", labels={"feature.node.kubernetes.io/cpu-cpuid.AVX512F": "true"})
    for part in ("capacity", "allocatable"):
        worker["status"][part] |= {"hugepages-1Gi": "16Gi", "nvidia.com/gpu": "2"}
    api.lists["/api/v1/nodes"] = [worker]
    api.lists["/api/v1/pods"] = [
        pod_taking("du-0", {"hugepages-1Gi": "4Gi", "openshift.io/fronthaul": "2"}),
        pod_taking("database-0", {"hugepages-2Mi": "1Gi"}),
        pod_taking("training-0", {"hugepages-2Mi": "1Gi", "nvidia.com/gpu": "1"}),
    ]
    inventory = collect()
    present = {"ptp", "gpu-operator", "sriov", "tempo", "gpus", "hugepages", "dpdk", "nfd"}
    assert presences(inventory, Presence.PRESENT) == present
    assert told(inventory, "ptp").reason == "1 profile matched to 2 nodes"
    assert told(inventory, "sriov").reason == "4 virtual functions on 1 node"
    assert told(inventory, "dpdk").reason == "huge pages and a network device are taken by 1 pod"
    assert inventory.pods[0].devices == {"hugepages-1Gi": 4 * 2**30, "openshift.io/fronthaul": 2}


@pytest.mark.parametrize(
    ("refusal", "reason"),
    [
        (forbidden("clusterpolicies"), "missing right: list clusterpolicies.nvidia.com in the whole cluster"),
        (status(500, "etcdserver: request timed out"), "failed with 500: etcdserver: request timed out"),
    ],
)
def test_what_could_not_be_read_is_unknown_and_says_why(api: Api, collect: Collect, refusal: Any, reason: str) -> None:
    serve_groups(api, nvidia__com=["v1"])
    put(api, *POLICIES)
    api.interceptors.append(on("/apis/nvidia.com/v1/clusterpolicies", refusal))
    inventory = collect()
    policy = told(inventory, "gpu-operator")
    assert policy.presence is Presence.UNKNOWN
    assert reason in policy.reason
    assert [gap.part for gap in inventory.gaps] == ["clusterpolicies"]
    # The nodes themselves were seen: there are no GPUs, whatever the operator is doing.
    assert told(inventory, "gpus").presence is Presence.ABSENT


def test_a_missing_group_is_absent_although_the_server_would_refuse(api: Api, collect: Collect) -> None:
    """A server answers 403 to somebody without rights before it says that there is no such kind."""
    api.interceptors.append(
        lambda request: forbidden("x") if request.path.startswith("/apis/") and "/apps/" not in request.path else None
    )
    inventory = collect()
    assert told(inventory, "gpu-operator").presence is Presence.ABSENT
    assert inventory.gaps == []


def test_a_group_of_somebody_else_is_absent(api: Api, collect: Collect) -> None:
    serve_groups(api, nvidia__com=["v1alpha1"])
    inventory = collect()
    assert told(inventory, "gpu-operator").presence is Presence.ABSENT
    assert told(inventory, "gpu-operator").reason == "serves nvidia.com without clusterpolicies"
    assert [request.path for request in api.requests if "nvidia" in request.path] == [
        "/apis/nvidia.com/v1alpha1/clusterpolicies"
    ]
    assert inventory.gaps == []


def test_without_the_nodes_nobody_knows_of_gpus(api: Api, collect: Collect) -> None:
    api.interceptors.append(on("/api/v1/nodes", forbidden("nodes")))
    inventory = collect()
    assert presences(inventory, Presence.UNKNOWN) == {"gpus", "hugepages", "dpdk"}
    assert told(inventory, "gpus").reason == "missing right: list nodes in the whole cluster"


def test_hardware_that_no_plugin_offers_is_told(api: Api, collect: Collect) -> None:
    api.lists["/api/v1/nodes"] = [
        node("w-1", "10.0.0.1", labels={"feature.node.kubernetes.io/pci-0302_10de.present": "true"})
    ]
    gpus = told(collect(), "gpus")
    assert (gpus.presence, gpus.reason) == (Presence.UNUSED, "1 node with NVIDIA hardware that no device plugin offers")


def test_lists_that_need_only_names_ask_for_no_more(api: Api, collect: Collect) -> None:
    api.lists["/api/v1/namespaces"] = [{"metadata": metadata("shop")}]
    inventory = collect()
    assert inventory.namespaces == ["shop"]
    accepts = {request.path: request.accept for request in api.requests}
    assert accepts["/api/v1/namespaces"].startswith("application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1")
    assert accepts["/api/v1/nodes"] == "application/json"


def test_odd_answers_cost_only_themselves(api: Api, collect: Collect) -> None:
    hostile = "\x1b[2J[bold red]<script>alert(1)</script>\u202e" + "x" * 100_000
    serve_groups(api, ptp__openshift__io=["v1"], nvidia__com=["v1"], sriovnetwork__openshift__io=["v1"])
    put(api, *POLICIES, {"metadata": {"name": hostile}, "spec": {"driver": {"version": hostile}}, "unknownField": {}})
    put(api, *SRIOV, {"metadata": metadata("w-1", "ns"), "status": {"interfaces": "none"}}, NODE_STATE)
    api.interceptors.append(on("/apis/ptp.openshift.io/v1/ptpconfigs", status(200, "")))
    inventory = collect()
    [policy] = inventory.gpu_policies
    assert policy.name.isprintable()
    assert len(policy.name) <= 253
    assert len(policy.driver) <= 60
    assert [each.node for each in inventory.sriov_nodes] == ["worker-1"]
    gaps = {gap.part: gap.reason for gap in inventory.gaps}
    assert set(gaps) == {"sriovnetworknodestates", "ptpconfigs"}
    assert gaps["sriovnetworknodestates"] == "1 of them could not be understood"
    assert "no list" in gaps["ptpconfigs"]
    json.loads(inventory.model_dump_json())


def test_an_object_that_is_nested_without_end_costs_only_its_list(api: Api, collect: Collect) -> None:
    serve_groups(api, ptp__openshift__io=["v1"], sriovnetwork__openshift__io=["v1"])
    endless = "[" * 5000 + "]" * 5000
    body = json.dumps(ptp_config("c", [], [])).replace('"spec": {', f'"spec": {{"plugins": {endless}, ')
    page = f'{{"kind": "PtpConfigList", "metadata": {{}}, "items": [{body}]}}'
    api.interceptors.append(on("/apis/ptp.openshift.io/v1/ptpconfigs", Reply(200, page.encode())))
    put(api, *SRIOV, NODE_STATE)
    inventory = collect()
    [gap] = inventory.gaps
    assert gap.part == "ptpconfigs"
    assert "nested too deep" in gap.reason
    assert [each.node for each in inventory.sriov_nodes] == ["worker-1"]
    assert told(inventory, "ptp").presence is Presence.UNKNOWN


def test_a_time_without_its_zone_is_no_time(api: Api, collect: Collect) -> None:
    serve_groups(api, config__openshift__io=["v1"])
    naive = condition("Available", "True", "2026-03-01T08:00:00")
    operators = [
        {"metadata": metadata(name), "status": {"conditions": [each]}}
        for name, each in (("dns", condition("Available", "True")), ("odd", naive))
    ]
    put(api, "config.openshift.io", "v1", "clusteroperators", "ClusterOperator", *operators)
    inventory = collect()
    assert [each.name for each in inventory.cluster_operators] == ["dns"]
    assert [gap.part for gap in inventory.gaps] == ["clusteroperators"]


def test_dpdk_is_not_absent_where_its_interfaces_could_not_be_seen(api: Api, collect: Collect) -> None:
    serve_groups(api, sriovnetwork__openshift__io=["v1"])
    card = {"name": "eno1", "numVfs": 1, "totalvfs": 8, "Vfs": [{"driver": "vfio-pci"}]}
    put(api, *SRIOV, {"metadata": metadata("w-1", "ns"), "status": {"interfaces": [card]}})
    assert told(collect(), "dpdk").presence is Presence.UNUSED
    api.interceptors.append(on("/apis/sriovnetwork.openshift.io/v1/sriovnetworknodestates", forbidden("sriov")))
    dpdk = told(collect(), "dpdk")
    assert dpdk.presence is Presence.UNKNOWN
    assert "missing right: list sriovnetworknodestates" in dpdk.reason


def test_gpus_of_nodes_that_could_not_be_read_are_not_unused(api: Api, collect: Collect) -> None:
    labels = {"feature.node.kubernetes.io/pci-10de.present": "true"}
    broken = node("w-2", "10.0.0.2")
    broken["status"]["capacity"] = {"cpu": "many"}
    api.lists["/api/v1/nodes"] = [node("w-1", "10.0.0.1", labels=labels), broken]
    gpus = told(collect(), "gpus")
    assert (gpus.presence, gpus.reason) == (Presence.UNKNOWN, "1 of them could not be understood")


def test_every_kind_says_what_it_is_needed_for() -> None:
    assert len({kind.resource for kind in KINDS}) == len(KINDS)
    assert all(kind.needed_for and kind.versions for kind in KINDS)
    assert {kind.right for kind in KINDS} >= {"list pods", "list clusterpolicies.nvidia.com"}
