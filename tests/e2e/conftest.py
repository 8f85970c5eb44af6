"""One installation for all end-to-end tests: the embedded stack with its worker, used as its users do."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from prefect.events.worker import EventsWorker
from prefect.logging.handlers import APILogHandler, APILogWorker
from prefect.settings import (
    PREFECT_API_AUTH_STRING,
    PREFECT_API_URL,
    PREFECT_FLOWS_HEARTBEAT_FREQUENCY,
    PREFECT_HOME,
    temporary_settings,
)

from blocks.stores import _open as open_stores_once
from deployments.addresses import Addresses
from deployments.embedded.control import start_stack, stop_stack
from deployments.embedded.state import free_port
from deployments.installation import stores_of
from deployments.settings import load_settings
from interfaces.cli.workspace import FLUSH_SECONDS
from tests.e2e.installation import Installation

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="package")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    settings = load_settings(
        state_dir=tmp_path_factory.mktemp("installation"),
        deployments_module="tests.e2e.served",
        # Prefect's usual port may be somebody's.
        prefect_port=free_port(),
    )
    with pytest.MonkeyPatch.context() as patch:
        # Tables as wide as on a large screen: their texts are compared.
        patch.setenv("COLUMNS", "250")
        # The worker imports the tests' catalogue.
        patch.setenv("PYTHONPATH", str(ROOT), prepend=os.pathsep)
        for name, value in settings.environment().items():
            patch.setenv(name, value)
        try:
            addresses = start_stack(settings)
            for name, value in addresses.prefect_environment().items():
                # The command sets these in its own process; here they must not outlive these tests.
                patch.setenv(name, value)
            with _prefect_of(addresses):
                stores = stores_of(addresses)
                yield Installation(settings, addresses, stores)
                stores.close()
                # What Prefect holds back of logs and events goes out while there is a server.
                APILogWorker.drain_all(timeout=FLUSH_SECONDS)
                EventsWorker.drain_all(timeout=FLUSH_SECONDS)
        finally:
            stop_stack(settings)


@contextmanager
def _prefect_of(addresses: Addresses) -> Iterator[None]:
    """Flows in this process run at this stack's Prefect, which was imported before the stack was there.

    Without heartbeats: their thread would make every flow a second longer.
    """
    changed = {
        PREFECT_API_URL: addresses.prefect.api_url,
        PREFECT_API_AUTH_STRING: addresses.prefect.auth,
        PREFECT_HOME: addresses.state_directory / "prefect",
        PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None,
    }
    open_stores_once.cache_clear()
    try:
        with temporary_settings(changed):
            yield
    finally:
        if open_stores_once.cache_info().currsize:
            open_stores_once().close()
        open_stores_once.cache_clear()
        _silence_api_logs()


def _silence_api_logs() -> None:
    """Undo what a run leaves in this process: its handlers would complain of what tests behind these log."""
    for name in ("fleet", "storage"):
        logger = logging.getLogger(name)
        for handler in [each for each in logger.handlers if isinstance(each, APILogHandler)]:
            logger.removeHandler(handler)
