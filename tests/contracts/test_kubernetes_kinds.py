"""Kinds of our own: from their definition to their end, and how their objects differ from built-in ones."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.contracts.kubernetes_server import Object, Place, custom_kind, until

pytestmark = pytest.mark.needs("write")
SCHEMA = {
    "openAPIV3Schema": {
        "type": "object",
        "properties": {
            "spec": {
                "type": "object",
                "required": ["size"],
                "properties": {"size": {"type": "integer", "maximum": 5}, "color": {"type": "string"}},
            },
            "status": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
        },
    }
}


@pytest.fixture(scope="module")
def api(place: Place) -> Iterator[str]:
    """The path of a group with the kind Widget, which has a status of its own."""
    group = f"contract-{place.run}.fleetscope.example"
    with custom_kind(place, group, "widgets", "Widget", schema=SCHEMA, subresources={"status": {}}):
        yield f"apis/{group}/v1"


def widget(api: str, name: str, **spec: Any) -> Object:
    version = api.removeprefix("apis/")
    return {"apiVersion": version, "kind": "Widget", "metadata": {"name": name}, "spec": spec}


def test_discovery_lists_it(place: Place, api: str) -> None:
    group = api.split("/")[1]
    until(lambda: group in {each["name"] for each in place.http.get("/apis").json()["groups"]})
    listed = {each["name"]: each for each in place.http.get(f"/{api}").json()["resources"]}
    assert (listed["widgets"]["kind"], listed["widgets"]["namespaced"]) == ("Widget", True)
    assert {"create", "list", "watch"} <= set(listed["widgets"]["verbs"])
    assert "widgets/status" in listed


def test_objects_are_checked_and_cut_to_their_schema(place: Place, api: str) -> None:
    made = place.create("widgets", widget(api, "a", size=1, gone=True), api)
    assert (made.status_code, made.json()["spec"]) == (201, {"size": 1})
    assert made.json()["metadata"]["generation"] == 1
    for name, spec, field in (("b", {"size": 9}, "spec.size"), ("c", {"color": "red"}, "spec.size")):
        refused = place.create("widgets", widget(api, name, **spec), api)
        assert (refused.status_code, refused.json()["reason"]) == (422, "Invalid")
        assert [cause["field"] for cause in refused.json()["details"]["causes"]] == [field]


def test_items_say_what_they_are(place: Place, api: str) -> None:
    place.create("widgets", widget(api, "listed", size=1), api)
    document = place.http.get(place.path("widgets", api=api)).json()
    assert document["kind"] == "WidgetList"
    assert {(item["kind"], item["apiVersion"]) for item in document["items"]} == {("Widget", api.removeprefix("apis/"))}


def test_status_is_written_apart(place: Place, api: str) -> None:
    place.create("widgets", {**widget(api, "stateful", size=1), "status": {"ready": True}}, api)
    path = place.path("widgets", "stateful", api)
    assert "status" not in place.http.get(path).json()
    changed = place.patch(f"{path}/status", {"status": {"ready": True}, "spec": {"size": 3}}).json()
    assert (changed["status"], changed["spec"]["size"]) == ({"ready": True}, 1)
    again = place.patch(path, {"status": {"ready": False}, "spec": {"size": 2}}).json()
    assert (again["status"], again["spec"]["size"]) == ({"ready": True}, 2)
    assert again["metadata"]["generation"] == 2


def test_updates_need_a_version_and_known_patches(place: Place, api: str) -> None:
    made = place.create("widgets", widget(api, "strict", size=1), api).json()
    path = place.path("widgets", "strict", api)
    blind = place.http.put(path, json=widget(api, "strict", size=2))
    assert (blind.status_code, blind.json()["reason"]) == (422, "Invalid")
    assert place.http.put(path, json={**made, "spec": {"size": 2}}).json()["spec"] == {"size": 2}
    assert place.http.put(path, json=made).status_code == 409
    strategic = place.patch(path, {"spec": {"size": 3}}, "strategic-merge-patch+json")
    assert (strategic.status_code, strategic.json()["reason"]) == (415, "UnsupportedMediaType")


def test_a_kind_without_a_status_of_its_own_ends_with_its_definition(place: Place) -> None:
    group = f"short-{place.run}.fleetscope.example"
    with custom_kind(place, group, "gadgets", "Gadget", scope="Cluster") as definition:
        path = f"/apis/{group}/v1/gadgets"
        body = {"apiVersion": f"{group}/v1", "kind": "Gadget", "metadata": {"name": "one"}, "anything": {"goes": [1]}}
        made = place.http.post(path, json=body)
        assert made.json()["anything"] == {"goes": [1]}
        assert place.http.get(f"{path}/one/status").status_code == 404
        again = place.http.get(f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{definition}").json()
        conditions = {each["type"]: each["status"] for each in again["status"]["conditions"]}
        assert (conditions["NamesAccepted"], conditions["Established"]) == ("True", "True")
        place.http.delete(f"{path}/one")
    until(lambda: place.http.get(path).status_code == 404)


def test_a_definition_must_be_named_after_its_kind(place: Place) -> None:
    body = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"other.{place.run}.fleetscope.example"},
        "spec": {
            "group": f"{place.run}.fleetscope.example",
            "scope": "Namespaced",
            "names": {"plural": "things", "kind": "Thing"},
            "versions": [{"name": "v1", "served": True, "storage": True, "schema": SCHEMA}],
        },
    }
    answer = place.http.post("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", json=body)
    assert (answer.status_code, answer.json()["reason"]) == (422, "Invalid")
