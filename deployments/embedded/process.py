"""Processes by identity, not by number alone: a process id is used again after its owner's death."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from dataclasses import asdict, dataclass
from pathlib import Path

_STARTTIME_FIELD = 19  # field 22 of proc(5)'s stat, counted behind the command's closing bracket
_STATE_FIELD = 0
_POLL_SECONDS = 0.02


@dataclass(frozen=True)
class ProcessRecord:
    """A process as it can be recognised later: number, start in clock ticks since boot, and the boot itself."""

    pid: int
    start_ticks: int
    boot: str

    @classmethod
    def of(cls, pid: int) -> ProcessRecord:
        """The record of a living process."""
        return cls(pid=pid, start_ticks=_start_ticks(pid) or 0, boot=_boot_id())

    def as_dict(self) -> dict[str, object]:
        """As JSON's object."""
        return asdict(self)

    def is_alive(self) -> bool:
        """Whether this very process still runs (a zombie does not)."""
        return self.boot == _boot_id() and self.start_ticks == _start_ticks(self.pid)

    def stop(self, number: signal.Signals, seconds: float) -> None:
        """Send a signal, wait at most so many seconds, then kill."""
        self._send(number)
        if not self._wait(seconds):
            self._send(signal.SIGKILL)
            self._wait(seconds)

    def _send(self, number: signal.Signals) -> None:
        if self.is_alive():
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def _wait(self, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while self.is_alive():
            if time.monotonic() > deadline:
                return False
            time.sleep(_POLL_SECONDS)
        return True


def _start_ticks(pid: int) -> int | None:
    """When a process started, or None when it is gone or a zombie."""
    try:
        line = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = line.rpartition(")")[2].split()
    return None if fields[_STATE_FIELD] in "ZX" else int(fields[_STARTTIME_FIELD])


def _boot_id() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
