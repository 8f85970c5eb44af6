"""How tasks are retried and cached: in one place, decided by the error tree.

Prefect's cache and result persistence are off: resumption rests on our own keys alone (stored chunks, fingerprints,
ids), and hashing inputs costs time for nothing.
"""

from __future__ import annotations

from typing import Any

from prefect import Task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun

from fleet.errors import FleetscopeError


def may_pass(task: Task[..., Any], task_run: TaskRun, state: State[Any]) -> bool:
    """Whether a failed attempt may succeed by itself: the class of the error says so."""
    failure = state.result(raise_on_failure=False)
    return isinstance(failure, FleetscopeError) and failure.retriable


STEP: dict[str, Any] = {
    "retries": 5,
    "retry_delay_seconds": [1, 2, 5, 10, 20],
    "retry_jitter_factor": 0.3,
    "retry_condition_fn": may_pass,
    "cache_policy": NO_CACHE,
    "persist_result": False,
}
"""For every step: about 40 seconds of patience with a store that restarts."""
