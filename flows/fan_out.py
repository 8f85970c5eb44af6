"""One stage over many clusters: mapped, waited for, and parted by how each one ended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from prefect import Task, unmapped
from prefect.futures import PrefectFuture, as_completed, wait
from prefect.states import State

from fleet.errors import FleetscopeError
from flows.outcome import FleetOutcome
from flows.progress import Progress
from tasks.outcome import ClusterOutcome, Stage


@dataclass(frozen=True)
class UnderWay:
    """A stage that was started: the ids of its clusters, each with its task's future."""

    stage: Stage
    futures: list[tuple[str, PrefectFuture[ClusterOutcome]]]


@dataclass
class FanOut:
    """What has become of each cluster so far.

    Attributes:
        names: names of the clusters by id; the clusters of this run.
        gaps: what could not be seen, in words, by cluster id.
        counts: the stages' figures, summed over the clusters.
    """

    names: dict[str, str]
    progress: Progress
    gaps: dict[str, list[str]] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)

    def run(self, stage: Stage, task: Task[..., ClusterOutcome], cluster_ids: list[str], **same: Any) -> list[str]:
        """Run a stage for these clusters; returns the ids of those of which it saw anything, in the same order."""
        return self.finish(self.start(stage, [(task, cluster_ids)], **same))

    def start(
        self, stage: Stage, parts: Sequence[tuple[Task[..., ClusterOutcome], list[str]]], **same: Any
    ) -> UnderWay:
        """Begin the tasks of a stage, each for clusters of its own; other stages may run until it is finished."""
        given = {name: unmapped(value) for name, value in same.items()}
        futures = [
            (cluster_id, future)
            for task, cluster_ids in parts
            if cluster_ids
            for cluster_id, future in zip(cluster_ids, task.map(cluster_id=cluster_ids, **given), strict=True)
        ]
        return UnderWay(stage, futures)

    def finish(self, under_way: UnderWay) -> list[str]:
        """Wait for a stage; returns the ids of the clusters of which it saw anything, in the order given."""
        futures = [future for _, future in under_way.futures]
        for done, _ in enumerate(as_completed(futures), start=1):
            self.progress.advance(under_way.stage, done, len(futures))
        # States read while waiting may lag behind; after wait() they are final.
        wait(futures)
        through = [each for each, future in under_way.futures if self._keep(under_way.stage, each, future.state)]
        return list(dict.fromkeys(through))

    def _keep(self, stage: Stage, cluster_id: str, state: State[Any]) -> bool:
        if not state.is_completed():
            self.gaps.setdefault(cluster_id, []).append(f"{stage.value} failed: {reason_of(state)}")
            return False
        outcome: ClusterOutcome = state.result()
        known = self.gaps.setdefault(cluster_id, [])
        # Several steps may meet with the same gap.
        known += [gap for gap in outcome.gaps if gap not in known]
        for name, count in outcome.counts.items():
            self.counts[name] = self.counts.get(name, 0) + count
        return outcome.seen

    def outcome(self, seen: list[str]) -> FleetOutcome:
        """What the stages saw, when the last of them has ended; ``seen`` are the ids that came through it."""
        return FleetOutcome(names=self.names, seen=seen, gaps=self.gaps, counts=self.counts)


def reason_of(state: State[Any]) -> str:
    """Why a task did not complete, in words."""
    failure = state.result(raise_on_failure=False)
    if isinstance(failure, FleetscopeError):
        return str(failure)
    return state.message or state.name or "it did not run"
