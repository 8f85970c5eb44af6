"""For every kind of cause: planted in a quiet cluster, it is the first that an investigation names."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from fleet.inventory.change import ChangeKind
from fleet.inventory.subject import Subject, SubjectKind
from fleet.investigations.investigate import investigate
from fleet.investigations.investigation import CauseKind, Verdict
from tests.fleet.investigations import faults
from tests.fleet.investigations.town import CLUSTER, Town, hour, node, workload

EXPORTER = Subject(cluster_id=CLUSTER, kind=SubjectKind.COMPONENT, name="node-exporter", part="worker-3")
DISK = Subject(cluster_id=CLUSTER, kind=SubjectKind.DEVICE, name="worker-2", part="/dev/vdb")

PLANTED: list[tuple[Callable[[Town], None], CauseKind, Subject]] = [
    (faults.memory_leak, CauseKind.MEMORY_LEAK, workload("shop", "checkout")),
    (faults.noisy_neighbour, CauseKind.NOISY_NEIGHBOUR, workload("reporting", "batch-export")),
    (faults.bad_rollout, CauseKind.ROLLOUT, workload("shop", "checkout")),
    (faults.disk_filling, CauseKind.DISK_FILLING, DISK),
    (faults.exporter_down, CauseKind.EXPORTER_DOWN, EXPORTER),
    (faults.node_failure, CauseKind.NODE_FAILURE, node("worker-3")),
    (faults.saturation, CauseKind.SATURATION, node("worker-1")),
]
IDS = [kind.value for _, kind, _ in PLANTED]


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize(("plant", "kind", "subject"), PLANTED, ids=IDS)
def test_the_planted_cause_is_named_first(
    plant: Callable[[Town], None], kind: CauseKind, subject: Subject, seed: int
) -> None:
    town = Town(seed)
    plant(town)

    found = investigate(town.question(), town.material())

    best = found.causes[0]
    assert (best.kind, best.subject) == (kind, subject)
    assert best.confidence >= 0.6
    assert found.verdict is Verdict.PROBABLE_CAUSE
    assert best.supports


@pytest.mark.parametrize(("plant", "kind", "subject"), PLANTED, ids=IDS)
def test_a_prometheus_alone_gives_the_same_cause_with_less_confidence(
    plant: Callable[[Town], None], kind: CauseKind, subject: Subject
) -> None:
    town = Town()
    plant(town)

    whole = investigate(town.question(), town.material())
    found = investigate(town.question(), town.material(inventory=False))

    assert (found.causes[0].kind, found.causes[0].subject) == (kind, subject)
    assert found.causes[0].confidence < whole.causes[0].confidence
    assert "No cluster API was read" in found.missing[0]


def test_a_rollout_is_read_from_pod_names_where_no_api_tells_it() -> None:
    town = Town()
    faults.bad_rollout(town, told=False)

    found = investigate(town.question(), town.material(inventory=False))

    assert found.causes[0].kind is CauseKind.ROLLOUT
    assert found.causes[0].started_at == hour(14)
    cited = {each.id: each for each in found.evidence}
    assert any("new template hash 7b8c9d4f5x" in cited[each].summary for each in found.causes[0].supports)


def test_a_change_of_the_cluster_is_named_when_nothing_more_specific_fits() -> None:
    town = Town()
    town.plant("route_latency_seconds", faults.step_to(0.4, 6.1, 8), route="gateway")
    town.found("route_latency_seconds", 6.1, 8, 0.4, route="gateway")
    town.change(ChangeKind.SCALED, workload("payments", "gateway"), 6, "Scaled from 4 to 2", before="4", after="2")

    found = investigate(town.question(), town.material())

    assert found.causes[0].kind is CauseKind.CHANGE
    assert found.causes[0].confidence < 0.6


def test_with_nothing_else_the_earliest_strong_deviation_stands_as_a_weak_candidate() -> None:
    town = Town()
    town.plant("container_throttle_ratio", faults.step_to(0.5, 5.5, 8), container="gateway")
    town.plant("route_latency_seconds", faults.step_to(0.4, 6, 8), route="gateway")
    town.found("route_latency_seconds", 6, 8, 0.4, route="gateway")

    found = investigate(town.question(), town.material())

    assert [cause.kind for cause in found.causes][:1] == [CauseKind.DEVIATION]
    assert found.causes[0].subject.workload == "gateway"
    assert found.causes[0].subject.kind is SubjectKind.CONTAINER
    assert found.verdict is not Verdict.PROBABLE_CAUSE


def test_a_leak_is_seen_in_the_history_when_only_the_last_hour_was_scanned() -> None:
    town = Town()
    faults.memory_leak(town)
    # The kill of 16:00 moves to 23:30, into the scanned hour.
    for query in ("container_mem_bytes", "container_mem_vs_limit", "container_restarts", "container_oom_kills"):
        for key in [each for each in town.series if each.query_id == query]:
            values = town.series[key]
            town.series[key] = np.roll(values, int(7.5 * 120))
    town.findings.clear()
    town.changes.clear()
    pod = {"pod": faults.pod_name("checkout", 0)}
    town.found("container_mem_bytes", 23, 23.5, 0.98 * 2**30, **pod)
    town.found("container_restarts", 23.5, 23.67, 1, **pod)

    found = investigate(town.question(), faults.with_past_day(town.material(only=1), town.material()))

    assert found.causes[0].kind is CauseKind.MEMORY_LEAK
    assert found.causes[0].started_at < hour(20.5)
