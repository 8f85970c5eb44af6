"""What a command does with the embedded stack: use it, start it, stop it.

``ensure_stack`` is for a command that needs the stack while it works; ``start_stack`` and ``stop_stack`` are
``fleetscope up`` and ``down``.
"""

from __future__ import annotations

import fcntl
import os
import signal
import sys
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import Any

from deployments.addresses import Addresses
from deployments.embedded.part import clear_leftover, log_tail
from deployments.embedded.process import ProcessRecord
from deployments.embedded.stack import PART_NAMES, STORE_NAMES, Stack
from deployments.embedded.state import StateDirectory
from deployments.embedded.supervisor import (
    ALL_PARTS_SIGNAL,
    DOCUMENT,
    KEEP_SIGNAL,
    LOCK,
    SUPERVISOR,
    USERS_LOCK,
)
from deployments.settings import Settings
from fleet.errors import StackError

Progress = Callable[[str], None]

_START_SECONDS = 240.0
_STOP_SECONDS = 120.0
_POLL_SECONDS = 0.05
# A borrowed stack looks for users five times a second.
_NOTICE_SECONDS = 5.0


def _silent(_: str) -> None:
    """No progress wanted."""


@contextmanager
def ensure_stack(
    settings: Settings, progress: Progress = _silent, *, prefect: bool = True, worker: bool = True
) -> Iterator[Addresses]:
    """Use the running stack, or start one that ends when its last user does.

    Args:
        progress: is told in a sentence what is being waited for.
        prefect: whether the Prefect server is needed; a command that only reads and writes stores needs none, and
            has a cold stack in a third of the time.
        worker: whether runs of deployments are needed; flows that run in the command's own process need none.

    Raises:
        StackError: it cannot be started; the message says which part and why.
    """
    stack = Stack(settings)
    wanted = STORE_NAMES | ({"prefect"} if prefect else set()) | ({"worker", "prefect"} if worker else set())
    needed = {part.name for part in stack.parts()} & wanted
    if not needed:
        yield stack.addresses()
        return
    state = stack.state
    users = _become_user(state)
    try:
        spawned = None
        if state.process(SUPERVISOR) is None:
            progress(f"Starting the embedded stack in {state.root} …")
            spawned = _spawn(stack, *sorted(needed))
        _Start(state, progress, spawned, needed).wait()
        yield stack.addresses()
    finally:
        if _leave(users) and not _is_lasting(state):
            _wait_borrowed_end(state, progress)


def start_stack(settings: Settings, progress: Progress = _silent) -> Addresses:
    """Start the stack to stay, or keep the one that a command has started for itself.

    Raises:
        StackError: it cannot be started; the message says which part and why.
    """
    stack = Stack(settings)
    users = _become_user(stack.state)
    try:
        spawned = None
        if stack.state.process(SUPERVISOR) is None:
            spawned = _spawn(stack, "lasting", *sorted(PART_NAMES))
        else:
            _signal_supervisor(stack.state, KEEP_SIGNAL)
        needed = {part.name for part in stack.parts()}
        _Start(stack.state, progress, spawned, needed, lasting=True).wait()
        return stack.addresses()
    finally:
        os.close(users)


def stop_stack(settings: Settings, progress: Progress = _silent) -> bool:
    """Stop the stack, and what a crashed supervisor has left of one.

    Returns:
        Whether there was something to stop.

    Raises:
        StackError: it did not end in time.
    """
    if not settings.state_dir.expanduser().exists():
        return False
    stack = Stack(settings)
    supervisor = stack.state.process(SUPERVISOR)
    if supervisor is None:
        return _clear_leftovers(stack)
    progress("Stopping the embedded stack …")
    os.kill(supervisor.pid, signal.SIGTERM)
    _wait_end(supervisor)
    return True


def _become_user(state: StateDirectory) -> int:
    """Hold the users' lock, shared; waits for a borrowed stack that is just ending."""
    descriptor = os.open(state.root / USERS_LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    deadline = time.monotonic() + _STOP_SECONDS
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                os.close(descriptor)
                raise StackError(f"The stack in {state.root} is ending and does not come to its end.") from None
            time.sleep(_POLL_SECONDS)
        else:
            return descriptor


def _leave(users: int) -> bool:
    """Give the users' lock back; returns whether nobody else holds it."""
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        is_last = False
    else:
        is_last = True
    os.close(users)
    return is_last


def _spawn(stack: Stack, *words: str) -> int:
    """Start a supervisor in a session of its own. A second one that comes at the same time ends by itself."""
    log = stack.state.log_file(SUPERVISOR)
    return os.posix_spawn(
        sys.executable,
        [sys.executable, "-P", "-m", "deployments.embedded.supervisor", *words],
        {**os.environ, **stack.settings.environment()},
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, str(log), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
        setsid=True,
    )


class _Start:
    """Waiting for a stack to come up, whoever starts it.

    Args:
        spawned: the process that this one has started to supervise the stack, or None where there was one.
        needed: names of the parts to wait for.
        lasting: whether to wait until the supervisor has agreed to stay.
    """

    def __init__(
        self,
        state: StateDirectory,
        progress: Progress,
        spawned: int | None,
        needed: Collection[str],
        *,
        lasting: bool = False,
    ) -> None:
        self._state = state
        self._progress = progress
        self._spawned = spawned
        self._needed = frozenset(needed)
        self._lasting = lasting
        parts = (state.read_document(DOCUMENT) or {}).get("parts", [])
        self._told = set() if spawned else {part["name"] for part in parts if part["status"] == "up"}

    def wait(self) -> None:
        """Wait until it runs.

        Raises:
            StackError: a part or the supervisor has failed.
        """
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            supervisor = self._state.process(SUPERVISOR)
            document = self._state.read_document(DOCUMENT) or {}
            if supervisor is not None and supervisor.pid == document.get("pid"):
                if self._has_come_up(document):
                    return
            elif supervisor is None:
                self._require_hope(document)
            time.sleep(_POLL_SECONDS)
        raise StackError(
            f"The stack in {self._state.root} did not come up in {_START_SECONDS:.0f} s.", hint="See: fleetscope status"
        )

    def _has_come_up(self, document: dict[str, Any]) -> bool:
        parts = document["parts"]
        for part in parts:
            if part["status"] == "up" and part["name"] not in self._told:
                self._told.add(part["name"])
                self._progress(f"{part['name']} is up at {part['address']} ({part['start_seconds']:.1f} s)")
        for part in parts:
            if part["status"] == "failed" and part["name"] in self._needed:
                raise StackError(part["error"], hint=f"Its log: {part['log']}")
        if not self._needed <= {part["name"] for part in parts} and document["phase"] in ("starting", "running"):
            _signal_supervisor(self._state, ALL_PARTS_SIGNAL)
        up = {part["name"] for part in parts if part["status"] == "up"}
        return self._needed <= up and (document["lasting"] or not self._lasting)

    def _require_hope(self, document: dict[str, Any]) -> None:
        """There is no supervisor (yet): check that one is on its way."""
        if self._spawned is not None and not _reap(self._spawned):
            return
        if document.get("phase") == "failed" and document.get("error"):
            raise StackError(document["error"])
        log = self._state.log_file(SUPERVISOR)
        raise StackError(
            f"The stack's supervisor has ended. The end of its log:\n{log_tail(log)}\n", hint=f"The whole log: {log}"
        )


def _reap(pid: int) -> bool:
    """Whether a process is gone; buries it when it is this process' child."""
    try:
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    except ChildProcessError:
        return not os.path.exists(f"/proc/{pid}")  # noqa: PTH110 - one system call in a loop


def _signal_supervisor(state: StateDirectory, number: signal.Signals) -> None:
    supervisor = state.process(SUPERVISOR)
    if supervisor is not None:
        os.kill(supervisor.pid, number)


def _is_lasting(state: StateDirectory) -> bool:
    return bool((state.read_document(DOCUMENT) or {}).get("lasting"))


def _wait_borrowed_end(state: StateDirectory, progress: Progress) -> None:
    """Wait for a borrowed stack to end, unless another user has come meanwhile."""
    supervisor = state.process(SUPERVISOR)
    if supervisor is None:
        return
    deadline = time.monotonic() + _NOTICE_SECONDS
    while supervisor.is_alive() and (state.read_document(DOCUMENT) or {}).get("phase") not in ("stopping", "stopped"):
        if time.monotonic() > deadline:
            return
        time.sleep(_POLL_SECONDS)
    progress("Stopping the embedded stack …")
    _wait_end(supervisor)


def _wait_end(supervisor: ProcessRecord) -> None:
    deadline = time.monotonic() + _STOP_SECONDS
    while supervisor.is_alive():
        if time.monotonic() > deadline:
            raise StackError(f"The stack's supervisor (process {supervisor.pid}) does not end.")
        time.sleep(_POLL_SECONDS)
    _reap(supervisor.pid)


def _clear_leftovers(stack: Stack) -> bool:
    lock = stack.state.lock(LOCK)
    if lock is None:
        return False
    cleared = [clear_leftover(part) for part in reversed(stack.parts())]
    stack.state.forget_process(SUPERVISOR)
    os.close(lock)
    return any(cleared)
