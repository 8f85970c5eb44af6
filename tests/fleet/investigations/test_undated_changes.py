"""Changes that only two looks date: they may be the cause of what began between the looks, and say so."""

from __future__ import annotations

from datetime import timedelta

import pytest

from fleet.inventory.change import ChangeKind
from fleet.investigations.investigate import investigate
from fleet.investigations.investigation import Cause, CauseKind, Investigation
from tests.fleet.investigations import faults
from tests.fleet.investigations.town import WINDOW, Town, hour, node, pod_name, workload


def _of_kind(found: Investigation, kind: CauseKind) -> list[Cause]:
    return [cause for cause in found.causes if cause.kind is kind]


def _slow_gateway(at: float) -> Town:
    town = Town()
    town.plant("route_latency_seconds", faults.step_to(0.4, at, 24), route="gateway")
    town.found("route_latency_seconds", at, 24, 0.4, route="gateway")
    return town


@pytest.mark.parametrize(
    ("since", "at"),
    [
        pytest.param(22.5, 23.5, id="seen half an hour after the trouble began"),
        pytest.param(22.5, 24.05, id="seen after the window, as a scan's own discovery does"),
    ],
)
def test_what_lay_between_two_looks_can_be_the_cause_of_what_began_between_them(since: float, at: float) -> None:
    town = _slow_gateway(23)
    town.change(ChangeKind.CAPACITY, workload("payments", "gateway"), at, "It offers less", since=since)

    found = investigate(town.question(), town.material())

    [cause] = _of_kind(found, CauseKind.CHANGE)
    assert cause.started_at <= hour(23)
    assert "22:30 UTC and " in cause.title
    evidence = {each.id: each.summary for each in found.evidence}
    assert any("between" in evidence[each] for each in cause.supports)
    assert not any(" before the first symptom" in sentence for sentence in evidence.values())


def test_a_change_that_can_only_have_come_later_is_no_cause() -> None:
    town = _slow_gateway(12)
    town.change(ChangeKind.CAPACITY, workload("payments", "gateway"), 14, "It offers less", since=13)

    assert not _of_kind(investigate(town.question(), town.material()), CauseKind.CHANGE)


def test_the_longer_between_the_looks_the_weaker_the_cause() -> None:
    confidences = []
    for since in (22.5, 1.0):
        town = _slow_gateway(23)
        town.change(ChangeKind.CAPACITY, workload("payments", "gateway"), 23.5, "It offers less", since=since)
        [cause] = _of_kind(investigate(town.question(), town.material()), CauseKind.CHANGE)
        confidences.append(cause.confidence)
    assert confidences[1] < confidences[0]


def test_a_rollout_that_nobody_dates_is_found_although_it_was_seen_after_the_trouble() -> None:
    town = Town()
    faults.bad_rollout(town, told=False)
    town.change(
        ChangeKind.ROLLOUT, workload("shop", "checkout"), 15, "", since=13.75, before="shop:1.4", after="shop:1.5"
    )

    found = investigate(town.question(), town.material())

    assert found.causes[0].kind is CauseKind.ROLLOUT
    assert abs(found.causes[0].started_at - hour(14)) <= timedelta(minutes=10)


def test_a_node_that_left_between_two_looks_has_no_time_of_its_own() -> None:
    town = Town()
    queries = ("node_cpu_util", "node_load_per_core", "node_mem_util")
    for query in queries:
        town.plant(query, faults.gap(23, 24), instance="worker-3")
        town.found(query, 23, 24, None, instance="worker-3")
    town.plant("container_cpu_cores", faults.gap(23, 24), pod=pod_name("gateway", 0))
    town.change(ChangeKind.NODE_LEFT, node("worker-3"), 24.05, "Node worker-3 left", since=22.9)

    found = investigate(town.question(), town.material())

    assert WINDOW.end == hour(24)
    [cause] = _of_kind(found, CauseKind.NODE_FAILURE)
    assert " left between " in cause.title
    assert cause.started_at <= hour(23)
