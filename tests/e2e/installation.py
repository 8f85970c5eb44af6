"""An installation as its users meet it: the command, its stores, its processes, and Prefect's API."""

from __future__ import annotations

import io
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

import psutil

from deployments.addresses import Addresses
from deployments.embedded.status import stack_status
from deployments.settings import Settings
from interfaces.cli import main
from interfaces.cli.result import ScanResult, result_of
from interfaces.cli.runs import run_flow
from storage.stores import Stores
from tests.deployments.prefect_api import PrefectApi

ENOUGH_SECONDS = 90


@dataclass(frozen=True)
class Outcome:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass(frozen=True)
class Installation:
    """A running stack with its worker, and the stores behind it."""

    settings: Settings
    addresses: Addresses
    stores: Stores

    def fleetscope(self, *arguments: object) -> Outcome:
        """Run the command in this process; a start of Python for each would take most of the tests' time."""
        words = [str(argument) for argument in arguments]
        out, err = io.StringIO(), io.StringIO()
        code: Any = 0
        with patch.object(sys, "argv", ["fleetscope", *words]), redirect_stdout(out), redirect_stderr(err):
            try:
                main.run()
            except SystemExit as end:
                code = end.code
        return Outcome(int(code or 0), out.getvalue(), err.getvalue())

    def scan(self, clusters: Collection[str], *, ends: str = "Completed", **parameters: Any) -> ScanResult:
        """Run the scan's flow in this process, without its report, which takes as long as all the rest."""
        from flows.scan import scan_fleet

        with redirect_stderr(io.StringIO()):
            run = run_flow(scan_fleet, clusters=list(clusters), report=False, **parameters)
        assert run.state == ends, (run, result_of(self.stores, run.id).coverage)
        return result_of(self.stores, run.id)

    @contextmanager
    def prefect(self) -> Iterator[PrefectApi]:
        with PrefectApi(self.addresses.prefect) as api:
            yield api

    def part(self, name: str) -> dict[str, Any]:
        return next(part for part in stack_status(self.settings).parts if part["name"] == name)

    def kill(self, name: str) -> int:
        """``kill -9``; returns the process id that it had."""
        killed = int(self.part(name)["pid"])
        os.kill(killed, signal.SIGKILL)
        return killed

    def wait_restarted(self, name: str, killed: int) -> None:
        """Wait until the supervisor has a part up again under another process id."""

        def is_back() -> bool:
            part = self.part(name)
            return part["status"] == "up" and part["pid"] != killed

        eventually(is_back)

    @contextmanager
    def kept_down(self, name: str) -> Iterator[None]:
        """``kill -9`` of a part, which is started again at the end only: until then its supervisor is made to wait."""
        supervisor = int(stack_status(self.settings).pid or 0)
        os.kill(supervisor, signal.SIGSTOP)
        try:
            killed = self.kill(name)
            yield
        finally:
            os.kill(supervisor, signal.SIGCONT)
        self.wait_restarted(name, killed)

    def flow_processes(self) -> list[psutil.Process]:
        """The processes of flow runs under way."""
        found = []
        for child in psutil.Process(stack_status(self.settings).pid).children(recursive=True):
            try:
                if "flows.run_process" in child.cmdline():
                    found.append(child)
            except psutil.NoSuchProcess:
                continue
        return found


def eventually(is_so: Callable[[], bool], seconds: float = ENOUGH_SECONDS) -> None:
    """Wait until something holds."""
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, is_so
        time.sleep(0.02)
