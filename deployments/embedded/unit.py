"""One part under supervision: waits for what it needs, is started, watched, and started again when it dies."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Any

from deployments.embedded.part import Child, Part, describe_exit
from fleet.errors import StackError

_FIRST_PAUSE_SECONDS = 0.2
_LONGEST_PAUSE_SECONDS = 30.0
_QUICK_DEATH_SECONDS = 30.0
_QUICK_DEATHS_ALLOWED = 5

_log = logging.getLogger(__name__)


class Status(StrEnum):
    """How a part is."""

    WAITING = "waiting"
    STARTING = "starting"
    UP = "up"
    RESTARTING = "restarting"
    FAILED = "failed"
    STOPPED = "stopped"


class Unit:
    """See the module's text.

    A part that never came up is an error of the whole stack. One that was up and dies is started again, after growing
    pauses; one that keeps dying is given up and reported, while the others go on.
    """

    def __init__(
        self, part: Part, needs: Sequence[str], on_death: Callable[[Unit], None], progress: Callable[[str], None]
    ) -> None:
        self.part = part
        self.status = Status.WAITING
        self._needs = frozenset(needs)
        self._on_death = on_death
        self._progress = progress
        self._child = Child(part)
        self.has_been_up = False
        self._restarts = 0
        self._quick_deaths = 0
        self._started_at = 0.0
        self._start_again_at = 0.0
        self._start_seconds: float | None = None
        self._error = ""

    @property
    def name(self) -> str:
        """The part's name."""
        return self.part.name

    def step(self, up: set[str]) -> None:
        """Do what is next; returns soon.

        Raises:
            StackError: the part could not be started for the first time.
        """
        match self.status:
            case Status.WAITING if self._needs <= up:
                self._start()
            case Status.RESTARTING if time.monotonic() >= self._start_again_at:
                self._start()
            case Status.STARTING:
                self._watch_start()
            case Status.UP if self._child.exit_code() is not None:
                self._bury()

    def ask_to_stop(self) -> None:
        """Send the stop signal."""
        self._child.ask_to_stop()

    def wait_stopped(self) -> None:
        """Wait for the end."""
        self._child.wait_stopped()
        if self.status is not Status.FAILED:
            self.status = Status.STOPPED

    def describe(self) -> dict[str, Any]:
        """The part as ``stack.json`` and ``fleetscope status`` show it."""
        return {
            "name": self.name,
            "status": str(self.status),
            "address": self.part.address,
            "pid": self._child.pid if self._child.exit_code() is None else None,
            "version": self.part.version,
            "log": str(self.part.state.log_file(self.name)),
            "start_seconds": self._start_seconds,
            "restarts": self._restarts,
            "error": self._error,
        }

    def _start(self) -> None:
        self._started_at = time.monotonic()
        try:
            self.part.prepare()
            self._child.start()
        except StackError as error:
            self._fail_or_retry(error)
            return
        self.status = Status.STARTING

    def _watch_start(self) -> None:
        try:
            if not self._child.is_ready():
                return
        except StackError as error:
            self._fail_or_retry(error)
            return
        self.status = Status.UP
        self.has_been_up = True
        self._error = ""
        self._start_seconds = round(time.monotonic() - self._started_at, 2)
        self._progress(f"{self.name} is up at {self.part.address} ({self._start_seconds:.1f} s)")

    def _bury(self) -> None:
        code = self._child.exit_code()
        words = describe_exit(code if code is not None else 0)
        self._fail_or_retry(StackError(f"{self.name} ended with {words}.\n{self._child.log_tail()}"))
        self._on_death(self)

    def _fail_or_retry(self, error: StackError) -> None:
        if not self.has_been_up:
            self.status = Status.FAILED
            raise error
        lived = time.monotonic() - self._started_at
        self._quick_deaths = self._quick_deaths + 1 if lived < _QUICK_DEATH_SECONDS else 1
        self._error = str(error)
        _log.error("%s", error)
        if self._quick_deaths > _QUICK_DEATHS_ALLOWED:
            self.status = Status.FAILED
            self._progress(f"{self.name} keeps ending and is given up; its log: {self.part.state.log_file(self.name)}")
            return
        pause = min(_FIRST_PAUSE_SECONDS * 2 ** (self._quick_deaths - 1), _LONGEST_PAUSE_SECONDS)
        self._start_again_at = time.monotonic() + pause
        self._restarts += 1
        self.status = Status.RESTARTING
        self._progress(f"{self.name} has ended and is started again; its log: {self.part.state.log_file(self.name)}")
