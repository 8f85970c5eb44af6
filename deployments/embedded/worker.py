"""The worker: one process that serves the deployments, and the flow runs below it."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from importlib.metadata import version
from typing import ClassVar

from deployments.addresses import Addresses
from deployments.embedded.part import Part
from deployments.embedded.state import StateDirectory

#: The work pool from which the worker takes its runs.
WORK_POOL = "fleetscope"


class WorkerPart(Part):
    """Takes runs from the work pool. Listens on nothing.

    Args:
        addresses: gives the stack's addresses; asked when the worker starts, since only then all of them exist.
        catalogue: the module whose ``CATALOGUE`` it serves.
    """

    name: ClassVar[str] = "worker"
    death_signal: ClassVar[signal.Signals] = signal.SIGKILL
    # A flow run that is told to end gets 30 s from Prefect; most need three.
    stop_seconds: ClassVar[float] = 35.0
    start_seconds: ClassVar[float] = 180.0

    def __init__(self, state: StateDirectory, addresses: Callable[[], Addresses], catalogue: str) -> None:
        super().__init__(state)
        self._addresses = addresses
        self._catalogue = catalogue
        self._temporary = state.root / "tmp"
        self._ready_file = state.processes / "worker.ready"

    @property
    def address(self) -> str:
        """See ``Part``: the work pool, for there is no port."""
        return f"work pool {WORK_POOL}"

    @property
    def ports(self) -> dict[str, int]:
        """See ``Part``."""
        return {}

    @property
    def version(self) -> str:
        """See ``Part``."""
        return version("fleetscope")

    def prepare(self) -> None:
        """Forget that an earlier worker was ready; make its directory for temporary files."""
        self._ready_file.unlink(missing_ok=True)
        self._temporary.mkdir(mode=0o700, exist_ok=True)

    def command(self) -> list[str]:
        """See ``Part``."""
        return [sys.executable, "-m", "deployments.embedded.serving", self._catalogue, str(self._ready_file)]

    def environment(self) -> dict[str, str]:
        """See ``Part``: where everything is; flow runs inherit it."""
        return {
            **self._addresses().environment(),
            # How soon a requested run starts; a query costs the server a few milliseconds.
            "PREFECT_WORKER_QUERY_SECONDS": "1",
            "PREFECT_WORKER_PREFETCH_SECONDS": "2",
            # Prefect's directories of fixed names in /tmp belong to whoever came first.
            "TMPDIR": str(self._temporary),
            "PYTHONUNBUFFERED": "1",
        }

    def is_ready(self) -> bool:
        """See ``Part``."""
        return self._ready_file.exists()
