"""Watches: what is written is told, in order, to whom it concerns."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest
from kubernetes import client as k8s
from kubernetes import watch

from tests.contracts.kubernetes_server import KubernetesServer, Object, Place

pytestmark = pytest.mark.needs("write")


@pytest.fixture
def suite() -> str:
    return f"watch-{uuid.uuid4().hex[:8]}"


def told(place: Place, revision: str, seconds: int = 2, **parameters: Any) -> list[Object]:
    """The events of a watch that ends after some seconds."""
    asked = {"watch": "1", "resourceVersion": revision, "timeoutSeconds": seconds, **parameters}
    with place.http.stream("GET", place.path("configmaps"), params=asked) as answer:
        assert answer.status_code == 200
        return [json.loads(line) for line in answer.iter_lines() if line]


def now(place: Place) -> str:
    return str(place.http.get(place.path("configmaps"), params={"limit": 1}).json()["metadata"]["resourceVersion"])


def changes(events: list[Object]) -> list[tuple[str, str]]:
    return [(event["type"], event["object"]["metadata"]["name"]) for event in events if event["type"] != "BOOKMARK"]


def test_a_life_is_told_in_order(place: Place, suite: str) -> None:
    start = now(place)
    made = place.config_map(f"{suite}-a", labels={"suite": suite, "in": "yes"})
    path = place.path("configmaps", f"{suite}-a")
    place.patch(path, {"data": {"a": "1"}})
    place.patch(path, {"metadata": {"labels": {"in": "no"}}})
    place.http.delete(path)
    name = made["metadata"]["name"]
    lived = [("ADDED", name), ("MODIFIED", name), ("MODIFIED", name), ("DELETED", name)]
    events = told(place, start, labelSelector=f"suite={suite}")
    assert changes(events) == lived
    versions = [event["object"]["metadata"]["resourceVersion"] for event in events if event["type"] != "BOOKMARK"]
    assert len(set(versions)) == len(versions)
    assert {event["object"]["kind"] for event in events} == {"ConfigMap"}
    # Who leaves the selection is told of as deleted, as it was in it.
    selected = told(place, start, labelSelector=f"suite={suite},in=yes")
    assert changes(selected) == [("ADDED", name), ("MODIFIED", name), ("DELETED", name)]
    assert selected[-1]["object"]["metadata"]["labels"]["in"] == "yes"
    assert selected[-1]["object"]["metadata"]["resourceVersion"] == versions[2]


def test_without_a_revision_everything_is_told_first(place: Place, suite: str) -> None:
    for number in range(2):
        place.config_map(f"{suite}-{number}", labels={"suite": suite})
    events = told(place, "", seconds=1, labelSelector=f"suite={suite}")
    assert sorted(changes(events)) == [("ADDED", f"{suite}-0"), ("ADDED", f"{suite}-1")]


def test_an_old_revision_is_replayed_or_gone(place: Place) -> None:
    events = told(place, "1", seconds=1)
    for event in events:
        if event["type"] == "ERROR":
            assert event["object"]["code"] == 410
        else:
            assert event["type"] in {"ADDED", "MODIFIED", "DELETED", "BOOKMARK"}


def test_the_kubernetes_package_watches(contract_kubernetes: KubernetesServer, place: Place, suite: str) -> None:
    with contract_kubernetes.client() as connection:
        core: Any = k8s.CoreV1Api(connection)
        place.config_map(suite, labels={"suite": suite})
        seen: list[tuple[str, str]] = []
        watching = watch.Watch()
        for event in watching.stream(
            core.list_namespaced_config_map, place.namespace, label_selector=f"suite={suite}", timeout_seconds=20
        ):
            seen.append((event["type"], event["object"].metadata.name))
            if event["type"] == "ADDED":
                core.patch_namespaced_config_map(suite, place.namespace, {"data": {"a": "1"}})
            elif event["type"] == "MODIFIED":
                core.delete_namespaced_config_map(suite, place.namespace)
            else:
                watching.stop()
        assert seen == [("ADDED", suite), ("MODIFIED", suite), ("DELETED", suite)]
