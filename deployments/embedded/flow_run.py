"""A flow run's process: promises to die with its worker, then becomes Prefect's engine.

The worker starts it as ``python -m deployments.embedded.flow_run`` through its work pool's ``command``. A killed worker
can therefore leave no run behind that goes on beside its successor.
"""

from __future__ import annotations

import os
import runpy
import signal

from deployments.embedded.launcher import die_with_parent

#: Set by the worker to its own process id.
WORKER_PID = "FLEETSCOPE_WORKER_PID"


def main() -> None:
    """See the module's text."""
    die_with_parent(int(os.environ[WORKER_PID]), signal.SIGKILL)
    runpy.run_module("prefect.engine", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
