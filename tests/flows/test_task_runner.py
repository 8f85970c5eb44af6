"""Which runner a run takes."""

from __future__ import annotations

import multiprocessing
import os
import signal
import socket
from concurrent.futures import ProcessPoolExecutor
from multiprocessing.connection import Connection

import psutil
import pytest
from prefect.task_runners import ProcessPoolTaskRunner, ThreadPoolTaskRunner

from deployments.settings import variable
from fleet.errors import UsageError
from flows.task_runner import RUNNER, ChosenTaskRunner, _end_with_run


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


def test_the_variable_is_that_of_the_setting() -> None:
    assert variable("runner") == RUNNER


def test_a_scheduler_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    monkeypatch.setenv(RUNNER, f"tcp://127.0.0.1:{port}")
    with pytest.raises(UsageError, match="cannot be reached"):
        ChosenTaskRunner().duplicate()


def start_pool(told: Connection) -> None:
    """A run that is killed while its pool has work."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), initializer=_end_with_run) as pool:
        told.send(pool.submit(os.getpid).result())
        told.recv()


def test_processes_of_a_pool_end_with_a_run_that_is_killed() -> None:
    here, there = multiprocessing.Pipe()
    run = multiprocessing.get_context("spawn").Process(target=start_pool, args=(there,))
    run.start()
    worker = psutil.Process(here.recv())
    assert run.pid is not None
    os.kill(run.pid, signal.SIGKILL)
    run.join()
    psutil.wait_procs([worker], timeout=20)
    assert not worker.is_running() or worker.status() == psutil.STATUS_ZOMBIE
