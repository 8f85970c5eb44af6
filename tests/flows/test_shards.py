from __future__ import annotations

import pytest

from flows.outcome import FleetOutcome, scan_state
from flows.shards import SHARD_SIZE, cut, whole_or_in_shards


def fleet(count: int) -> dict[str, str]:
    return {f"id-{number}": f"cluster-{number}" for number in range(count)}


@pytest.mark.parametrize(
    ("clusters", "sizes"),
    [(51, [25, 26]), (100, [50, 50]), (101, [33, 34, 34]), (1000, [50] * 20)],
)
def test_shards_are_of_one_size_and_hold_every_cluster_once(clusters: int, sizes: list[int]) -> None:
    parts = cut(fleet(clusters))
    assert [len(part) for part in parts] == sizes
    assert [item for part in parts for item in part.items()] == list(fleet(clusters).items())


def test_a_small_fleet_is_not_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flows.shards.run_shards", lambda *_, **__: pytest.fail("was cut"))

    def stages(names: dict[str, str], scan_id: str) -> FleetOutcome:
        assert scan_id == "one"
        return FleetOutcome(names=names, seen=list(names))

    outcome = whole_or_in_shards(stages, None, fleet(SHARD_SIZE), scan_id="one")  # type: ignore[arg-type]
    assert len(outcome.seen) == SHARD_SIZE


def test_outcomes_are_summed() -> None:
    names = fleet(4)
    first, second = dict(list(names.items())[:2]), dict(list(names.items())[2:])
    whole = FleetOutcome.together(
        [
            FleetOutcome(names=second, seen=["id-2"], gaps={"id-3": ["no answer"]}, counts={"pods": 2, "nodes": 1}),
            FleetOutcome(names=first, seen=["id-0", "id-1"], gaps={"id-0": []}, counts={"pods": 3}),
        ]
    )
    assert sorted(whole.names) == sorted(names)
    assert sorted(whole.seen) == ["id-0", "id-1", "id-2"]
    assert whole.counts == {"pods": 5, "nodes": 1}
    assert whole.gaps_by_name() == {"cluster-3": ["no answer"]}


def test_a_killed_shard_is_a_gap_and_not_a_failure() -> None:
    names = fleet(4)
    killed = FleetOutcome.unseen({"id-3": "cluster-3"}, "the shard ended early")
    seen = {each: names[each] for each in ("id-0", "id-1", "id-2")}
    state = FleetOutcome.together([FleetOutcome(names=seen, seen=list(seen)), killed]).conclude()
    assert (state.name, scan_state(state).value) == ("CompletedWithGaps", "completed-with-gaps")
    assert state.message == "3 of 4 clusters seen; gaps in cluster-3."


def test_nothing_seen_at_all_is_a_failure_with_its_reason() -> None:
    state = FleetOutcome.unseen(fleet(2), "the shard ended early").conclude()
    assert state.is_failed()
    assert state.message == "None of 2 clusters could be seen. cluster-0: the shard ended early"


def test_the_message_of_a_thousand_gaps_is_short() -> None:
    names = fleet(1001)
    broken = FleetOutcome.unseen({key: name for key, name in names.items() if key != "id-0"}, "no answer")
    state = FleetOutcome.together([FleetOutcome(names={"id-0": names["id-0"]}, seen=["id-0"]), broken]).conclude()
    assert state.message is not None
    assert state.message.startswith("1 of 1001 clusters seen; gaps in cluster-1, cluster-10, ")
    assert state.message.endswith(" and 988 more.")


def test_clusters_whose_findings_could_not_be_explained_are_not_seen() -> None:
    """A shard of the second round was killed: without incidents its clusters must not look well."""
    names = fleet(3)
    judged = FleetOutcome(names=names, seen=["id-0", "id-1"], gaps={"id-2": ["no answer"]}, counts={"findings": 4})
    lost = FleetOutcome.unseen({"id-1": names["id-1"]}, "the shard of this cluster ended early")
    explained = FleetOutcome.together([FleetOutcome(names={"id-0": names["id-0"]}, seen=["id-0"]), lost])
    whole = judged.then(explained)
    assert whole.seen == ["id-0"]
    assert whole.counts == {"findings": 4}
    assert whole.gaps_by_name() == {
        "cluster-1": ["the shard of this cluster ended early"],
        "cluster-2": ["no answer"],
    }
    assert whole.conclude().name == "CompletedWithGaps"
