"""Real clients, kubectl and the ``kubernetes`` package, are at home in a simulated cluster."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from kubernetes import client as k8s
from kubernetes import config

from simulator.fleet import SimulatedFleet

KUBECTL = shutil.which("kubectl")
EVENTS = ("events", "events.events.k8s.io")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path


def kubectl(fleet: SimulatedFleet, home: Path, *arguments: str) -> str:
    if KUBECTL is None:
        pytest.skip("kubectl is not installed")
    environment = {**os.environ, "KUBECONFIG": str(fleet.directory / "kubeconfig"), "HOME": str(home)}
    done = subprocess.run(
        [KUBECTL, *arguments], env=environment, capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    return done.stdout


def test_kubectl_shows_nodes_and_pods(fleet: SimulatedFleet, home: Path) -> None:
    nodes = kubectl(fleet, home, "get", "nodes", "--no-headers").splitlines()
    assert len(nodes) >= 4
    assert all(" Ready " in line for line in nodes)
    pods = kubectl(fleet, home, "get", "pods", "-A", "--no-headers")
    assert pods == kubectl(fleet, home, "get", "pods", "-A", "--no-headers", "--chunk-size=3")
    assert len(pods.splitlines()) >= 15


def test_kubectl_reads_whole_objects(fleet: SimulatedFleet, home: Path) -> None:
    text = kubectl(fleet, home, "--context", fleet.names[1], "get", "deploy", "-n", "shop", "-o", "yaml")
    items = yaml.safe_load(text)["items"]
    assert {item["metadata"]["name"] for item in items} >= {"cart", "checkout"}
    one = json.loads(kubectl(fleet, home, "get", "deploy/cart", "-n", "shop", "-o", "json"))
    assert one["spec"]["template"]["spec"]["containers"][0]["image"].startswith("registry.example.net/shop/cart:")
    events = kubectl(fleet, home, "get", "events", "-A", "--field-selector", "reason=ScalingReplicaSet")
    assert "Scaled up replica set" in events
    either = [kubectl(fleet, home, "get", kind, "-A", "--no-headers", "-o", "name") for kind in EVENTS]
    assert [text.replace(".events.k8s.io", "") for text in either] == [either[0]] * 2
    newer = kubectl(fleet, home, "get", "events.events.k8s.io", "-n", "shop", "--field-selector", "reason=Scheduled")
    assert "Successfully assigned shop/" in newer
    assert "Allocated resources" in kubectl(fleet, home, "describe", "nodes")


@pytest.fixture
def reader(fleet: SimulatedFleet) -> Iterator[k8s.ApiClient]:
    made = config.new_client_from_config(str(fleet.directory / "kubeconfig"), context=fleet.names[0])
    with made as opened:
        yield opened


def test_python_client_reads_typed_objects(fleet: SimulatedFleet, reader: k8s.ApiClient) -> None:
    core, apps = k8s.CoreV1Api(reader), k8s.AppsV1Api(reader)
    assert k8s.VersionApi(reader).get_code().git_version.startswith("v1.")
    first = core.list_pod_for_all_namespaces(limit=5)
    assert first.metadata.remaining_item_count > 0
    second = core.list_pod_for_all_namespaces(limit=500, _continue=first.metadata._continue)
    assert len(second.items) == first.metadata.remaining_item_count
    pod = second.items[0]
    assert pod.status.container_statuses[0].restart_count >= 0
    assert pod.metadata.creation_timestamp.tzinfo is not None
    node = core.read_node(pod.spec.node_name)
    assert {condition.type for condition in node.status.conditions} >= {"Ready", "DiskPressure"}
    deployment = apps.read_namespaced_deployment("cart", "shop")
    assert deployment.status.ready_replicas == deployment.spec.replicas
    assert apps.list_replica_set_for_all_namespaces().items
    assert apps.list_namespaced_daemon_set("openshift-monitoring").items[0].metadata.name == "node-exporter"
    assert core.list_event_for_all_namespaces(field_selector="type=Normal").items
    scheduled = k8s.EventsV1Api(reader).list_event_for_all_namespaces(field_selector="reason=Scheduled").items
    assert {(each.reporting_controller, each.action, each.deprecated_count) for each in scheduled} == {
        ("default-scheduler", "Binding", None)
    }


def test_python_client_sees_refusals(reader: k8s.ApiClient) -> None:
    with pytest.raises(k8s.ApiException) as caught:
        k8s.CoreV1Api(reader).read_namespaced_pod("absent", "shop")
    assert caught.value.status == 404
    with pytest.raises(k8s.ApiException) as caught:
        k8s.CoreV1Api(reader).create_namespaced_pod(
            "shop", {"metadata": {"name": "Bad_Name"}, "spec": {"containers": []}}
        )
    assert caught.value.status == 422
