"""What operators and platforms keep in a cluster's API, read with the ``kubernetes`` package and kubectl."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from kubernetes import client as k8s
from kubernetes import config

from simulator.fleet import FleetOptions, SimulatedFleet
from tests.simulator.conftest import ANCHOR, api
from tests.simulator.test_kubernetes_clients import kubectl

Object = dict[str, Any]
OPENSHIFT, VANILLA, TELCO, MANAGED, ACCELERATED = "fra-01", "dub-01", "iad-01", "sin-01", "fra-02"


class Cluster:
    """One cluster through the real client."""

    def __init__(self, connection: k8s.ApiClient) -> None:
        self.core = k8s.CoreV1Api(connection)
        self._custom = k8s.CustomObjectsApi(connection)

    def items(self, group: str, version: str, plural: str) -> dict[str, Object]:
        """The custom objects of a kind by name, each with its kind and apiVersion as real servers send them."""
        listed = self._custom.list_cluster_custom_object(group, version, plural)
        assert listed["apiVersion"] == f"{group}/{version}"
        for item in listed["items"]:
            assert item["apiVersion"] == listed["apiVersion"]
            assert f"{item['kind']}List" == listed["kind"]
        return {item["metadata"]["name"]: item for item in listed["items"]}

    def nodes(self) -> dict[str, k8s.V1Node]:
        return {node.metadata.name: node for node in self.core.list_node().items}

    def services(self, namespace: str) -> dict[str, k8s.V1Service]:
        return {each.metadata.name: each for each in self.core.list_namespaced_service(namespace).items}


@pytest.fixture(scope="module")
def five() -> Iterator[SimulatedFleet]:
    with SimulatedFleet(FleetOptions(clusters=5, seed=7, anchor=ANCHOR)) as running:
        yield running


@pytest.fixture(scope="module")
def clusters(five: SimulatedFleet) -> Iterator[dict[str, Cluster]]:
    connections = {
        name: config.new_client_from_config(str(five.directory / "kubeconfig"), context=name) for name in five.names
    }
    yield {name: Cluster(connection) for name, connection in connections.items()}
    for connection in connections.values():
        connection.close()


def conditions(item: Object) -> dict[str, str]:
    return {each["type"]: each["status"] for each in item["status"]["conditions"]}


def test_openshift_says_its_version_and_how_it_is(clusters: dict[str, Cluster]) -> None:
    openshift = clusters[OPENSHIFT]
    version = openshift.items("config.openshift.io", "v1", "clusterversions")["version"]
    history = version["status"]["history"]
    assert [each["state"] for each in history] == ["Completed", "Completed"]
    assert history[0]["startedTime"] > history[1]["completionTime"]
    assert version["status"]["availableUpdates"] is None
    assert conditions(version)["Failing"] == "False"
    operators = openshift.items("config.openshift.io", "v1", "clusteroperators")
    assert len(operators) >= 30
    assert {conditions(each)["Available"] for each in operators.values()} == {"True"}
    degraded = [each for each in operators["dns"]["status"]["conditions"] if each["type"] == "Degraded"]
    assert "reason" not in degraded[0]
    infrastructure = openshift.items("config.openshift.io", "v1", "infrastructures")["cluster"]["status"]
    masters = [name for name in openshift.nodes() if name.startswith("master")]
    assert infrastructure["controlPlaneTopology"] == ("HighlyAvailable" if len(masters) > 1 else "SingleReplica")


def test_machine_config_pools_count_the_nodes(clusters: dict[str, Cluster]) -> None:
    openshift = clusters[OPENSHIFT]
    nodes = openshift.nodes()
    pools = openshift.items("machineconfiguration.openshift.io", "v1", "machineconfigpools")
    configurations = openshift.items("machineconfiguration.openshift.io", "v1", "machineconfigs")
    assert sum(pool["status"]["machineCount"] for pool in pools.values()) == len(nodes)
    for name, pool in pools.items():
        rendered = pool["status"]["configuration"]["name"]
        assert rendered in configurations
        assert {each["name"] for each in pool["spec"]["configuration"]["source"]} <= set(configurations)
        members = [node for node in nodes.values() if node.metadata.name.startswith(name)]
        key = "machineconfiguration.openshift.io/currentConfig"
        assert {node.metadata.annotations[key] for node in members} == {rendered}


def test_a_degraded_operator_stands_in_some_clusters_of_a_large_fleet() -> None:
    degraded = []
    with SimulatedFleet(FleetOptions(clusters=30, faults=(), anchor=ANCHOR)) as fleet:
        for name in [name for index, name in enumerate(fleet.names) if index % 5 in {0, 2, 4}]:
            operators = api(fleet, name, "kubernetes").get("/apis/config.openshift.io/v1/clusteroperators").json()
            degraded.append([each for each in operators["items"] if conditions(each)["Degraded"] == "True"])
    assert 0 < sum(map(bool, degraded)) < len(degraded) / 3
    assert max(map(len, degraded)) == 1


def test_olm_objects_point_at_each_other(clusters: dict[str, Cluster]) -> None:
    telco, group = clusters[TELCO], ("operators.coreos.com", "v1alpha1")
    subscriptions = telco.items(*group, "subscriptions")
    plans = telco.items(*group, "installplans")
    versions = telco._custom.list_cluster_custom_object(*group, "clusterserviceversions")["items"]
    own = {each["metadata"]["name"]: each for each in versions if each["status"]["reason"] == "InstallSucceeded"}
    assert {"sriov-network-operator", "ptp-operator", "gpu-operator-certified", "nfd"} <= set(subscriptions)
    for subscription in subscriptions.values():
        version = own[subscription["status"]["installedCSV"]]
        assert version["status"]["phase"] == "Succeeded"
        assert version["metadata"]["namespace"] == subscription["metadata"]["namespace"]
        plan = plans[subscription["status"]["installPlanRef"]["name"]]
        assert plan["spec"]["clusterServiceVersionNames"] == [version["metadata"]["name"]]
        assert plan["metadata"]["uid"] == subscription["status"]["installPlanRef"]["uid"]
    copies = [each for each in versions if each["status"]["reason"] == "Copied"]
    assert copies
    assert {each["metadata"]["labels"]["olm.copiedFrom"] for each in copies} <= {
        each["metadata"]["namespace"] for each in own.values()
    }


def test_removed_api_versions_are_told_with_who_asks(clusters: dict[str, Cluster]) -> None:
    counts = clusters[OPENSHIFT].items("apiserver.openshift.io", "v1", "apirequestcounts")
    removed = {name: each["status"] for name, each in counts.items() if "removedInRelease" in each["status"]}
    assert {status["removedInRelease"] for status in removed.values()} == {"1.32"}
    for status in removed.values():
        assert status["requestCount"] == sum(hour["requestCount"] for hour in status["last24h"])
        assert status["currentHour"]["byNode"][0]["byUser"][0]["username"].startswith("system:serviceaccount:")


def test_routes_lead_to_services_and_can_be_trusted(five: SimulatedFleet, clusters: dict[str, Cluster]) -> None:
    openshift = clusters[OPENSHIFT]
    answer = api(five, OPENSHIFT, "kubernetes").get("/apis/route.openshift.io/v1/routes").json()
    routes = {(each["metadata"]["namespace"], each["metadata"]["name"]): each for each in answer["items"]}
    # Routes have a server of their own: their lists are like built-in ones.
    assert all("kind" not in each for each in answer["items"])
    monitoring = {name for namespace, name in routes if namespace == "openshift-monitoring"}
    assert monitoring == {"thanos-querier", "alertmanager-main", "prometheus-k8s", "prometheus-k8s-federate"}
    stack = next(iter(openshift.items("loki.grafana.com", "v1", "lokistacks").values()))
    assert (stack["metadata"]["namespace"], stack["metadata"]["name"]) in routes
    tempo = next(iter(openshift.items("tempo.grafana.com", "v1alpha1", "tempostacks").values()))
    assert (tempo["metadata"]["namespace"], f"tempo-{tempo['metadata']['name']}-gateway") in routes
    for (namespace, _), route in routes.items():
        if namespace == "openshift-console":
            continue
        service = openshift.services(namespace)[route["spec"]["to"]["name"]]
        assert route["spec"]["port"]["targetPort"] in {port.name for port in service.spec.ports}
        assert route["status"]["ingress"][0]["host"] == route["spec"]["host"]
    bundle = openshift.core.read_namespaced_config_map("default-ingress-cert", "openshift-config-managed")
    assert bundle.data["ca-bundle.crt"] == (five.directory / "ca.pem").read_text()


@pytest.mark.parametrize("name", [VANILLA, MANAGED])
def test_charts_bring_their_services(clusters: dict[str, Cluster], name: str) -> None:
    services = clusters[name].services("monitoring")
    ports = {each: {port.name: port.port for port in services[each].spec.ports} for each in services}
    assert ports["kube-prometheus-stack-prometheus"]["http-web"] == 9090
    assert ports["alertmanager-operated"]["http-web"] == 9093
    assert services["prometheus-operated"].spec.cluster_ip == "None"
    assert services["prometheus-operated"].metadata.labels["operated-prometheus"] == "true"
    assert services["loki-gateway"].metadata.labels["app.kubernetes.io/component"] == "gateway"
    assert ports["tempo"]["tempo-prom-metrics"] == 3200
    assert services["tempo"].metadata.labels["app.kubernetes.io/name"] == "tempo"


def test_telco_nodes_have_what_their_objects_say(clusters: dict[str, Cluster]) -> None:
    telco = clusters[TELCO]
    nodes = {name: node for name, node in telco.nodes().items() if name.startswith("worker")}
    states = telco.items("sriovnetwork.openshift.io", "v1", "sriovnetworknodestates")
    assert set(states) == set(nodes)
    for name, state in states.items():
        assert state["status"]["syncStatus"] == "Succeeded"
        for wanted, seen in zip(state["spec"]["interfaces"], state["status"]["interfaces"], strict=False):
            group = wanted["vfGroups"][0]
            assert len(seen["Vfs"]) == seen["numVfs"] == wanted["numVfs"]
            assert nodes[name].status.capacity[f"openshift.io/{group['resourceName']}"] == str(wanted["numVfs"])
            assert all(("name" in each) == (group["deviceType"] == "netdevice") for each in seen["Vfs"])
        assert "totalvfs" not in state["status"]["interfaces"][-1]
        assert nodes[name].status.capacity["hugepages-1Gi"] == "8Gi"
    policies = telco.items("sriovnetwork.openshift.io", "v1", "sriovnetworknodepolicies")
    assert policies["default"]["spec"]["numVfs"] == 0
    assert set(telco.items("k8s.cni.cncf.io", "v1", "network-attachment-definitions")) == {"fronthaul", "midhaul"}
    profile = telco.items("performance.openshift.io", "v2", "performanceprofiles")["telco-du"]
    assert profile["spec"]["hugepages"]["pages"] == [{"count": 8, "size": "1G"}]
    assert sum("nvidia.com/gpu" in node.status.capacity for node in nodes.values()) == 1


def test_ptp_clocks_are_matched_to_nodes(clusters: dict[str, Cluster]) -> None:
    telco = clusters[TELCO]
    configurations = telco.items("ptp.openshift.io", "v1", "ptpconfigs")
    matched = {name: each["status"]["matchList"][0]["nodeName"] for name, each in configurations.items()}
    assert len(set(matched.values())) == 2
    assert "-s" in configurations["ordinary-clock"]["spec"]["profile"][0]["ptp4lOpts"].split()
    assert "masterOnly 1" in configurations["boundary-clock"]["spec"]["profile"][0]["ptp4lConf"]
    assert configurations["boundary-clock"]["spec"]["profile"][0]["ptpClockThreshold"]["maxOffsetThreshold"] == 100
    devices = telco.items("ptp.openshift.io", "v1", "nodeptpdevices")
    assert set(matched.values()) <= set(devices)
    assert telco.items("ptp.openshift.io", "v1", "ptpoperatorconfigs")["default"]["spec"]["ptpEventConfig"]


def test_a_data_plane_pod_asks_for_its_devices_and_has_them(clusters: dict[str, Cluster]) -> None:
    telco = clusters[TELCO]
    pod = telco.core.list_namespaced_pod("ran", label_selector="app.kubernetes.io/component=du").items[0]
    resources = pod.spec.containers[0].resources
    assert resources.requests == resources.limits
    assert pod.status.qos_class == "Guaranteed"
    assert resources.requests["hugepages-1Gi"] == "4Gi"
    attached = json.loads(pod.metadata.annotations["k8s.v1.cni.cncf.io/network-status"])
    assert attached[0]["ips"] == [pod.status.pod_ip]
    state = telco.items("sriovnetwork.openshift.io", "v1", "sriovnetworknodestates")[pod.spec.node_name]
    functions = {each["pciAddress"] for seen in state["status"]["interfaces"] for each in seen.get("Vfs", [])}
    used = [each["device-info"]["pci"]["pci-address"] for each in attached[1:]]
    assert len(set(used)) == 3
    assert set(used) <= functions
    for name in ("openshift.io/fronthaul", "openshift.io/midhaul"):
        allocatable = int(telco.nodes()[pod.spec.node_name].status.allocatable[name])
        assert int(resources.requests[name]) <= allocatable
    plain = clusters[OPENSHIFT].core.list_namespaced_pod("ran").items
    assert all(each.status.qos_class == "Burstable" for each in plain)


def test_accelerated_nodes_tell_their_gpus(clusters: dict[str, Cluster]) -> None:
    accelerated = clusters[ACCELERATED]
    nodes = [node for node in accelerated.nodes().values() if "nvidia.com/gpu.present" in node.metadata.labels]
    assert len(nodes) == 3
    for node in nodes:
        labels, capacity = node.metadata.labels, node.status.capacity
        whole, split = int(capacity["nvidia.com/gpu"]), labels["nvidia.com/mig.strategy"] == "mixed"
        assert int(labels["nvidia.com/gpu.count"]) == whole + split
        assert whole - int(node.status.allocatable["nvidia.com/gpu"]) in {0, 1}
        assert ("nvidia.com/mig-3g.71gb" in capacity) == split
    assert sum("nvidia.com/mig-3g.71gb.product" in node.metadata.labels for node in nodes) == 1
    policy = accelerated.items("nvidia.com", "v1", "clusterpolicies")["gpu-cluster-policy"]
    assert policy["status"]["state"] == "ready"
    assert policy["spec"]["mig"]["strategy"] == "mixed"
    # What the metrics know is the first two nodes, two GPUs each.
    assert [node.status.capacity["nvidia.com/gpu"] for node in nodes[:2]] == ["2", "2"]


def test_roles_and_taints_of_nodes(clusters: dict[str, Cluster]) -> None:
    def roles(name: str) -> set[str]:
        prefix = "node-role.kubernetes.io/"
        labels = [label for node in clusters[name].nodes().values() for label in node.metadata.labels]
        return {label.removeprefix(prefix) for label in labels if label.startswith(prefix)}

    assert roles(OPENSHIFT) == {"control-plane", "master", "worker", "infra"}
    assert roles(TELCO) == {"control-plane", "master", "worker", "edge"}
    assert roles(VANILLA) == {"control-plane", "worker"}
    control = next(node for name, node in clusters[VANILLA].nodes().items() if "control" in name)
    assert [each.key for each in control.spec.taints] == ["node-role.kubernetes.io/control-plane"]


def test_storage_is_there_once(clusters: dict[str, Cluster]) -> None:
    openshift = clusters[OPENSHIFT]
    storage = openshift.items("ocs.openshift.io", "v1", "storageclusters")["ocs-storagecluster"]
    assert storage["status"]["phase"] == "Ready"
    ceph = openshift.items("ceph.rook.io", "v1", "cephclusters")["ocs-storagecluster-cephcluster"]["status"]["ceph"]
    assert ceph["health"] == "HEALTH_OK"
    assert ceph["capacity"]["bytesAvailable"] + ceph["capacity"]["bytesUsed"] == ceph["capacity"]["bytesTotal"]
    with pytest.raises(k8s.ApiException) as caught:
        clusters[TELCO].items("ocs.openshift.io", "v1", "storageclusters")
    assert (caught.value.status, caught.value.body) == (404, "404 page not found\n")


def test_the_first_cluster_manages_the_others(five: SimulatedFleet, clusters: dict[str, Cluster]) -> None:
    managed = clusters[OPENSHIFT].items("cluster.open-cluster-management.io", "v1", "managedclusters")
    assert set(managed) == {"local-cluster", *five.names[1:]}
    assert managed["local-cluster"]["metadata"]["labels"]["local-cluster"] == "true"
    available = {name: conditions(each)["ManagedClusterConditionAvailable"] for name, each in managed.items()}
    assert [name for name, status in available.items() if status != "True"] == [ACCELERATED]
    client = managed[VANILLA]["spec"]["managedClusterClientConfigs"][0]
    assert client["url"] == f"{five.url}/{VANILLA}/kubernetes"
    assert base64.b64decode(client["caBundle"]).decode() == (five.directory / "ca.pem").read_text()
    with pytest.raises(k8s.ApiException):
        clusters[ACCELERATED].items("cluster.open-cluster-management.io", "v1", "managedclusters")


def test_kubectl_reads_custom_objects(five: SimulatedFleet, tmp_path: Path) -> None:
    ask = cache(lambda *words: kubectl(five, tmp_path, *words))
    assert len(ask("get", "clusteroperators", "--no-headers").splitlines()) >= 30
    assert "ready" in ask("--context", ACCELERATED, "get", "clusterpolicies", "-o", "yaml")
    states = ask("--context", TELCO, "get", "sriovnetworknodestates", "-A", "-o", "json")
    assert all(item["kind"] == "SriovNetworkNodeState" for item in json.loads(states)["items"])
    assert "thanos-querier" in ask("get", "routes", "-n", "openshift-monitoring")
    assert "hugepages-1Gi" in ask("--context", TELCO, "describe", "nodes")
