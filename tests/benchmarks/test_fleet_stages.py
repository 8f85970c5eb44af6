"""The time of a run, split among its stages."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from prefect.client.schemas.objects import TaskRun

from benchmarks.fleet.stages import by_stage

START = datetime(2026, 3, 3, tzinfo=UTC)


def ran(name: str, start: float, end: float) -> TaskRun:
    """A task run of so many seconds after the run's start."""
    times = {"start_time": START + timedelta(seconds=start), "end_time": START + timedelta(seconds=end)}
    return TaskRun(task_key=f"{name}-0123abcd", dynamic_key=f"{name}{start}", **times)


def test_stages_share_the_time_up_to_the_last_task() -> None:
    tasks = [
        ran("collect_metrics", 3, 8),
        ran("collect_metrics", 3, 10),
        ran("discover_cluster", 1, 3),
        # Beside what is made of the metrics: what is left of it when that has ended counts.
        ran("collect_logs", 8, 21),
        ran("collect_history", 10, 15),
        ran("learn_baselines", 15, 16),
        ran("detect_anomalies", 16, 20),
        # Stands for a shard.
        ran("judge_shard", 0, 90),
    ]
    assert dict(by_stage(tasks, START)) == {
        "discovering": 3,
        "collecting": 12,
        "learning": 1,
        "judging": 4,
        "signals, beyond judging": 1,
    }


def test_a_run_without_tasks_has_no_stages() -> None:
    assert dict(by_stage([], START)) == {}
