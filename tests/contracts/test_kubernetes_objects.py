"""Objects: what a write has to respect, and what the server says to one that does not."""

from __future__ import annotations

import base64
import uuid
from typing import Any

import httpx
import pytest
from kubernetes import client as k8s

from tests.contracts.kubernetes_server import KubernetesServer, Place

pytestmark = pytest.mark.needs("write")


@pytest.fixture
def name() -> str:
    return f"object-{uuid.uuid4().hex[:8]}"


def refusal(answer: httpx.Response) -> tuple[int, str]:
    body = answer.json()
    assert (body["kind"], body["apiVersion"], body["status"]) == ("Status", "v1", "Failure")
    return answer.status_code, body.get("reason", "")


def fields(answer: httpx.Response) -> list[str]:
    return [cause["field"] for cause in answer.json()["details"]["causes"]]


def test_a_stale_write_is_refused(place: Place, name: str) -> None:
    made = place.config_map(name, {"a": "1"})
    assert {"uid", "resourceVersion", "creationTimestamp"} <= set(made["metadata"])
    again = place.create("configmaps", {"metadata": {"name": name}})
    assert refusal(again) == (409, "AlreadyExists")
    assert again.json()["message"] == f'configmaps "{name}" already exists'
    path = place.path("configmaps", name)
    changed = place.http.put(path, json={**made, "data": {"a": "2"}})
    assert changed.status_code == 200
    assert changed.json()["metadata"]["resourceVersion"] != made["metadata"]["resourceVersion"]
    assert changed.json()["metadata"]["uid"] == made["metadata"]["uid"]
    stale = place.http.put(path, json={**made, "data": {"a": "3"}})
    assert refusal(stale) == (409, "Conflict")
    assert "the object has been modified; please apply your changes to the latest version" in stale.json()["message"]
    patch = {"metadata": {"resourceVersion": made["metadata"]["resourceVersion"]}, "data": {"a": "4"}}
    assert refusal(place.patch(path, patch)) == (409, "Conflict")
    other = {"metadata": {"name": name, "uid": "x"}}
    assert refusal(place.http.put(path, json=other)) == (409, "Conflict")
    unversioned = place.http.put(path, json={"metadata": {"name": name}, "data": {"a": "5"}})
    assert (unversioned.status_code, unversioned.json()["data"]) == (200, {"a": "5"})


def test_a_write_that_changes_nothing_is_no_new_version(place: Place, name: str) -> None:
    made = place.config_map(name, {"a": "1"})
    path = place.path("configmaps", name)
    same = place.patch(path, {"data": {"a": "1"}})
    assert same.json()["metadata"]["resourceVersion"] == made["metadata"]["resourceVersion"]


def test_documents_that_do_not_fit(place: Place, name: str) -> None:
    place.config_map(name)
    path = place.path("configmaps", name)
    assert refusal(place.http.put(path, json={"metadata": {"name": "other"}})) == (400, "BadRequest")
    assert refusal(place.http.put(place.path("configmaps", "absent"), json={"metadata": {"name": "absent"}}))[0] == 404
    elsewhere = {"metadata": {"name": "a", "namespace": "default"}}
    assert refusal(place.create("configmaps", elsewhere)) == (400, "BadRequest")
    nowhere = place.http.post("/api/v1/namespaces/fleetscope-nowhere/configmaps", json={"metadata": {"name": "a"}})
    assert refusal(nowhere) == (404, "NotFound")
    wrong = place.create("configmaps", {"metadata": {"name": "Bad_Name"}})
    assert (refusal(wrong), fields(wrong)) == ((422, "Invalid"), ["metadata.name"])
    nameless = place.create("configmaps", {"metadata": {}})
    assert (refusal(nameless), fields(nameless)) == ((422, "Invalid"), ["metadata.name"])
    broken = place.http.post(place.path("configmaps"), content="{", headers={"Content-Type": "application/json"})
    assert refusal(broken) == (400, "BadRequest")
    text = place.http.post(place.path("configmaps"), content="x", headers={"Content-Type": "text/plain"})
    assert refusal(text) == (415, "UnsupportedMediaType")
    numbered = place.create("configmaps", {"metadata": {"name": "a"}, "data": {"a": 1}})
    assert refusal(numbered) == (400, "BadRequest")
    assert refusal(place.http.put(place.path("configmaps"), json={})) == (405, "MethodNotAllowed")


def test_names_can_be_made_by_the_server_and_nothing_be_stored(place: Place, name: str) -> None:
    made = place.create("configmaps", {"metadata": {"generateName": "made-"}}).json()["metadata"]["name"]
    assert made.startswith("made-")
    assert len(made) == len("made-") + 5
    dry = place.http.post(place.path("configmaps"), params={"dryRun": "All"}, json={"metadata": {"name": name}})
    assert dry.status_code == 201
    assert place.http.get(place.path("configmaps", name)).status_code == 404
    odd = place.http.post(place.path("configmaps"), params={"dryRun": "yes"}, json={"metadata": {"name": name}})
    assert (refusal(odd), fields(odd)) == ((422, "Invalid"), ["dryRun"])


def test_patches(place: Place, name: str) -> None:
    place.config_map(name, {"a": "1", "b": "2"})
    path = place.path("configmaps", name)
    assert place.patch(path, {"data": {"a": None, "c": "3"}}).json()["data"] == {"b": "2", "c": "3"}
    operations: list[dict[str, Any]] = [
        {"op": "test", "path": "/data/b", "value": "2"},
        {"op": "replace", "path": "/data/b", "value": "4"},
        {"op": "add", "path": "/metadata/labels", "value": {"x/y": "1"}},
        {"op": "remove", "path": "/data/c"},
    ]
    changed = place.patch(path, operations, "json-patch+json").json()
    assert (changed["data"], changed["metadata"]["labels"]) == ({"b": "4"}, {"x/y": "1"})
    failed = place.patch(path, [{"op": "test", "path": "/data/b", "value": "2"}], "json-patch+json")
    assert refusal(failed) == (422, "Invalid")
    assert refusal(place.patch(path, {}, "json")) == (415, "UnsupportedMediaType")
    merged = place.patch(path, {"data": {"d": "5"}}, "strategic-merge-patch+json")
    assert merged.json()["data"] == {"b": "4", "d": "5"}


def test_lists_with_names_merge_by_name(place: Place, name: str) -> None:
    containers = [{"name": "a", "image": "one"}, {"name": "b", "image": "two"}]
    template = {"metadata": {"labels": {"app": name}}, "spec": {"containers": containers}}
    spec = {"replicas": 1, "selector": {"matchLabels": {"app": name}}, "template": template}
    body = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": spec}
    made = place.create("deployments", body, "apis/apps/v1")
    assert made.status_code == 201, made.text
    assert made.json()["metadata"]["generation"] == 1
    path = place.path("deployments", name, "apis/apps/v1")
    patch = {"spec": {"template": {"spec": {"containers": [{"name": "b", "image": "three"}]}}}}
    changed = place.patch(path, patch, "strategic-merge-patch+json").json()
    images = {each["name"]: each["image"] for each in changed["spec"]["template"]["spec"]["containers"]}
    assert images == {"a": "one", "b": "three"}
    assert changed["metadata"]["generation"] == 2
    gone = {"spec": {"template": {"spec": {"containers": [{"$patch": "delete", "name": "a"}]}}}}
    left = place.patch(path, gone, "strategic-merge-patch+json").json()["spec"]["template"]["spec"]["containers"]
    assert [each["name"] for each in left] == ["b"]
    status = place.patch(f"{path}/status", {"status": {"replicas": 1}, "spec": {"replicas": 9}}).json()
    assert (status["status"]["replicas"], status["spec"]["replicas"]) == (1, 1)
    place.http.delete(path)


def test_appliers_do_not_take_each_others_fields(place: Place, name: str) -> None:
    path = place.path("configmaps", name)

    def apply(manager: str, data: dict[str, str], **parameters: str) -> httpx.Response:
        document = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}
        return place.patch(path, document, "apply-patch+yaml", fieldManager=manager, **parameters)

    assert refusal(place.patch(path, {"metadata": {"name": name}}, "apply-patch+yaml")) == (422, "Invalid")
    assert apply("one", {"a": "1", "b": "1"}).status_code == 201
    again = apply("one", {"a": "1", "b": "1"})
    assert again.status_code == 200
    clash = apply("two", {"a": "2"})
    assert refusal(clash) == (409, "Conflict")
    assert clash.json()["message"] == 'Apply failed with 1 conflict: conflict with "one": .data.a'
    assert clash.json()["details"]["causes"][0]["reason"] == "FieldManagerConflict"
    assert apply("two", {"a": "1", "c": "3"}).json()["data"] == {"a": "1", "b": "1", "c": "3"}
    assert apply("two", {"a": "2"}, force="true").json()["data"] == {"a": "2", "b": "1"}
    assert apply("one", {}).json()["data"] == {"a": "2"}


def test_secrets(place: Place, name: str) -> None:
    path = place.path("secrets", name)
    body = {"metadata": {"name": name}, "stringData": {"password": "dummy"}, "data": {"user": "ZHVtbXk="}}
    made = place.create("secrets", body)
    assert made.status_code == 201
    assert (made.json()["data"], made.json()["type"]) == ({"password": "ZHVtbXk=", "user": "ZHVtbXk="}, "Opaque")
    assert "stringData" not in made.json()
    changed = place.patch(path, {"stringData": {"password": "x"}, "data": {"user": None}}).json()
    assert changed["data"] == {"password": "eA=="}
    assert refusal(place.http.put(path, json=made.json())) == (409, "Conflict")
    typed = {**changed, "type": "example.com/other"}
    assert (refusal(answer := place.http.put(path, json=typed)), fields(answer)) == ((422, "Invalid"), ["type"])
    assert place.patch(path, {"immutable": True}).status_code == 200
    fixed = place.patch(path, {"stringData": {"z": "1"}})
    assert (refusal(fixed), fields(fixed)) == ((422, "Invalid"), ["data"])
    assert place.http.delete(path).status_code == 200
    assert place.http.get(path).status_code == 404


def test_secrets_that_cannot_be(place: Place, name: str) -> None:
    def made(**parts: Any) -> httpx.Response:
        return place.create("secrets", {"metadata": {"name": name}, **parts})

    assert refusal(made(data={"user": "***"})) == (400, "BadRequest")
    odd = made(stringData={"a b": "x"})
    assert (refusal(odd), fields(odd)) == ((422, "Invalid"), ["data[a b]"])
    bare = made(type="kubernetes.io/tls", data={})
    assert (refusal(bare), fields(bare)) == ((422, "Invalid"), ["data[tls.crt]", "data[tls.key]"])
    large = made(data={"a": base64.b64encode(b"x" * (2**20 + 1)).decode()})
    assert (refusal(large), fields(large)) == ((422, "Invalid"), ["data"])
    huge = made(data={"a": "A" * (3 * 2**20 + 1024)})
    assert refusal(huge) == (413, "RequestEntityTooLarge")


def test_deletion(place: Place, name: str) -> None:
    made = place.config_map(name, labels={"doomed": name})
    path = place.path("configmaps", name)
    stale = {"kind": "DeleteOptions", "apiVersion": "v1", "preconditions": {"resourceVersion": "1"}}
    assert refusal(place.http.request("DELETE", path, json=stale)) == (409, "Conflict")
    assert place.http.delete(path, params={"dryRun": "All"}).status_code == 200
    deleted = place.http.delete(path).json()
    assert (deleted["kind"], deleted["status"]) == ("Status", "Success")
    assert deleted["details"] == {"name": name, "kind": "configmaps", "uid": made["metadata"]["uid"]}
    assert refusal(place.http.delete(path)) == (404, "NotFound")
    for number in range(3):
        place.config_map(f"{name}-{number}", labels={"doomed": name})
    place.http.delete(place.path("configmaps"), params={"labelSelector": f"doomed={name}"})
    left = place.http.get(place.path("configmaps"), params={"labelSelector": f"doomed={name}"})
    assert left.json()["items"] == []


def test_finalizers_hold_an_object_back(place: Place, name: str) -> None:
    place.config_map(name, finalizers=["fleetscope.example/hold"])
    path = place.path("configmaps", name)
    assert place.http.delete(path).status_code == 200
    assert place.http.get(path).json()["metadata"]["deletionTimestamp"]
    assert place.patch(path, {"metadata": {"finalizers": None}}).status_code == 200
    assert place.http.get(path).status_code == 404


def test_the_kubernetes_package_writes_and_reads(
    contract_kubernetes: KubernetesServer, place: Place, name: str
) -> None:
    with contract_kubernetes.client() as connection:
        core: Any = k8s.CoreV1Api(connection)
        body = {"metadata": {"name": name}, "stringData": {"a": "b"}}
        made = core.create_namespaced_secret(place.namespace, body)
        assert made.data == {"a": "Yg=="}
        made.data = {"a": "Yw=="}
        changed = core.replace_namespaced_secret(name, place.namespace, made)
        with pytest.raises(k8s.ApiException) as caught:
            core.replace_namespaced_secret(name, place.namespace, made)
        assert caught.value.status == 409
        assert core.read_namespaced_secret(name, place.namespace).metadata.resource_version == (
            changed.metadata.resource_version
        )
        core.patch_namespaced_secret(name, place.namespace, {"metadata": {"labels": {"run": place.run}}})
        found = core.list_namespaced_secret(place.namespace, label_selector=f"run={place.run}")
        assert [each.metadata.name for each in found.items] == [name]
        core.delete_namespaced_secret(name, place.namespace)
        with pytest.raises(k8s.ApiException) as caught:
            core.read_namespaced_secret(name, place.namespace)
        assert caught.value.status == 404
