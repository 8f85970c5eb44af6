"""kubectl works against a simulated cluster as against any: applying, reading in chunks, rights, waiting, deleting."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from simulator.fleet import FleetOptions, SimulatedFleet

OLDEST = (1, 31)
MANIFEST = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: web}}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
        - {name: first, image: "example.com/web:1", ports: [{containerPort: 80}]}
        - {name: second, image: "example.com/side:1"}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80, name: http}]}
"""
DEFINITION = """
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: things.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {plural: things, singular: thing, kind: Thing, shortNames: [th]}
  versions:
    - name: v1
      served: true
      storage: true
      additionalPrinterColumns: [{name: Size, type: integer, jsonPath: .spec.size}]
      schema:
        openAPIV3Schema:
          type: object
          properties: {spec: {type: object, properties: {size: {type: integer, maximum: 5}}}}
"""
THING = """
apiVersion: example.com/v1
kind: Thing
metadata: {name: one}
spec: {size: 3}
"""


def version_of(program: Path) -> tuple[int, int]:
    done = subprocess.run([program, "version", "--client"], capture_output=True, text=True, timeout=30, check=False)
    found = re.search(r"Client Version: v(\d+)\.(\d+)", done.stdout)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def newest() -> Path | None:
    """The newest kubectl here; some distributions have several, and a program that chooses among them."""
    named = shutil.which("kubectl")
    if named is None:
        return None
    beside = [each for each in Path(named).resolve().parent.glob("kubectl.*") if os.access(each, os.X_OK)]
    return max([Path(named), *beside], key=version_of)


class Kubectl:
    """kubectl in a namespace of its own."""

    def __init__(self, program: Path, fleet: SimulatedFleet, home: Path) -> None:
        self._program = program
        self._environment = {**os.environ, "KUBECONFIG": str(fleet.directory / "kubeconfig"), "HOME": str(home)}

    def __call__(self, *arguments: str, text: str | None = None) -> str:
        done = self.run(*arguments, text=text)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def run(self, *arguments: str, text: str | None = None) -> subprocess.CompletedProcess[str]:
        command = [self._program, "-n", "demo", *arguments]
        return subprocess.run(
            command, env=self._environment, input=text, capture_output=True, text=True, timeout=40, check=False
        )


@pytest.fixture(scope="module")
def fleet() -> Iterator[SimulatedFleet]:
    with SimulatedFleet(FleetOptions(clusters=1, faults=())) as running:
        yield running


@pytest.fixture(scope="module")
def kubectl(fleet: SimulatedFleet, tmp_path_factory: pytest.TempPathFactory) -> Kubectl:
    program = newest()
    if program is None:
        pytest.skip("kubectl is not installed")
    version = version_of(program)
    if version < OLDEST:
        pytest.skip(f"kubectl is {version[0]}.{version[1]}, older than 1.31")
    made = Kubectl(program, fleet, tmp_path_factory.mktemp("home"))
    made("create", "namespace", "demo")
    return made


@pytest.mark.parametrize("options", [(), ("--server-side",)], ids=["by client", "by server"])
def test_apply_creates_changes_and_leaves_alone(kubectl: Kubectl, options: tuple[str, ...]) -> None:
    kubectl("apply", *options, "-f", "-", text=MANIFEST)
    changed = MANIFEST.replace("web:1", "web:2")
    kubectl("apply", *options, "-f", "-", text=changed)
    found = yaml.safe_load(kubectl("get", "deployment", "web", "-o", "yaml"))
    images = {each["name"]: each["image"] for each in found["spec"]["template"]["spec"]["containers"]}
    assert images == {"first": "example.com/web:2", "second": "example.com/side:1"}
    again = kubectl("apply", *options, "-f", "-", text=changed)
    version = found["metadata"]["resourceVersion"]
    assert kubectl("get", "deployment", "web", "-o", "jsonpath={.metadata.resourceVersion}") == version
    if not options:
        assert "deployment.apps/web unchanged" in again
    kubectl(
        "apply",
        *options,
        "-f",
        "-",
        text=changed.replace('        - {name: second, image: "example.com/side:1"}\n', ""),
    )
    left = json.loads(kubectl("get", "deployment", "web", "-o", "json"))["spec"]["template"]["spec"]["containers"]
    assert [each["name"] for each in left] == ["first"]
    kubectl("delete", "deployment,service", "web")


def test_chunks_are_the_whole(kubectl: Kubectl) -> None:
    whole = kubectl("get", "pods", "-A", "--no-headers", "-o", "name")
    assert kubectl("get", "pods", "-A", "--no-headers", "-o", "name", "--chunk-size=3") == whole
    assert len(whole.splitlines()) > 10


def test_rights(kubectl: Kubectl, fleet: SimulatedFleet) -> None:
    assert kubectl("auth", "can-i", "list", "pods", "-A").strip() == "yes"
    fleet.deny(fleet.names[0], "create pods/exec", "list secrets")
    for right in (("create", "pods", "--subresource=exec"), ("list", "secrets")):
        refused = kubectl.run("auth", "can-i", *right)
        assert (refused.returncode, refused.stdout.strip()) == (1, "no")
    assert "is forbidden" in kubectl.run("get", "secrets").stderr
    fleet.allow(fleet.names[0])
    assert "system:serviceaccount:monitoring:reader" in kubectl("auth", "whoami")


def test_small_objects(kubectl: Kubectl) -> None:
    kubectl("create", "secret", "generic", "password", "--from-literal=a=b")
    assert kubectl("get", "secret", "password", "-o", "jsonpath={.data.a}") == "Yg=="
    kubectl("create", "configmap", "settings", "--from-literal=a=1")
    kubectl("patch", "configmap", "settings", "--type=merge", "-p", '{"data":{"b":"2"}}')
    kubectl("label", "configmap", "settings", "tier=gold")
    kubectl("annotate", "configmap", "settings", "note=x")
    found = json.loads(kubectl("get", "configmap", "-l", "tier=gold", "-o", "json"))["items"]
    assert [each["data"] for each in found] == [{"a": "1", "b": "2"}]
    assert len(kubectl("create", "token", "default").split(".")) == 3
    kubectl("create", "role", "r", "--verb=list", "--resource=pods")
    kubectl("create", "rolebinding", "r", "--role=r", "--serviceaccount=demo:default")
    kubectl("delete", "configmap/settings", "secret/password")
    assert kubectl("get", "all,configmaps,secrets", "-o", "name") == ""


def test_a_kind_is_defined_used_and_waited_for(kubectl: Kubectl) -> None:
    kubectl("apply", "-f", "-", text=DEFINITION)
    kubectl("wait", "--for=condition=established", "--timeout=20s", "crd/things.example.com")
    kubectl("apply", "-f", "-", text=THING)
    assert kubectl("get", "th", "--no-headers").split() == ["one", "3"]
    refused = kubectl.run("patch", "thing", "one", "--type=merge", "-p", '{"spec":{"size":9}}')
    assert "spec.size in body should be less than or equal to 5" in refused.stderr
    assert "size\t<integer>" in kubectl("explain", "thing.spec")
    kubectl("delete", "thing", "one", "--timeout=20s")
    kubectl("delete", "crd", "things.example.com", "--timeout=20s")
    assert "the server doesn't have a resource type" in kubectl.run("get", "nothings").stderr


def test_waiting_for_the_end_of_a_pod(kubectl: Kubectl) -> None:
    kubectl("run", "short", "--image=example.com/x")
    waited = kubectl.run("wait", "--for=delete", "pod/short", "--timeout=1s")
    assert waited.returncode != 0
    assert kubectl("get", "pod", "short", "--no-headers").split()[:3] == ["short", "0/1", "Pending"]
    kubectl("delete", "pod", "short", "--wait=true", "--timeout=20s")
    assert kubectl.run("get", "pod", "short").returncode != 0


def test_the_clusters_own_objects(kubectl: Kubectl) -> None:
    node = kubectl("get", "nodes", "-o", "name").splitlines()[-1]
    kubectl("label", node, "zone=a")
    kubectl("cordon", node)
    assert "SchedulingDisabled" in kubectl("get", node, "--no-headers")
    kubectl("-n", "shop", "set", "image", "deployment/cart", "cart=example.com/cart:9")
    assert "example.com/cart:9" in kubectl("-n", "shop", "get", "deployment", "cart", "-o", "wide")
    kubectl("delete", node)
    assert node not in kubectl("get", "nodes", "-o", "name")
