"""The installation that a command works on: its stores alone, or its stores with Prefect for running flows."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from interfaces.cli.terminal import err

if TYPE_CHECKING:
    from storage.stores import Stores

QUIET = {"PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "ERROR"}
"""A command shows its own progress; the run's log is in the Prefect UI."""


@contextmanager
def open_workspace() -> Iterator[Stores]:
    """The stores; the embedded servers that hold them are started if they do not run, and then stopped again."""
    from deployments.embedded.control import ensure_stack
    from deployments.installation import stores_of
    from deployments.settings import load_settings

    with ensure_stack(load_settings(), _say, worker=False) as addresses:
        yield stores_of(addresses)


@contextmanager
def open_engine() -> Iterator[Stores]:
    """The stores and a Prefect server, so that flows can run in this process; the worker is not needed for that."""
    from deployments.embedded.control import ensure_stack
    from deployments.installation import stores_of
    from deployments.settings import load_settings

    settings = load_settings()
    with ensure_stack(settings, _say, worker=False) as addresses:
        # Prefect reads its settings when it is first imported: from here on they are this stack's.
        os.environ.update(addresses.prefect_environment() | QUIET)
        from deployments.bootstrap import save_blocks

        save_blocks(addresses, settings)
        yield stores_of(addresses)


def _say(text: str) -> None:
    err().print(f"[dim]{text}[/]")
