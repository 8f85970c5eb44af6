"""What must not be named: harmless changes, coincidences elsewhere, effects that look like causes."""

from __future__ import annotations

from dataclasses import replace

from fleet.frames.coverage import Coverage, CoverageStatus, QueryCoverage
from fleet.frames.window import Window
from fleet.inventory.change import ChangeKind
from fleet.investigations.investigate import investigate
from fleet.investigations.investigation import CauseKind, Investigation
from tests.fleet.investigations import faults
from tests.fleet.investigations.town import CLUSTER, GIB, Town, hour, pod_name, workload


def _roll(town: Town, namespace: str, name: str, at: float) -> None:
    subject = workload(namespace, name)
    town.change(ChangeKind.ROLLOUT, subject, at, f"Rollout of {name}", before="app:1", after="app:2")


def _kinds(found: Investigation) -> list[CauseKind]:
    return [cause.kind for cause in found.causes]


def test_a_rollout_elsewhere_just_before_does_not_win_over_a_noisy_neighbour() -> None:
    town = Town()
    faults.noisy_neighbour(town)
    _roll(town, "payments", "gateway", 9.9)

    found = investigate(town.question(), town.material())

    assert found.causes[0].kind is CauseKind.NOISY_NEIGHBOUR
    assert CauseKind.ROLLOUT not in _kinds(found)


def test_a_rollout_of_the_victim_long_before_does_not_win() -> None:
    town = Town()
    faults.noisy_neighbour(town)
    _roll(town, "shop", "cart", 4)

    found = investigate(town.question(), town.material())

    assert found.causes[0].kind is CauseKind.NOISY_NEIGHBOUR
    assert CauseKind.ROLLOUT not in _kinds(found)


def test_a_rollout_amid_the_trouble_is_no_cause_of_what_began_before_it() -> None:
    town = Town()
    faults.memory_leak(town)
    _roll(town, "shop", "checkout", 15.9)

    found = investigate(town.question(), town.material())

    assert found.causes[0].kind is CauseKind.MEMORY_LEAK
    rollouts = [cause for cause in found.causes if cause.kind is CauseKind.ROLLOUT]
    assert all(cause.confidence < 0.35 and cause.against for cause in rollouts)


def test_the_rollback_that_ended_the_trouble_is_not_the_cause() -> None:
    town = Town()
    faults.bad_rollout(town)

    found = investigate(town.question(), town.material())

    assert found.causes[0].started_at == hour(14)
    assert all(cause.started_at < hour(15) for cause in found.causes)


def test_of_two_rollouts_the_one_of_the_suffering_workload_wins() -> None:
    town = Town()
    faults.bad_rollout(town)
    _roll(town, "shop", "cart", 13.95)
    _roll(town, "payments", "gateway", 13.99)

    found = investigate(town.question(), town.material())

    assert found.causes[0].subject == workload("shop", "checkout")
    assert _kinds(found).count(CauseKind.ROLLOUT) == 1


def test_busy_workloads_on_other_nodes_do_not_explain_a_node() -> None:
    town = Town()
    faults.noisy_neighbour(town)
    town.plant("container_cpu_cores", faults.step_to(7, 10, 12), container="gateway")

    found = investigate(town.question(), town.material())

    assert found.causes[0].subject == workload("reporting", "batch-export")
    assert all(cause.subject != workload("payments", "gateway") for cause in found.causes)


def test_a_leak_of_another_workload_at_the_same_time_is_left_aside() -> None:
    town = Town()
    faults.bad_rollout(town)
    town.plant("container_mem_bytes", faults.ramp_to(0.98 * GIB, 11, 15), pod=pod_name("ledger", 0))

    found = investigate(town.question(), town.material())

    assert found.causes[0].kind is CauseKind.ROLLOUT
    assert CauseKind.MEMORY_LEAK not in _kinds(found)


def test_a_single_restart_does_not_make_a_leak() -> None:
    town = Town()
    town.plant("container_restarts", faults.step_to(1, 16, 16.17), pod=pod_name("cart", 0))
    town.found("container_restarts", 16, 16.17, 1, pod=pod_name("cart", 0))
    town.change(ChangeKind.RESTART, workload("shop", "cart"), 16, "Container cart ended: Error")

    found = investigate(town.question(), town.material())

    assert CauseKind.MEMORY_LEAK not in _kinds(found)


def test_a_days_ordinary_growth_of_a_disk_is_not_told_as_filling() -> None:
    town = Town()
    faults.saturation(town)
    town.plant("fs_used_ratio", faults.climb_to_stay(0.52, 0, 24), instance="worker-1", device="/dev/vda")

    found = investigate(town.question(), town.material())

    assert CauseKind.DISK_FILLING not in _kinds(found)


def test_an_exporter_is_not_blamed_when_the_node_itself_is_gone() -> None:
    town = Town()
    faults.node_failure(town)

    found = investigate(town.question(), town.material())

    assert found.causes[0].kind is CauseKind.NODE_FAILURE
    exporters = [cause for cause in found.causes if cause.kind is CauseKind.EXPORTER_DOWN]
    assert all(cause.confidence < 0.4 for cause in exporters)
    evidence = {each.id: each.summary for each in found.evidence}
    assert all(any("was not ready" in evidence[each] for each in cause.against) for cause in exporters)


def test_nothing_of_another_cluster_is_drawn_in() -> None:
    town = Town()
    faults.bad_rollout(town)

    found = investigate(town.question(), town.material())

    assert {each.subject.cluster_id for each in found.evidence if each.subject} == {CLUSTER}


def test_a_gap_in_which_we_saw_nothing_is_no_dead_exporter() -> None:
    town = Town()
    faults.exporter_down(town)
    unseen = QueryCoverage(query_id="", status=CoverageStatus.UNKNOWN, reason="time-out")
    blind = Coverage(
        cluster_id=CLUSTER,
        signal="metrics",
        collector="prometheus",
        window=Window(start=hour(9), end=hour(11)),
        step_seconds=30,
        status=CoverageStatus.PARTIAL,
        queries=[unseen.model_copy(update={"query_id": query.id}) for query in town.pack.queries],
    )
    material = town.material()

    found = investigate(town.question(), replace(material, coverage=[*material.coverage, blind]))

    assert all("no samples" not in cause.title for cause in found.causes)
    assert any("time-out" in each for each in found.missing)
