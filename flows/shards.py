"""Large fleets in shards: flow runs of their own, a few at a time, each in a process of its own.

They are started here and not through a deployment, so that a run works alike on the worker and at the command line,
where nothing serves deployments; deployments' limits therefore count whole runs only. A shard that fails or is killed
is a gap of its clusters and of nothing else: a new run continues from what the others have stored.
"""

from __future__ import annotations

import itertools
import math
import os
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from prefect import Flow
from prefect.runtime import flow_run
from prefect.states import State

from flows.outcome import FleetOutcome
from flows.progress import Progress
from flows.shard_run import OUTCOME_FILE, ShardRun
from tasks.outcome import Stage

SHARD_SIZE = 50
"""Clusters of one shard, and the most that a run sees to by itself."""
SHARDS_AT_ONCE = max(2, min(4, os.cpu_count() or 2))
"""One a core, for a shard fills one (Python runs one thread at a time); at most four, for each takes up to 1 GiB."""
_POLL_SECONDS = 0.1


def whole_or_in_shards(
    stages: Callable[..., FleetOutcome], shard: Flow[..., Any], names: dict[str, str], **same: Any
) -> FleetOutcome:
    """Run the stages here for a small fleet, and in shards for a large one.

    Args:
        stages: what is done with clusters, given by ids and names.
        shard: the flow that does the same, given ids, and hands in its outcome.
        names: names of the clusters by id.
        same: what both are given besides.
    """
    if len(names) <= SHARD_SIZE:
        return stages(names, **same)
    return run_shards(shard, cut(names), **same)


def cut(names: dict[str, str]) -> list[dict[str, str]]:
    """Shards of at most ``SHARD_SIZE`` clusters, none more than one larger than another, in the order given."""
    count = math.ceil(len(names) / SHARD_SIZE)
    items = list(names.items())
    bounds = [len(items) * number // count for number in range(count + 1)]
    return [dict(items[start:end]) for start, end in itertools.pairwise(bounds)]


def run_shards(shard: Flow[..., Any], parts: list[dict[str, str]], **same: Any) -> FleetOutcome:
    """Run a shard for each part, ``SHARDS_AT_ONCE`` at a time. However this ends, none of them outlives it."""
    parent = flow_run.get_id()
    waiting = deque(enumerate(parts, start=1))
    running: list[ShardRun] = []
    outcomes: list[FleetOutcome] = []
    progress = Progress([Stage.SHARDS])
    progress.advance(Stage.SHARDS, 0, len(parts))
    try:
        while waiting or running:
            while waiting and len(running) < SHARDS_AT_ONCE:
                number, names = waiting.popleft()
                running.append(ShardRun.start(shard, parent, f"shard {number} of {len(parts)}", names, same))
            for ended in [run for run in running if run.has_ended()]:
                running.remove(ended)
                outcomes.append(ended.outcome())
                progress.advance(Stage.SHARDS, len(outcomes), len(parts))
            time.sleep(_POLL_SECONDS)
    finally:
        for run in running:
            run.stop()
    return FleetOutcome.together(outcomes)


def hand_in(outcome: FleetOutcome) -> State[None]:
    """Give a shard's outcome to the run that started it; returns the shard's own final state."""
    if file := os.environ.get(OUTCOME_FILE):
        with open(int(file), "w", encoding="utf-8", closefd=False) as stream:
            stream.write(outcome.model_dump_json())
    return outcome.conclude()
