"""The installation that a command works on: its stores alone, or its stores with Prefect for running flows."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from interfaces.cli.terminal import err

if TYPE_CHECKING:
    from storage.stores import Stores

FLUSH_SECONDS = 5.0
QUIET = {"PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "CRITICAL"}
"""A command shows its own progress; the run's log is in the Prefect UI."""


@contextmanager
def open_workspace() -> Iterator[Stores]:
    """The stores; the embedded servers that hold them are started if they do not run, and then stopped again."""
    from deployments.embedded.control import ensure_stack
    from deployments.installation import stores_of
    from deployments.settings import load_settings

    stack = ensure_stack(load_settings(), _say, prefect=False, worker=False)
    with stack as addresses, closing(stores_of(addresses)) as stores:
        yield stores


@contextmanager
def open_engine() -> Iterator[Stores]:
    """The stores and a Prefect server, so that flows can run in this process; the worker is not needed for that."""
    from deployments.embedded.control import ensure_stack
    from deployments.installation import stores_of
    from deployments.settings import load_settings

    settings = load_settings()
    with ended_by_sigterm(), ensure_stack(settings, _say, worker=False) as addresses:
        # Prefect reads its settings when it is first imported: from here on they are this stack's.
        os.environ.update(addresses.prefect_environment() | QUIET)
        from deployments.bootstrap import save_blocks

        save_blocks(addresses, settings)
        try:
            with closing(stores_of(addresses)) as stores:
                yield stores
        finally:
            _flush()


@contextmanager
def ended_by_sigterm() -> Iterator[None]:
    """SIGTERM ends this block as Ctrl-C does: what was begun in it is put in order."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _flush() -> None:
    """Send what Prefect still holds back, logs and events: after this block the server may be gone."""
    from prefect.events.worker import EventsWorker
    from prefect.logging.handlers import APILogWorker

    APILogWorker.drain_all(timeout=FLUSH_SECONDS)
    EventsWorker.drain_all(timeout=FLUSH_SECONDS)


def _say(text: str) -> None:
    err().print(f"[dim]{text}[/]")
