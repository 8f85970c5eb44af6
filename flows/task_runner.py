"""Where a run's tasks run: in threads, in processes, or on a Dask cluster; chosen when the run starts.

Tasks are given ids and hand back small outcomes wherever they run: frames go between them and the object store only.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import socket
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

from prefect.task_runners import ProcessPoolTaskRunner, TaskRunner, ThreadPoolTaskRunner

from fleet.errors import UsageError

RUNNER = "FLEETSCOPE_RUNNER"
"""Environment variable: ``threads``, ``processes``, ``dask``, or a Dask scheduler's address; runs on the worker and
shards inherit it."""
MAX_WORKERS = 8
"""Tasks at a time: more than cores, since collecting waits on the network."""
LOCAL_WORKERS = 2
"""Processes of a Dask cluster that a run starts for itself."""
_ADDRESSES = ("tcp://", "tls://")
_CONNECT_SECONDS = 5.0


class ChosenTaskRunner(ThreadPoolTaskRunner):
    """Threads in a flow's definition; a run takes the runner that the environment names."""

    def __init__(self) -> None:
        super().__init__(max_workers=MAX_WORKERS)

    def duplicate(self) -> TaskRunner[Any]:  # type: ignore[override]
        """The runner of one run: Prefect asks for it when the run starts."""
        # Set to nothing is not set, as for every other setting.
        return runner_of(os.environ.get(RUNNER) or "threads")


def runner_of(name: str) -> TaskRunner[Any]:
    """The runner of this name.

    Raises:
        UsageError: there is none, or nothing listens at the address of a Dask scheduler.
    """
    if name == "threads":
        return ThreadPoolTaskRunner(max_workers=MAX_WORKERS)
    if name == "processes":
        return ProcessPoolTaskRunner(max_workers=max(2, os.cpu_count() or 2), initializer=_end_with_run)
    if name != "dask" and not name.startswith(_ADDRESSES):
        raise UsageError(
            f"There is no runner {name!r}.",
            hint="Known are threads, processes, dask, and a Dask scheduler's address such as tcp://host:8786.",
        )
    # Dask takes its time to import, and few runs need it.
    from prefect_dask import DaskTaskRunner

    if name == "dask":
        return DaskTaskRunner(cluster_kwargs=_local_cluster())
    _check_reached(name)
    return DaskTaskRunner(address=name)


def _check_reached(address: str) -> None:
    parts = urlsplit(address)
    try:
        socket.create_connection((parts.hostname or "", parts.port or 0), _CONNECT_SECONDS).close()
    except (OSError, ValueError) as failure:
        raise UsageError(
            f"The Dask scheduler at {address} cannot be reached: {failure}.",
            hint="Start it (`dask scheduler`), or choose another runner.",
        ) from None


def _end_with_run() -> None:
    """In a process of a pool: it ends with the run that started it, which may be killed. The pool itself would wait."""
    parent = multiprocessing.parent_process()

    def wait() -> None:
        if parent is not None:
            parent.join()
        os._exit(1)

    Thread(target=wait, daemon=True).start()


def _local_cluster() -> dict[str, Any]:
    """Two processes on loopback, without a dashboard; a worker that dies is replaced, and its tasks run again."""
    return {
        "n_workers": LOCAL_WORKERS,
        "threads_per_worker": MAX_WORKERS // LOCAL_WORKERS,
        "processes": True,
        "host": "127.0.0.1",
        "dashboard_address": None,
        # How much is held at once does not grow with a cluster: no worker is to be killed for what others take.
        "memory_limit": 0,
        "silence_logs": logging.ERROR,
    }
