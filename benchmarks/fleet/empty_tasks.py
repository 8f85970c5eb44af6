"""What Prefect takes for a task in which nothing is done, in the run's own process and in its server."""

from __future__ import annotations

import time

from prefect import flow, task
from prefect.events.worker import EventsWorker

from benchmarks.fleet.services import Services
from flows.fan_out import FanOut
from flows.progress import Progress
from flows.task_runner import ChosenTaskRunner
from tasks.outcome import ClusterOutcome, Stage
from tasks.policy import STEP

TASKS = 400
_DRAIN_SECONDS = 30.0


@task(name="nothing", task_run_name="nothing-{cluster_id}", **STEP)
def nothing(cluster_id: str) -> ClusterOutcome:
    """A step of one cluster that has nothing to do."""
    return ClusterOutcome(Stage.DETECT, cluster_id, cluster_id)


@flow(name="nothing-to-do", task_runner=ChosenTaskRunner(), persist_result=False)
def nothing_to_do(count: int) -> None:
    """Such a step for so many clusters."""
    names = {str(number): str(number) for number in range(count)}
    FanOut(names, Progress([Stage.DETECT])).run(Stage.DETECT, nothing, list(names))


def cost(servers: dict[str, int]) -> dict[str, float]:
    """CPU milliseconds a task.

    Args:
        servers: process ids of the servers that take part, by name.
    """
    nothing_to_do(1)
    with Services(servers) as services:
        began = time.process_time()
        nothing_to_do(TASKS)
        EventsWorker.drain_all(timeout=_DRAIN_SECONDS)
        own = time.process_time() - began
    theirs = sum(services.figures[f"{name}_cpu_seconds"] for name in servers)
    return {"task_run_ms": 1000 * own / TASKS, "task_server_ms": 1000 * theirs / TASKS}
