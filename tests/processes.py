"""Waiting for processes to end."""

from __future__ import annotations

import time
from collections.abc import Iterable

import psutil


def wait_ended(processes: Iterable[psutil.Process], seconds: float = 10) -> None:
    """Wait until all have ended. On a machine where nobody reaps orphans they stay as zombies, which run no more."""
    deadline = time.monotonic() + seconds
    left = list(processes)
    while left := [process for process in left if _runs(process)]:
        assert time.monotonic() < deadline, left
        time.sleep(0.05)


def _runs(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
