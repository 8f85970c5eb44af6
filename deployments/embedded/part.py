"""What a supervisor needs to know of a part, and how it runs one as a child."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from pathlib import Path
from typing import ClassVar

from deployments.embedded import launcher
from deployments.embedded.process import ProcessRecord
from deployments.embedded.state import StateDirectory, port_is_free
from fleet.errors import StackError

_LOG_LIMIT_BYTES = 20_000_000
_TAIL_LINES = 15
_TAIL_BYTES = 8000
_PAUSE_SECONDS = 0.05


class Part(ABC):
    """One server of the embedded stack."""

    name: ClassVar[str]
    #: how the server is asked to stop, and how it is told that its supervisor died
    stop_signal: ClassVar[signal.Signals] = signal.SIGTERM
    death_signal: ClassVar[signal.Signals] = signal.SIGTERM
    stop_seconds: ClassVar[float] = 15.0
    start_seconds: ClassVar[float] = 60.0

    def __init__(self, state: StateDirectory) -> None:
        self.state = state

    @property
    @abstractmethod
    def address(self) -> str:
        """Where people reach it, without secrets."""

    @property
    @abstractmethod
    def ports(self) -> dict[str, int]:
        """Every port that it listens on, by the name under which it is remembered."""

    @property
    @abstractmethod
    def version(self) -> str:
        """The server's version."""

    def prepare(self) -> None:  # noqa: B027 - most parts need some of this, none all
        """Make what the server needs before its start; does nothing when it is there."""

    @abstractmethod
    def command(self) -> list[str]:
        """Program (an absolute path) and arguments; never a secret."""

    def environment(self) -> dict[str, str]:
        """Variables that the server gets beside this process' own."""
        return {}

    def system_user(self) -> str | None:
        """The system user to run as, or None for the present one."""
        return None

    @abstractmethod
    def is_ready(self) -> bool:
        """Ask the server once whether it serves (at most about a second)."""

    def provision(self) -> None:  # noqa: B027
        """Make what others expect to find in the server; does nothing when it is there."""


class Child:
    """A part's process. To be started by the main thread: the kernel's parent-death signal follows the thread."""

    def __init__(self, part: Part) -> None:
        self.part = part
        self._process: subprocess.Popen[bytes] | None = None
        self._log_start_bytes = 0
        self._started_at = 0.0

    @property
    def pid(self) -> int | None:
        """The process id, or None when it was never started."""
        return None if self._process is None else self._process.pid

    def exit_code(self) -> int | None:
        """None while it runs; the negative signal's number when a signal ended it."""
        return None if self._process is None else self._process.poll()

    def start(self) -> None:
        """Start the process; does not wait until it serves.

        Raises:
            StackError: one of its ports is in use.
        """
        state, part = self.part.state, self.part
        for name, port in part.ports.items():
            require_free(name, port)
        log_path = state.log_file(part.name)
        if log_path.exists() and log_path.stat().st_size > _LOG_LIMIT_BYTES:
            log_path.replace(log_path.with_suffix(".log.1"))
        self._started_at = time.monotonic()
        self._log_start_bytes = log_path.stat().st_size if log_path.exists() else 0
        descriptor = os.open(log_path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            self._process = subprocess.Popen(  # noqa: S603 - a fixed argument vector
                launch_command(part.command(), part.death_signal, part.system_user()),
                env={**_inherited_environment(), **part.environment()},
                cwd=state.root,
                stdin=subprocess.DEVNULL,
                stdout=descriptor,
                stderr=descriptor,
                # Ctrl-C is for the supervisor, which stops the parts in their order.
                start_new_session=True,
            )
        finally:
            os.close(descriptor)
        state.remember_process(part.name, self._process.pid)

    def is_ready(self) -> bool:
        """Whether the part serves; once it does, it has provisioned what others expect in it.

        Raises:
            StackError: it died, or has not come to serve in time; the message holds the end of its log.
        """
        if self.part.is_ready():
            self.part.provision()
            return True
        code = self.exit_code()
        is_late = time.monotonic() - self._started_at > self.part.start_seconds
        if code is None and not is_late:
            return False
        end = f"ended with {describe_exit(code)}" if code is not None else f"does not serve at {self.part.address}"
        self.stop()
        raise StackError(
            f"{self.part.name} {end}. The end of its log:\n{self.log_tail()}\n",
            hint=f"The whole log: {self.part.state.log_file(self.part.name)}",
        )

    def wait_ready(self) -> None:
        """Wait until the part serves.

        Raises:
            StackError: see ``is_ready``.
        """
        while not self.is_ready():
            time.sleep(_PAUSE_SECONDS)

    def ask_to_stop(self) -> None:
        """Send the part's stop signal; does not wait."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(self.part.stop_signal)

    def wait_stopped(self) -> None:
        """Wait for its end, kill it if that takes too long; leaves no record behind."""
        if self._process is not None:
            try:
                self._process.wait(self.part.stop_seconds)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait(self.part.stop_seconds)
        self.part.state.forget_process(self.part.name)

    def stop(self) -> None:
        """Ask it to stop and wait for its end."""
        self.ask_to_stop()
        self.wait_stopped()

    def log_tail(self) -> str:
        """The last lines of what it has logged since its start."""
        return log_tail(self.part.state.log_file(self.part.name), self._log_start_bytes)


def _inherited_environment() -> dict[str, str]:
    """This process' variables, less what the user has set for a Prefect of their own."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}


def launch_command(command: list[str], death_signal: signal.Signals, user: str | None = None) -> list[str]:
    """The command that runs another one as a child that dies with this process."""
    interpreter = [sys.executable, "-I", "-S", str(Path(launcher.__file__))]
    return [*interpreter, str(os.getpid()), str(int(death_signal)), user or "-", "--", *command]


def clear_leftover(part: Part) -> bool:
    """Stop what a supervisor that crashed has left of a part; returns whether there was something."""
    leftover: ProcessRecord | None = part.state.process(part.name)
    if leftover is not None:
        leftover.stop(part.stop_signal, part.stop_seconds)
    part.state.forget_process(part.name)
    return leftover is not None


def require_free(name: str, port: int) -> None:
    """Check that a port can be listened on.

    Raises:
        StackError: it cannot; the message names who has it, where that can be seen.
    """
    if port_is_free(port):
        return
    setting = f"FLEETSCOPE_{name.partition('-')[0].upper()}_PORT"
    raise StackError(
        f"Port {port} of 127.0.0.1, which {name} would use, is in use{_owner(port)}.",
        hint=f"Stop what uses it, or set {setting} to another port."
        if "-" not in name
        else f"Stop what uses it, or remove {name} from ports.json in the state directory to have another chosen.",
    )


def _owner(port: int) -> str:
    import psutil

    try:
        connections = psutil.net_connections("tcp")
    except psutil.AccessDenied:
        return ""
    for connection in connections:
        if connection.status == psutil.CONN_LISTEN and connection.laddr.port == port and connection.pid:
            try:
                return f" by {psutil.Process(connection.pid).name()} (process {connection.pid})"
            except psutil.NoSuchProcess:
                return ""
    return ""


def log_tail(path: Path, start_bytes: int = 0) -> str:
    """The last lines of a log file, indented; none from before ``start_bytes``."""
    if not path.exists():
        return "  (no log)"
    with path.open("rb") as file:
        file.seek(max(start_bytes, path.stat().st_size - _TAIL_BYTES))
        lines = file.read().decode("utf-8", errors="replace").splitlines()
    return "\n".join(f"  {line}" for line in lines[-_TAIL_LINES:]) or "  (empty)"


def describe_exit(code: int) -> str:
    """An exit code in words."""
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
