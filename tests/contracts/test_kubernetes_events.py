"""Events: one object under two names, old and new repetitions, and what our collector makes of them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from fleet.collectors.kubernetes import KubernetesClient, KubernetesLimits, collect_events
from fleet.frames.coverage import CoverageStatus
from fleet.frames.window import Window
from tests.contracts.kubernetes_server import Object, Place

pytestmark = pytest.mark.needs("write")
CORE, NEW = "api/v1", "apis/events.k8s.io/v1"
NOW = datetime.now(UTC).replace(microsecond=0)


def stamp(seconds_ago: int, *, micro: bool = False) -> str:
    at = NOW - timedelta(seconds=seconds_ago)
    return f"{at:%Y-%m-%dT%H:%M:%S}{'.123456' if micro else ''}Z"


@pytest.fixture(scope="module")
def events(place: Place) -> Iterator[dict[str, Object]]:
    """One event of an older recorder, written through the core API, and one of a newer one through the other."""
    about = {"kind": "Pod", "namespace": place.namespace, "name": "cart-1", "apiVersion": "v1"}
    old = {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": "cart-1.old"},
        "involvedObject": {**about, "fieldPath": "spec.containers{app}"},
        "reason": "BackOff",
        "message": "Back-off restarting failed container",
        "source": {"component": "kubelet", "host": "w-1"},
        "firstTimestamp": stamp(600),
        "lastTimestamp": stamp(60),
        "count": 5,
        "type": "Warning",
    }
    new = {
        "apiVersion": "events.k8s.io/v1",
        "kind": "Event",
        "metadata": {"name": "cart-1.new"},
        "regarding": about,
        "reason": "FailedScheduling",
        "action": "Scheduling",
        "note": "0/3 nodes are available",
        "eventTime": stamp(500, micro=True),
        "series": {"count": 7, "lastObservedTime": stamp(50, micro=True)},
        "reportingController": "example.com/scheduler",
        "reportingInstance": "scheduler-0",
        "type": "Warning",
    }
    made = {"old": place.create("events", old, CORE), "new": place.create("events", new, NEW)}
    assert {each.status_code for each in made.values()} == {201}
    yield {name: answer.json() for name, answer in made.items()}
    place.http.delete(place.path("events"))


def read(place: Place, name: str, api: str) -> Object:
    found: Object = place.http.get(place.path("events", name, api)).json()
    return found


def test_an_old_event_has_its_deprecated_names_in_the_new_api(place: Place, events: dict[str, Object]) -> None:
    shown = read(place, "cart-1.old", NEW)
    assert (shown["apiVersion"], shown["kind"]) == ("events.k8s.io/v1", "Event")
    assert shown["metadata"]["uid"] == events["old"]["metadata"]["uid"]
    assert (shown["regarding"]["name"], shown["regarding"]["fieldPath"]) == ("cart-1", "spec.containers{app}")
    assert shown["note"] == "Back-off restarting failed container"
    assert (shown["deprecatedCount"], shown["deprecatedSource"]) == (5, {"component": "kubelet", "host": "w-1"})
    assert (shown["deprecatedFirstTimestamp"], shown["deprecatedLastTimestamp"]) == (stamp(600), stamp(60))
    assert shown["eventTime"] is None
    assert not {"count", "message", "involvedObject", "series", "firstTimestamp"} & set(shown)


def test_a_new_event_has_no_count_and_no_times_in_the_core_api(place: Place, events: dict[str, Object]) -> None:
    shown = read(place, "cart-1.new", CORE)
    assert shown["metadata"]["uid"] == events["new"]["metadata"]["uid"]
    assert (shown["involvedObject"]["name"], shown["message"]) == ("cart-1", "0/3 nodes are available")
    assert (shown["firstTimestamp"], shown["lastTimestamp"], "count" in shown) == (None, None, False)
    assert shown["eventTime"] == stamp(500, micro=True)
    assert shown["series"] == {"count": 7, "lastObservedTime": stamp(50, micro=True)}
    assert (shown["reportingComponent"], shown["reportingInstance"]) == ("example.com/scheduler", "scheduler-0")


@pytest.mark.parametrize(("api", "about"), [(CORE, "involvedObject"), (NEW, "regarding")], ids=["core", "new"])
def test_both_select_by_type_reason_and_subject(place: Place, events: dict[str, Object], api: str, about: str) -> None:
    def names(selector: str) -> list[str]:
        answer = place.http.get(place.path("events", api=api), params={"fieldSelector": selector})
        return [each["metadata"]["name"] for each in answer.json()["items"]]

    assert names("type=Warning") == ["cart-1.new", "cart-1.old"]
    assert names("type=Warning,reason=BackOff") == ["cart-1.old"]
    assert names(f"{about}.kind=Pod,{about}.name=cart-1") == ["cart-1.new", "cart-1.old"]
    other = "regarding" if api == CORE else "involvedObject"
    assert place.http.get(place.path("events", api=api), params={"fieldSelector": f"{other}.name=x"}).status_code == 400


def test_the_collector_reads_each_once(place: Place, events: dict[str, Object]) -> None:
    cluster, credentials = place.server.cluster()
    [endpoint] = cluster.endpoints.values()
    with KubernetesClient(endpoint, credentials, KubernetesLimits(page_size=100)) as client:
        found, coverage = collect_events(client, cluster.id, Window.before(NOW, timedelta(hours=1)))
    ours: dict[str, Any] = {each.reason: each for each in found if each.about.namespace == place.namespace}
    assert set(ours) == {"BackOff", "FailedScheduling"}
    assert (ours["BackOff"].count, ours["BackOff"].about.container) == (5, "app")
    assert ours["FailedScheduling"].count == 7
    assert ours["FailedScheduling"].last_at == datetime.fromisoformat(stamp(50, micro=True))
    assert coverage.status is CoverageStatus.OK
