"""Starts the parts of a stack in their order, keeps them alive, tells how they are, and stops them.

Runs as ``python -m deployments.embedded.supervisor`` (settings come from the environment), or inside
``fleetscope up --foreground``. How the parts are is kept in ``stack.json`` of the state directory.

A supervisor is either lasting (``fleetscope up``) or borrowed: then it ends as soon as nobody holds the ``users`` lock,
so that a stack that was started for one command goes with it, however that command ends.
"""

from __future__ import annotations

import fcntl
import logging
import os
import signal
import sys
import time
from collections.abc import Callable, Collection
from typing import Any

import httpx

from deployments.embedded.part import Part, clear_leftover
from deployments.embedded.stack import PART_NAMES, Stack
from deployments.embedded.unfinished_runs import WORKER_DIED, WORKER_STOPPED, close_unfinished_runs
from deployments.embedded.unit import Status, Unit
from deployments.settings import load_settings
from fleet.errors import FleetscopeError, StackError

DOCUMENT = "stack.json"
SUPERVISOR = "supervisor"
LOCK = "lock"
USERS_LOCK = "users"
#: Sent to a supervisor: have all parts, and stay after the last user / have all parts.
KEEP_SIGNAL = signal.SIGUSR1
ALL_PARTS_SIGNAL = signal.SIGUSR2
_BUSY_SECONDS = 0.03
_CALM_SECONDS = 0.2

_log = logging.getLogger(__name__)


class Supervisor:
    """One stack's supervisor. To be run by the main thread of its process.

    Args:
        lasting: whether it stays when nobody uses the stack.
        parts: names of the parts to start; the others can be asked for later (``ALL_PARTS_SIGNAL``).
        progress: is told in a sentence what has happened.
    """

    def __init__(
        self,
        stack: Stack,
        *,
        lasting: bool,
        parts: Collection[str] = PART_NAMES,
        progress: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._stack = stack
        self._state = stack.state
        self._lasting = lasting
        self._progress = progress
        self._wanted = frozenset(parts)
        self._units: list[Unit] = []
        self._stopping = False
        self._document: dict[str, Any] = {}

    def run(self) -> None:
        """Start, supervise until told to stop, stop.

        Raises:
            StackError: another supervisor has this stack, or a part could not be started.
        """
        # Before there is a record of this process, by which others send it signals.
        self._listen()
        lock = self._state.lock(LOCK)
        if lock is None:
            raise StackError(f"The stack in {self._state.root} is already running.", hint="See: fleetscope status")
        try:
            self._state.remember_process(SUPERVISOR, os.getpid())
            self._clear_leftovers()
            self._add_units()
            self._publish("starting")
            self._supervise()
        except FleetscopeError as error:
            self._stop_units()
            self._publish("failed", str(error))
            raise
        except BaseException:
            self._stop_units()
            self._publish("failed", "The supervisor failed; see its log.")
            raise
        else:
            self._publish("stopping")
            self._stop_units()
            self._publish("stopped")
        finally:
            self._state.forget_process(SUPERVISOR)
            os.close(lock)

    def _unit(self, part: Part) -> Unit:
        return Unit(part, needs=self._stack.needs(part), on_death=self._on_death, progress=self._progress)

    def _listen(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_stop)
        signal.signal(KEEP_SIGNAL, self._on_keep)
        signal.signal(ALL_PARTS_SIGNAL, self._on_all_parts)
        # A terminal that goes away takes its foreground stack with it in good order.
        signal.signal(signal.SIGHUP, self._on_stop)

    def _on_stop(self, *_: object) -> None:
        self._stopping = True

    def _on_keep(self, *_: object) -> None:
        self._lasting = True
        self._wanted = PART_NAMES

    def _on_all_parts(self, *_: object) -> None:
        self._wanted = PART_NAMES

    def _clear_leftovers(self) -> None:
        """End what a supervisor that was killed has left: the worker first, then what it works on."""
        for part in reversed(self._stack.parts()):
            if clear_leftover(part):
                _log.warning("Stopped a leftover process of %s.", part.name)

    def _supervise(self) -> None:
        while not self._stopping:
            self._add_units()
            up = {unit.name for unit in self._units if unit.status is Status.UP}
            for unit in self._units:
                unit.step(up)
            is_settled = all(unit.status in (Status.UP, Status.FAILED) for unit in self._units)
            self._publish("running" if is_settled else "starting")
            if not self._lasting and self._nobody_uses():
                return
            time.sleep(_CALM_SECONDS if is_settled else _BUSY_SECONDS)

    def _add_units(self) -> None:
        present = {unit.name for unit in self._units}
        for part in self._stack.parts():
            if part.name in self._wanted - present:
                self._units.append(self._unit(part))

    def _nobody_uses(self) -> bool:
        """Whether no process holds the users' lock; from then on none can take it before this supervisor ends."""
        descriptor = os.open(self._state.root / USERS_LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return False
        # Not closed: the lock goes with this process.
        return True

    def _on_death(self, unit: Unit) -> None:
        if unit.name == "worker":
            self._close_runs(WORKER_DIED)

    def _close_runs(self, message: str) -> None:
        try:
            count = close_unfinished_runs(self._stack.addresses().prefect, message)
        except httpx.HTTPError as error:
            # The next worker does it before it takes a run.
            _log.warning("Runs of the worker could not be closed yet: %s", type(error).__name__)
        else:
            _log.info("%d runs of the worker were closed.", count)

    def _stop_units(self) -> None:
        """Stop those that use others first; those that nothing uses stop side by side."""
        by_name = {unit.name: unit for unit in self._units}
        for wave in (("worker",), ("prefect",), ("s3", "openbao", "postgres")):
            units = [by_name[name] for name in wave if name in by_name]
            for unit in units:
                unit.ask_to_stop()
            for unit in units:
                unit.wait_stopped()
            if any(unit.name == "worker" and unit.has_been_up for unit in units):
                self._close_runs(WORKER_STOPPED)

    def _publish(self, phase: str, error: str = "") -> None:
        document = {
            "pid": os.getpid(),
            "phase": phase,
            "lasting": self._lasting,
            "error": error,
            "parts": [unit.describe() for unit in self._units],
        }
        if document != self._document:
            self._document = document
            self._state.write_document(DOCUMENT, document)


def main(arguments: list[str]) -> int:
    """Run detached. Arguments are names of parts, and ``lasting``."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    try:
        stack = Stack(load_settings())
        Supervisor(stack, lasting="lasting" in arguments, parts=arguments, progress=_log.info).run()
    except FleetscopeError as error:
        _log.error("%s", error)
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
