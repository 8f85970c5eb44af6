"""The whole stack: what it shows, what it does with runs, and what it does when one of its processes is killed."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import typer
from typer.testing import CliRunner

from deployments.embedded.control import ensure_stack
from deployments.embedded.status import stack_status
from interfaces.cli import stack as commands
from tests.conftest import RunningStack
from tests.deployments.prefect_api import PrefectApi
from tests.processes import wait_ended

_ENOUGH_SECONDS = 60


@pytest.fixture
def api(stack: RunningStack) -> Iterator[PrefectApi]:
    with PrefectApi(stack.addresses.prefect) as client:
        yield client


def _part(stack: RunningStack, name: str) -> dict[str, Any]:
    return next(part for part in stack_status(stack.settings).parts if part["name"] == name)


def _eventually(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _ENOUGH_SECONDS
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def _kill(stack: RunningStack, name: str) -> None:
    """``kill -9``, and wait until the part is back under another process id."""
    killed = _part(stack, name)["pid"]
    os.kill(killed, signal.SIGKILL)
    _eventually(lambda: _part(stack, name)["status"] == "up" and _part(stack, name)["pid"] != killed)


def _flow_processes(stack: RunningStack, run_id: str) -> list[psutil.Process]:
    """The processes of this run: that of a run before it may still be ending, since a run is over first."""
    children = psutil.Process(stack_status(stack.settings).pid).children(recursive=True)
    return [child for child in children if _flow_run_of(child) == run_id]


def _flow_run_of(process: psutil.Process) -> str | None:
    try:
        is_run = "flows.run_process" in process.cmdline()
        return process.environ().get("PREFECT__FLOW_RUN_ID") if is_run else None
    except (psutil.NoSuchProcess, psutil.ZombieProcess):
        return None


def _command(stack: RunningStack, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> Any:
    for name, value in stack.settings.environment().items():
        monkeypatch.setenv(name, value)
    app = typer.Typer()
    for command in (commands.up, commands.down, commands.status):
        app.command()(command)
    return CliRunner().invoke(app, arguments)


def test_status_shows_every_part(stack: RunningStack, monkeypatch: pytest.MonkeyPatch) -> None:
    result = _command(stack, monkeypatch, "status", "--json")
    assert result.exit_code == 0
    shown = json.loads(result.stdout)
    assert shown["running"]
    assert {part["name"] for part in shown["parts"]} == {"postgres", "s3", "openbao", "prefect", "worker"}
    for part in shown["parts"]:
        assert part["status"] == "up"
        assert part["address"]
        assert part["version"]
        assert psutil.pid_exists(part["pid"])
        assert Path(part["log"]).is_file()
    table = _command(stack, monkeypatch, "status").stdout
    assert "openbao" in table
    assert stack.addresses.credentials.url in table


def test_up_beside_a_running_stack_changes_nothing(stack: RunningStack, monkeypatch: pytest.MonkeyPatch) -> None:
    before = stack_status(stack.settings)
    result = _command(stack, monkeypatch, "up")
    assert result.exit_code == 0
    assert stack.addresses.prefect.ui_url in result.stdout
    assert stack_status(stack.settings) == before


def test_a_command_leaves_a_running_stack_as_it_was(stack: RunningStack) -> None:
    before = stack_status(stack.settings)
    with ensure_stack(stack.settings) as addresses:
        assert addresses == stack.addresses
    assert stack_status(stack.settings) == before


def test_no_secret_in_any_command_line_and_all_files_private(stack: RunningStack, api: PrefectApi) -> None:
    run = api.start_run("nap/queued", seconds=20)
    api.wait_for(run, "RUNNING")
    root = stack.addresses.state_directory
    secrets = [path.read_text() for path in (root / "secrets").iterdir()]
    assert len(secrets) >= 7
    processes = [psutil.Process(stack_status(stack.settings).pid)]
    processes += processes[0].children(recursive=True)
    assert len(processes) > 6
    for process in processes:
        line = " ".join(process.cmdline())
        assert not any(secret in line or secret.partition(":")[2] in line.split() for secret in secrets)
    modes = {path.stat().st_mode & 0o077 for path in (root / "secrets").iterdir()}
    assert modes == {0}
    assert root.stat().st_mode & 0o777 == 0o700
    for process in _flow_processes(stack, run):
        process.kill()


def test_the_api_wants_its_password(stack: RunningStack) -> None:
    import httpx

    assert httpx.post(f"{stack.addresses.prefect.api_url}/flow_runs/filter", json={}).status_code == 401


def test_runs_beyond_the_limit_wait_or_are_cancelled(api: PrefectApi) -> None:
    queued = [api.start_run("nap/queued", seconds=0.5) for _ in range(2)]
    holder = api.start_run("nap/exclusive", seconds=4)
    api.wait_for(holder, "PENDING", "RUNNING")
    assert api.wait_for(api.start_run("nap/exclusive"))["type"] == "CANCELLED"
    assert [api.wait_for(run)["type"] for run in (holder, *queued)] == ["COMPLETED"] * 3


def test_schedules_put_runs_on_the_calendar(api: PrefectApi) -> None:
    deployment = api.deployment("nap/yearly")
    assert [schedule["slug"] for schedule in deployment["schedules"]] == ["yearly"]
    query = {"deployments": {"id": {"any_": [deployment["id"]]}}}
    _eventually(lambda: any(run["auto_scheduled"] for run in api.call("POST", "/flow_runs/filter", query)))


def test_killed_worker_leaves_no_run_behind(stack: RunningStack, api: PrefectApi) -> None:
    deployment = api.deployment("nap/yearly")
    schedule = deployment["schedules"][0]["id"]
    api.call("PATCH", f"/deployments/{deployment['id']}/schedules/{schedule}", {"active": False})
    api.call("PATCH", f"/deployments/{deployment['id']}", {"parameters": {"seconds": 7}})
    run = api.start_run("nap/queued", seconds=100)
    api.wait_for(run, "RUNNING")
    orphans = _flow_processes(stack, run)
    assert len(orphans) == 1
    _kill(stack, "worker")
    state = api.wait_for(run, seconds=5)
    assert state["type"] == "CRASHED"
    assert "worker" in state["message"]
    wait_ended(orphans, seconds=1)
    # The deployment's only slot is free again, and what somebody has changed stays so.
    assert api.wait_for(api.start_run("nap/queued"))["type"] == "COMPLETED"
    assert not api.deployment("nap/yearly")["schedules"][0]["active"]
    assert api.deployment("nap/yearly")["parameters"] == {"seconds": 7}


def test_killed_flow_run_is_reported(stack: RunningStack, api: PrefectApi) -> None:
    run = api.start_run("nap/queued", seconds=100)
    api.wait_for(run, "RUNNING")
    for process in _flow_processes(stack, run):
        process.kill()
    assert "SIGKILL" in api.wait_for(run)["message"]


@pytest.mark.parametrize("name", ["prefect", "postgres"])
def test_killed_server_comes_back_and_runs_go_on(name: str, stack: RunningStack, api: PrefectApi) -> None:
    run = api.start_run("nap/queued", seconds=3)
    api.wait_for(run, "RUNNING")
    address = _part(stack, name)["address"]
    _kill(stack, name)
    assert _part(stack, name)["address"] == address
    assert _part(stack, name)["restarts"] >= 1
    assert api.wait_for(run)["type"] == "COMPLETED"
    # The lease on the deployment's slot has outlived the server, and is given back.
    assert api.wait_for(api.start_run("nap/queued"))["type"] == "COMPLETED"
