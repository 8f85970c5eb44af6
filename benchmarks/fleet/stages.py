"""Where a scan's time goes, from Prefect's own records of its runs and their tasks."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from prefect import get_client
from prefect.client.schemas.filters import FlowRunFilter
from prefect.client.schemas.objects import FlowRun, TaskRun

STAGES = {
    "discovering": ("discover_cluster", "find_sources"),
    "collecting": ("collect_metrics", "collect_history"),
    "learning": ("learn_baselines",),
    "judging": ("detect_anomalies",),
    "signals, beyond judging": ("collect_alerts", "collect_logs", "collect_traces"),
    "comparing": ("compare_clusters",),
    "correlating": ("correlate_findings",),
    "investigating": ("investigate_incidents",),
    "tables and rows": ("open_scan", "name_clusters", "close_scan", "publish_coverage", "publish_findings"),
    "report": ("write_report", "publish_report"),
}
"""Tasks by stage, in the order of a run."""
START = "process start"
REST = "waiting for shards, their ends"
_PAGE = 200
_WAIT_SECONDS, _LOOK_SECONDS = 60.0, 2.0


def split(run_id: str, at_once: int) -> dict[str, Any]:
    """Seconds of a scan's wall time by stage; how many shards there were, and how many tasks ran.

    What shards did is counted as a share of the wall time: their own seconds by how many of them ran at once. A stage
    lasts from the end of the one before it to the end of its last task.

    Args:
        run_id: of the scan.
        at_once: how many shards run at once.
    """
    shards = _flow_runs({"parent_flow_run_id": {"any_": [run_id]}})
    [whole] = _flow_runs({"id": {"any_": [run_id]}})
    tasks = _settled([UUID(run_id), *(shard.id for shard in shards)])
    figures = dict.fromkeys([START, *STAGES], 0.0)
    for shard in shards:
        figures[START] += _seconds(shard.created, shard.start_time) / at_once
        for name, seconds in by_stage(tasks.get(shard.id, []), shard.start_time):
            figures[name] += seconds / at_once
    if shards:
        for each in tasks[whole.id]:
            if name := _stage_of(each):
                figures[name] += _seconds(each.start_time, each.end_time)
    else:
        figures |= dict(by_stage(tasks[whole.id], whole.start_time))
    figures[REST] = _seconds(whole.start_time, whole.end_time) - sum(figures.values())
    return {"stages": figures, "shards": len(shards), "task_runs": sum(map(len, tasks.values()))}


def by_stage(tasks: Sequence[TaskRun], start: datetime | None) -> Iterator[tuple[str, float]]:
    """How long each stage of one run kept it, in the order in which they ended."""
    ends: dict[str, datetime] = {}
    for each in tasks:
        if (name := _stage_of(each)) and each.end_time:
            ends[name] = max(ends.get(name, each.end_time), each.end_time)
    before = start
    for name, end in sorted(ends.items(), key=lambda item: item[1]):
        yield name, _seconds(before, end)
        before = end


def _stage_of(each: TaskRun) -> str | None:
    """None of a task run that stands for a shard."""
    kind = each.task_key.rpartition(".")[2].partition("-")[0]
    return next((stage for stage, names in STAGES.items() if kind in names), None)


def _settled(run_ids: list[UUID]) -> dict[UUID, list[TaskRun]]:
    """Task runs by flow run; the server writes them down some time after they ended.

    Raises:
        TimeoutError: some have no end after a minute.
    """
    deadline, before = time.monotonic() + _WAIT_SECONDS, -1
    while time.monotonic() < deadline:
        found = {each: list(_task_runs(each)) for each in run_ids}
        count, ended = _counted(found)
        if count == ended == before:
            return found
        before = count
        time.sleep(_LOOK_SECONDS)
    raise TimeoutError("Prefect has not written down the ends of all tasks.")


def _counted(found: dict[UUID, list[TaskRun]]) -> tuple[int, int]:
    """How many tasks there are, and of how many the end is known."""
    known = [each for tasks in found.values() for each in tasks if _stage_of(each)]
    return len(known), sum(each.end_time is not None for each in known)


def _flow_runs(query: dict[str, Any]) -> list[FlowRun]:
    with get_client(sync_client=True) as client:
        return client.read_flow_runs(flow_run_filter=FlowRunFilter.model_validate(query))


def _task_runs(run_id: UUID) -> Iterator[TaskRun]:
    chosen = FlowRunFilter.model_validate({"id": {"any_": [run_id]}})
    with get_client(sync_client=True) as client:
        for offset in itertools.count(0, _PAGE):
            found = client.read_task_runs(flow_run_filter=chosen, limit=_PAGE, offset=offset)
            yield from found
            if len(found) < _PAGE:
                return


def _seconds(start: datetime | None, end: datetime | None) -> float:
    return (end - start).total_seconds() if start and end else 0.0
