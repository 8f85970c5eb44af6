"""Which runner a run takes."""

from __future__ import annotations

import pytest
from prefect.task_runners import ProcessPoolTaskRunner, ThreadPoolTaskRunner

from fleet.errors import UsageError
from flows.task_runner import RUNNER, ChosenTaskRunner


@pytest.mark.parametrize("name", ["", "threads"])
def test_a_variable_that_is_empty_is_not_set(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(RUNNER, name)
    assert isinstance(ChosenTaskRunner().duplicate(), ThreadPoolTaskRunner)


def test_another_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(RUNNER, "processes")
    assert isinstance(ChosenTaskRunner().duplicate(), ProcessPoolTaskRunner)
    monkeypatch.setenv(RUNNER, "ray")
    with pytest.raises(UsageError, match="no runner 'ray'"):
        ChosenTaskRunner().duplicate()
