"""Our collector on objects that were seeded through the API: what it makes of them, and of what is not there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from fleet.collectors.kubernetes import KubernetesLimits, collect_inventory
from fleet.inventory.inventory import Inventory, Presence
from tests.contracts.kubernetes_server import KubernetesServer, Place, custom_kind

SMALL_PAGES = KubernetesLimits(page_size=3)
NODE_STATUS = {
    "capacity": {"cpu": "8", "memory": "32Gi", "pods": "110", "hugepages-1Gi": "4Gi", "nvidia.com/gpu": "2"},
    "allocatable": {"cpu": "7500m", "memory": "30Gi", "pods": "110", "hugepages-1Gi": "4Gi", "nvidia.com/gpu": "1"},
    "conditions": [
        {
            "type": "Ready",
            "status": "True",
            "reason": "KubeletReady",
            "message": "",
            "lastHeartbeatTime": "2026-01-01T00:00:00Z",
            "lastTransitionTime": "2026-01-01T00:00:00Z",
        }
    ],
    "addresses": [{"type": "InternalIP", "address": "192.0.2.10"}],
    "nodeInfo": {
        "machineID": "",
        "systemUUID": "",
        "bootID": "",
        "kernelVersion": "5.14.0",
        "osImage": "Test OS",
        "containerRuntimeVersion": "cri-o://1.29.0",
        "kubeletVersion": "v1.29.0",
        "kubeProxyVersion": "v1.29.0",
        "operatingSystem": "linux",
        "architecture": "amd64",
    },
}


def collected(server: KubernetesServer, limits: KubernetesLimits | None = None) -> Inventory:
    cluster, credentials = server.cluster()
    return collect_inventory(cluster, credentials, limits)[0]


def template(name: str, image: str) -> dict[str, Any]:
    return {"metadata": {"labels": {"app": name}}, "spec": {"containers": [{"name": "c", "image": image}]}}


@pytest.fixture(scope="module")
def deployment(place: Place) -> Iterator[str]:
    name = f"cart-{place.run}"
    spec = {"replicas": 0, "selector": {"matchLabels": {"app": name}}, "template": template(name, "example.com/cart:1")}
    body = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": spec}
    assert place.create("deployments", body, "apis/apps/v1").status_code == 201
    yield name
    place.http.delete(place.path("deployments", name, "apis/apps/v1"))


@pytest.mark.needs("write")
def test_workloads_and_namespaces_are_seen_whatever_the_page(
    contract_kubernetes: KubernetesServer, place: Place, deployment: str
) -> None:
    inventory = collected(contract_kubernetes, SMALL_PAGES)
    assert inventory.version.startswith("v")
    assert place.namespace in inventory.namespaces
    found = next(each for each in inventory.workloads if each.namespace == place.namespace)
    assert (found.kind, found.name, found.images, found.replicas) == (
        "Deployment",
        deployment,
        ["example.com/cart:1"],
        0,
    )
    whole = collected(contract_kubernetes)
    assert {each.name for each in whole.nodes} == {each.name for each in inventory.nodes}
    assert {each.name for each in whole.capabilities} == {each.name for each in inventory.capabilities}


@pytest.mark.needs("write")
def test_a_new_image_and_configuration_show(
    contract_kubernetes: KubernetesServer, place: Place, deployment: str
) -> None:
    def seen() -> tuple[list[str], str]:
        workloads = collected(contract_kubernetes).workloads
        found = next(each for each in workloads if each.namespace == place.namespace)
        return found.images, found.config_digest

    before = seen()
    path = place.path("deployments", deployment, "apis/apps/v1")
    containers = [{"name": "c", "image": "example.com/cart:2", "env": [{"name": "A", "value": "1"}]}]
    patch = {"spec": {"template": {"spec": {"containers": containers}}}}
    assert place.patch(path, patch, "strategic-merge-patch+json").status_code == 200
    after = seen()
    assert after[0] == ["example.com/cart:2"]
    assert after[1] != before[1]


@pytest.mark.needs("write", "no-kubelet")
def test_nodes_and_their_pods(contract_kubernetes: KubernetesServer, place: Place) -> None:
    name = f"node-{place.run}"
    labels = {
        "node-role.kubernetes.io/worker": "",
        "nvidia.com/gpu.product": "NVIDIA-H200",
        "nvidia.com/gpu.count": "2",
    }
    node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": labels}}
    # Without a token, which a server without controllers has none of.
    pod_spec = {
        "nodeName": name,
        "automountServiceAccountToken": False,
        "containers": [{"name": "c", "image": "example.com/x:1"}],
    }
    account = {"metadata": {"name": "default"}}
    with place.everywhere("/api/v1/nodes", node):
        written = place.patch(f"/api/v1/nodes/{name}/status", {"status": NODE_STATUS})
        assert written.status_code == 200, written.text
        place.create("serviceaccounts", account)
        made = place.create("pods", {"metadata": {"name": "on-node"}, "spec": pod_spec})
        assert made.status_code == 201, made.text
        try:
            inventory = collected(contract_kubernetes)
        finally:
            now = {"kind": "DeleteOptions", "apiVersion": "v1", "gracePeriodSeconds": 0}
            place.http.request("DELETE", place.path("pods", "on-node"), json=now)
    found = next(each for each in inventory.nodes if each.name == name)
    assert (found.ready, found.cpu_cores, found.memory_bytes) == (True, 7.5, 30 * 2**30)
    assert found.gpus is not None
    assert (found.gpus.count, found.gpus.allocatable, found.gpus.product) == (2, 1, "NVIDIA-H200")
    assert found.hugepages_bytes["1Gi"] == 4 * 2**30
    pod = next(each for each in inventory.pods if each.namespace == place.namespace)
    assert (pod.name, pod.node) == ("on-node", name)


@pytest.mark.needs("write")
def test_a_group_is_absent_until_it_is_defined_and_then_used(
    contract_kubernetes: KubernetesServer, place: Place
) -> None:
    group = "sriovnetwork.openshift.io"
    if group in contract_kubernetes.groups:
        pytest.skip(f"the server has {group} itself")
    assert collected(contract_kubernetes).presence("sriov") is Presence.ABSENT
    with ExitStack() as stack:
        stack.enter_context(custom_kind(place, group, "sriovnetworknodestates", "SriovNetworkNodeState"))
        assert collected(contract_kubernetes).presence("sriov") is Presence.UNUSED
        state = {
            "apiVersion": f"{group}/v1",
            "kind": "SriovNetworkNodeState",
            "metadata": {"name": "node-a"},
            "status": {
                "syncStatus": "Succeeded",
                "interfaces": [
                    {"name": "ens1f0", "pciAddress": "0000:17:00.0", "totalvfs": 8, "numVfs": 4, "Vfs": [{"vfID": 0}]}
                ],
            },
        }
        made = place.create("sriovnetworknodestates", state, f"apis/{group}/v1")
        assert made.status_code == 201, made.text
        inventory = collected(contract_kubernetes)
        assert inventory.presence("sriov") is Presence.PRESENT
        assert [each.node for each in inventory.sriov_nodes] == ["node-a"]
        place.http.delete(place.path("sriovnetworknodestates", "node-a", f"apis/{group}/v1"))


@pytest.mark.needs("openshift")
def test_openshift_says_what_it_is(contract_kubernetes: KubernetesServer) -> None:
    inventory = collected(contract_kubernetes)
    assert inventory.platform == "OpenShift"
    assert inventory.platform_version.count(".") >= 2
    assert inventory.infrastructure is not None
    assert {each.name for each in inventory.cluster_operators} >= {"kube-apiserver", "network"}
    assert inventory.presence("openshift") is Presence.PRESENT
