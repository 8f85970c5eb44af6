"""Events of both APIs, repetitions, storms, and what pods' own status says beside them."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from fleet.collectors.kubernetes import KubernetesClient, KubernetesLimits, collect_events
from fleet.collectors.kubernetes.events import SeenEvent
from fleet.frames.coverage import Coverage, CoverageStatus
from fleet.frames.window import Window
from fleet.inventory.change import ChangeKind
from fleet.inventory.cluster import Endpoint
from fleet.inventory.inventory import ContainerRestarts, Inventory
from tests.fleet.collectors.kubernetes.conftest import QUICK
from tests.fleet.collectors.kubernetes.objects import event, metadata, node, owner, pod
from tests.fleet.collectors.kubernetes.server import MISSING, Api, Reply, Request, forbidden, on, once, status

CORE, NEW = "/api/v1/events", "/apis/events.k8s.io/v1/events"
WINDOW = Window.before(datetime(2026, 3, 1, 11, tzinfo=UTC), timedelta(hours=1))


def read(api: Api, limits: KubernetesLimits = QUICK) -> tuple[list[SeenEvent], Coverage]:
    with KubernetesClient(Endpoint(url=api.url, ca_pem=api.ca_pem), None, limits) as client:
        return collect_events(client, "c1", WINDOW)


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"2026-03-01T{text}+00:00")


def as_new(seen: dict[str, Any]) -> dict[str, Any]:
    """The form in which events.k8s.io shows an event of the core API."""
    names = {
        "involvedObject": "regarding",
        "message": "note",
        "count": "deprecatedCount",
        "firstTimestamp": "deprecatedFirstTimestamp",
        "lastTimestamp": "deprecatedLastTimestamp",
    }
    return {names.get(name, name): value for name, value in seen.items()}


REPEATED = event("1", "BackOff", "Pod", "cart-1", count=4, lastTimestamp="2026-03-01T10:30:00Z")
SERIES = event(
    "2",
    "FailedScheduling",
    "Pod",
    "cart-2",
    count=None,
    firstTimestamp=None,
    lastTimestamp=None,
    eventTime="2026-03-01T09:50:00.123456Z",
    series={"count": 7, "lastObservedTime": "2026-03-01T10:20:00.000000Z"},
)


@pytest.mark.parametrize("closed", [None, forbidden("events"), MISSING], ids=["both", "forbidden", "missing"])
def test_either_api_tells_the_same(api: Api, closed: Reply | None) -> None:
    api.lists[CORE] = [REPEATED, SERIES]
    api.lists[NEW] = [as_new(each) for each in api.lists[CORE]]
    if closed is not None:
        api.interceptors.append(on(CORE, closed))
    events, coverage = read(api)
    assert [(each.reason, each.count, each.first_at, each.last_at) for each in events] == [
        ("FailedScheduling", 7, at("09:50:00.123456"), at("10:20:00")),
        ("BackOff", 4, at("10:00:00"), at("10:30:00")),
    ]
    assert (coverage.status, coverage.reason) == (CoverageStatus.OK, "")
    assert bool(api.asked(NEW)) == (closed is not None)


def test_a_missing_right_is_unknown_and_never_no_events(api: Api, collect: Callable[..., Inventory]) -> None:
    api.interceptors += [on(CORE, forbidden("events")), on(NEW, forbidden("events"))]
    events, coverage = read(api)
    assert (events, coverage.status, coverage.error) == ([], CoverageStatus.UNKNOWN, "Forbidden")
    assert coverage.reason == "missing right: list events in the whole cluster"
    assert [(gap.part, gap.reason) for gap in collect().gaps] == [("events", coverage.reason)]


def test_a_list_that_expires_counts_nothing_twice(api: Api) -> None:
    api.lists[CORE] = [event(str(number), "BackOff", "Pod", "cart-1") for number in range(5)]
    api.interceptors.append(once(lambda seen: status(410, "too old") if seen.query.get("continue") == "4" else None))
    [event_], coverage = read(api)
    assert (event_.count, coverage.status) == (5, CoverageStatus.OK)


def test_a_list_that_breaks_off_is_partial(api: Api) -> None:
    api.lists[CORE] = [event(str(number), "BackOff", "Pod", f"cart-{number}") for number in range(5)]
    api.interceptors.append(lambda seen: forbidden("events") if "continue" in seen.query else None)
    events, coverage = read(api)
    assert (len(events), coverage.status, coverage.error) == (2, CoverageStatus.PARTIAL, "Forbidden")


def test_a_storm_is_read_to_its_end_and_kept_within_bounds(api: Api) -> None:
    """100,000 events on 20,000 pods, and one on another behind them all: none hides the others."""
    whole = 100_000
    usual = json.dumps(event("0", "BackOff", "Pod", "p", lastTimestamp="2026-03-01T10:MM:00Z"))

    def page(request: Request) -> Reply | None:
        if request.path != CORE or request.query["fieldSelector"] != "type=Warning":
            return None
        start = int(request.query.get("continue", "0"))
        body = usual.replace(":MM:", f":{start // 2000:02}:")
        items = [body.replace('"p"', f'"p-{number % 20_000}"') for number in range(start, start + 1000)]
        if start + 1000 == whole:
            items.append(json.dumps(event("last", "Evicted", "Pod", "z", lastTimestamp="2026-03-02T10:00:00Z")))
        more = "" if start + 1000 == whole else str(start + 1000)
        text = f'{{"kind": "EventList", "metadata": {{"continue": "{more}"}}, "items": [{",".join(items)}]}}'
        return Reply(200, text.encode())

    api.interceptors.append(page)
    events, coverage = read(api, KubernetesLimits())
    assert len(api.asked(CORE)) == 102
    assert len(events) == 10_000
    assert "Evicted" in {each.reason for each in events}
    assert coverage.status is CoverageStatus.PARTIAL
    assert "more than 10000 things have events" in coverage.reason


def test_restarts_are_counted_for_each_container(api: Api, collect: Callable[..., Inventory]) -> None:
    ended = {"terminated": {"reason": "OOMKilled", "exitCode": 137, "finishedAt": "2026-03-01T09:00:00Z"}}
    api.lists["/api/v1/pods"] = [
        pod(
            "cart-1",
            "shop",
            on="w-1",
            containerStatuses=[
                {"name": "app", "restartCount": 3, "lastState": ended, "state": {}},
                {"name": "proxy", "restartCount": 0, "state": {}},
            ],
        )
    ]
    api.lists["/api/v1/pods"][0]["metadata"]["creationTimestamp"] = "2026-03-01T08:00:00Z"
    killed_once = event("1", "OOMKilling", "Pod", "cart-1", involved={"fieldPath": "spec.containers{app}"})
    killed_once |= {"firstTimestamp": "2026-03-01T09:00:01Z", "lastTimestamp": "2026-03-01T09:00:01Z"}
    api.lists[CORE] = [killed_once]
    inventory = collect()
    assert inventory.pods[0].restarted == {
        "app": ContainerRestarts(count=3, since=at("08:00:00"), ended_at=at("09:00:00"), reason="OOMKilled")
    }
    # The event tells of the same kill.
    [change] = inventory.changes
    assert (change.kind, change.at) == (ChangeKind.OOM_KILL, at("09:00:00"))
    assert change.summary.endswith("was killed for want of memory; 3 restarts since 2026-03-01 08:00 UTC")


def test_evicted_pods_tell_it_when_events_are_forgotten(api: Api, collect: Callable[..., Inventory]) -> None:
    def condition(kind: str, when: str, reason: str) -> dict[str, str]:
        return {"type": kind, "status": "True", "reason": reason, "lastTransitionTime": f"2026-03-01T{when}Z"}

    api.lists["/api/v1/nodes"] = [node("w-1", "10.0.0.1")]
    gone = pod("cart-6d4b75cb6d-hwmfn", "shop", on="w-1", owned_by=owner("ReplicaSet", "cart-6d4b75cb6d"))
    gone["status"] |= {"phase": "Failed", "reason": "Evicted", "message": "The node was low on resource: memory."}
    older = json.loads(json.dumps(gone))
    older["metadata"] = metadata("old", "shop")
    gone["status"]["conditions"] = [condition("DisruptionTarget", "09:00:00", "TerminationByKubelet")]
    older["status"]["conditions"] = [condition("Ready", "08:00:00", ""), condition("PodScheduled", "07:00:00", "")]
    undated = pod("undated", "shop", on="w-1")
    undated["status"] |= {"reason": "Evicted"}
    api.lists["/api/v1/pods"] = [gone, older, undated]
    evictions = [each for each in collect().changes if each.kind is ChangeKind.EVICTION]
    assert [(each.at, each.subject.identity, each.after) for each in evictions] == [
        (at("08:00:00"), "pod/shop/old", "Evicted"),
        (at("09:00:00"), "pod/shop/cart", "TerminationByKubelet"),
    ]
