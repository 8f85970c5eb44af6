"""Start, stop, crash and next start, on stacks of the three stores (a whole stack is in ``test_stack.py``)."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import psycopg
import pytest

from deployments.addresses import Addresses
from deployments.embedded.control import ensure_stack, stop_stack
from deployments.embedded.part import Child
from deployments.embedded.postgres import PostgresPart
from deployments.embedded.stack import STORE_NAMES
from deployments.embedded.state import StateDirectory
from deployments.embedded.status import stack_status
from deployments.settings import Settings, load_settings
from fleet.errors import StackError
from tests.conftest import running
from tests.processes import wait_ended

_ENOUGH_SECONDS = 60


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(state_dir=tmp_path / "state")


@contextmanager
def _stores(settings: Settings) -> Iterator[Addresses]:
    with ensure_stack(settings, prefect=False, worker=False) as addresses:
        yield addresses


@contextmanager
def _supervisor(settings: Settings) -> Iterator[subprocess.Popen[bytes]]:
    """A lasting supervisor of the three stores; everything of it is gone afterwards."""
    command = [sys.executable, "-m", "deployments.embedded.supervisor", "lasting", *STORE_NAMES]
    with subprocess.Popen(command, env={**os.environ, **settings.environment()}, stderr=subprocess.PIPE) as process:
        try:
            deadline = time.monotonic() + _ENOUGH_SECONDS
            while not (stack_status(settings).is_running or process.poll() is not None):
                assert time.monotonic() < deadline
                time.sleep(0.05)
            yield process
        finally:
            process.kill()
    wait_ended(_processes_of(settings), _ENOUGH_SECONDS)


def _processes_of(settings: Settings) -> list[psutil.Process]:
    """Every process on the machine that works in this state directory."""
    root = str(settings.state_dir)
    found = []
    for process in psutil.process_iter(["cmdline"]):
        if any(root in argument for argument in process.info["cmdline"] or []):
            found.append(process)
    return found


def _remember(addresses: Addresses, value: int) -> None:
    with psycopg.connect(addresses.postgres.dsn, password=addresses.postgres.password) as connection:
        connection.execute("CREATE TABLE kept (value int)")
        connection.execute("INSERT INTO kept VALUES (%s)", [value])


def _recall(addresses: Addresses) -> int:
    with psycopg.connect(addresses.postgres.dsn, password=addresses.postgres.password) as connection:
        row = connection.execute("SELECT value FROM kept").fetchone()
    assert row is not None
    return int(row[0])


def test_a_borrowed_stack_goes_with_its_last_user_and_comes_back_with_its_data(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A user's own files may have the names of our packages: nothing of theirs is run.
    for name in ("fleet", "storage", "deployments"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('not ours')\n")
    monkeypatch.chdir(tmp_path)
    told: list[str] = []
    first = ensure_stack(settings, told.append, prefect=False, worker=False)
    addresses = first.__enter__()
    _remember(addresses, 7)
    assert any("postgres is up" in sentence for sentence in told)
    with _stores(settings) as seen_by_second:
        assert seen_by_second == addresses
        first.__exit__(None, None, None)
        # The one that has started it is gone, another still works with it.
        assert _recall(seen_by_second) == 7
        assert stack_status(settings).phase == "running"
    assert stack_status(settings).phase == "stopped"
    assert not _processes_of(settings)
    with _stores(settings) as again:
        assert again == addresses
        assert _recall(again) == 7


def test_ctrl_c_stops_everything(settings: Settings) -> None:
    with _supervisor(settings) as process:
        process.send_signal(signal.SIGINT)
        assert process.wait(_ENOUGH_SECONDS) == 0
        assert not _processes_of(settings)
        assert stack_status(settings).phase == "stopped"


def test_killed_supervisor_takes_its_children_along_and_the_next_start_works(settings: Settings) -> None:
    with _supervisor(settings) as process:
        with _stores(settings) as addresses:
            _remember(addresses, 11)
        children = psutil.Process(process.pid).children(recursive=True)
        assert len(children) >= len(STORE_NAMES)
        process.kill()
        wait_ended(children, _ENOUGH_SECONDS)
    assert stack_status(settings).phase == "died"
    with _stores(settings) as addresses:
        assert _recall(addresses) == 11


def test_only_one_supervisor_has_a_state_directory(settings: Settings) -> None:
    with _supervisor(settings) as first, _supervisor(settings) as second:
        assert second.wait(_ENOUGH_SECONDS) == 3
        assert second.stderr is not None
        assert b"is already running" in second.stderr.read()
        assert first.poll() is None
        assert stop_stack(settings)
        assert first.wait(_ENOUGH_SECONDS) == 0
        assert not _processes_of(settings)
    log = StateDirectory(settings.state_dir).log_file("postgres").read_text()
    assert "database system is shut down" in log
    assert not stop_stack(settings)


def test_what_a_crash_has_left_is_cleared_away(settings: Settings) -> None:
    part = PostgresPart(StateDirectory(settings.state_dir))
    part.prepare()
    leftover = Child(part)
    leftover.start()
    leftover.wait_ready()
    with _stores(settings):
        assert leftover.exit_code() == 0


def test_a_port_in_use_is_named_with_its_user_and_the_way_out(settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as squatter:
        port = squatter.getsockname()[1]
        taken = settings.model_copy(update={"postgres_port": port})
        with pytest.raises(StackError) as failure, _stores(taken):
            pass
    message = str(failure.value)
    assert f"Port {port} of 127.0.0.1" in message
    assert "postgres" in message
    assert f"process {os.getpid()}" in message
    assert "FLEETSCOPE_POSTGRES_PORT" in message
    assert not _processes_of(settings)


def test_a_part_that_dies_at_its_start_is_named_with_its_log(settings: Settings) -> None:
    part = PostgresPart(StateDirectory(settings.state_dir))
    with running(part):
        pass
    (part.data / "PG_VERSION").write_text("9\n")
    with pytest.raises(StackError) as failure, _stores(settings):
        pass
    message = str(failure.value)
    assert "postgres ended with exit code 1" in message
    assert "initialized by PostgreSQL version 9" in message
    assert str(part.state.log_file("postgres")) in message
    assert not _processes_of(settings)
    assert stack_status(settings).phase == "failed"
