"""Memory of a process, as proc(5) tells it.

``getrusage`` is no measure of a peak here: it counts what the process that started this one had, too.
"""

from __future__ import annotations

import os
from pathlib import Path


def peak_mib(pid: int | None = None) -> float:
    """The most memory that a living process (this one, where none is given) had.

    Raises:
        FileNotFoundError, ValueError: it is gone, or nearly.
    """
    return _status_mib("VmHWM", pid)


def resident_mib() -> float:
    """The memory that this process has now."""
    return _status_mib("VmRSS", None)


def _status_mib(field: str, pid: int | None) -> float:
    pid = pid or os.getpid()
    _, _, rest = Path(f"/proc/{pid}/status").read_text().partition(f"{field}:")
    if not rest:
        raise ValueError(f"process {pid} has ended")
    return int(rest.split()[0]) / 1024
