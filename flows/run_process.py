"""A flow run's process: promises to die with the process that started it, then becomes Prefect's engine.

The worker starts it as ``python -m flows.run_process`` through its work pool's ``command``; a run of a large fleet
starts its shards so. Neither can therefore leave a run behind that goes on beside its successor.
"""

from __future__ import annotations

import ctypes
import os
import runpy
import signal
import sys

from flows.garbage import collect_seldom

#: Set by who starts it to its own process id.
PARENT_PID = "FLEETSCOPE_PARENT_PID"
_PR_SET_PDEATHSIG = 1


def main() -> None:
    """See the module's text."""
    die_with_parent(int(os.environ[PARENT_PID]))
    collect_seldom()
    runpy.run_module("prefect.engine", run_name="__main__", alter_sys=True)


def die_with_parent(parent_pid: int) -> None:
    """Have the kernel kill this process when its parent dies (prctl(2)); exits at once when that has happened.

    Raises:
        OSError: the kernel refuses.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, ctypes.c_ulong(signal.SIGKILL), *[ctypes.c_ulong(0)] * 3) != 0:
        raise OSError(ctypes.get_errno(), "prctl PR_SET_PDEATHSIG")
    if os.getppid() != parent_pid:
        sys.exit(1)


if __name__ == "__main__":
    main()
