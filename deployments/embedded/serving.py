"""The worker's process: registers the deployments of a catalogue and runs what is asked of them.

Started by its part (``worker.py``) as ``python -m deployments.embedded.serving CATALOGUE READY_FILE``; Prefect's
address comes in the environment. SIGTERM stops it: running flows are told to end and are reported as crashed.
"""

from __future__ import annotations

import asyncio
import importlib
import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.actions import WorkPoolCreate, WorkPoolUpdate
from prefect.client.schemas.objects import ConcurrencyLimitConfig, ConcurrencyLimitStrategy
from prefect.client.schemas.responses import DeploymentResponse
from prefect.exceptions import ObjectNotFound
from prefect.flows import Flow
from prefect.logging import get_logger
from prefect.schedules import Cron
from prefect.types.entrypoint import EntrypointType
from prefect.utilities.importtools import import_object
from prefect.workers.process import ProcessWorker

from deployments.bootstrap import save_blocks
from deployments.catalogue import DeploymentDefinition
from deployments.embedded.stack import Stack
from deployments.embedded.unfinished_runs import WORKER_DIED, close_unfinished_runs
from deployments.embedded.worker import WORK_POOL
from deployments.installation import stores_of
from deployments.settings import load_settings
from fleet.errors import StackError, UsageError
from flows import run_process

#: Flow runs at the same time, each in a process of its own.
RUN_LIMIT = 8
_API_WAIT_SECONDS = 120.0
_POLL_SECONDS = 0.2

_log = get_logger("worker")


def main(arguments: list[str]) -> None:
    """See the module's text; does not return before it is told to stop."""
    catalogue, ready_file = arguments
    os.environ[run_process.PARENT_PID] = str(os.getpid())
    definitions = load_catalogue(catalogue)
    asyncio.run(_serve(definitions, Path(ready_file)))


def load_catalogue(module_name: str) -> Sequence[DeploymentDefinition]:
    """The deployments of a catalogue module.

    Raises:
        UsageError: the module cannot be imported or has no ``CATALOGUE``.
    """
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        raise UsageError(f"The deployments' module {module_name} cannot be imported: {error}.") from error
    definitions: Sequence[DeploymentDefinition] | None = getattr(module, "CATALOGUE", None)
    if definitions is None:
        raise UsageError(f"The deployments' module {module_name} has no CATALOGUE.")
    return definitions


async def _serve(definitions: Sequence[DeploymentDefinition], ready_file: Path) -> None:
    task = asyncio.current_task()
    assert task is not None  # noqa: S101 - this is a coroutine of asyncio.run
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    try:
        async with get_client() as client:
            await _wait_for_api(client)
            await asyncio.to_thread(_prepare_installation)
            await _ensure_pool(client)
            for definition in definitions:
                await register(client, definition)
        worker = ProcessWorker(work_pool_name=WORK_POOL, name="embedded", limit=RUN_LIMIT)
        await worker.start(printer=lambda *_: ready_file.touch())
    except asyncio.CancelledError:
        _log.info("Stopped.")


async def _wait_for_api(client: PrefectClient) -> None:
    deadline = time.monotonic() + _API_WAIT_SECONDS
    while (error := await client.api_healthcheck()) is not None:
        if time.monotonic() > deadline:
            raise StackError(f"The Prefect server at {client.api_url} does not answer: {error}")
        await asyncio.sleep(_POLL_SECONDS)


def _prepare_installation() -> None:
    """Close the runs of an earlier worker, bring the database up to date, and tell Prefect where everything is."""
    settings = load_settings()
    addresses = Stack(settings).addresses()
    count = close_unfinished_runs(addresses.prefect, WORKER_DIED)
    _log.info("%d runs of an earlier worker were closed.", count)
    stores_of(addresses).close()
    save_blocks(addresses, settings)


async def _ensure_pool(client: PrefectClient) -> None:
    template = ProcessWorker.get_default_base_job_template()
    command = f"{sys.executable} -m {run_process.__name__}"
    template["variables"]["properties"]["command"]["default"] = command
    try:
        await client.read_work_pool(WORK_POOL)
    except ObjectNotFound:
        await client.create_work_pool(WorkPoolCreate(name=WORK_POOL, type="process", base_job_template=template))
    else:
        await client.update_work_pool(WORK_POOL, WorkPoolUpdate(base_job_template=template))


async def register(client: PrefectClient, definition: DeploymentDefinition) -> None:
    """Create or update one deployment; what somebody has changed in the UI stays: paused schedules, parameters."""
    flow: Flow[..., Any] = import_object(definition.entrypoint)
    known = await _known_deployment(client, f"{flow.name}/{definition.name}")
    active = {each.slug: each.active for each in known.schedules} if known else {}
    # A daily report's recipients, for example, stand nowhere else. What the flow takes no more is left out.
    changed = {key: value for key, value in (known.parameters if known else {}).items() if key in _accepted(flow)}
    schedule = definition.cron and Cron(
        definition.cron, timezone="UTC", slug=definition.name, active=active.get(definition.name, True)
    )
    deployment = await flow.ato_deployment(
        name=definition.name,
        description=definition.description,
        parameters=definition.parameters | changed,
        schedules=[schedule] if schedule else [],
        concurrency_limit=ConcurrencyLimitConfig(
            limit=definition.limit, collision_strategy=ConcurrencyLimitStrategy(definition.overlap)
        ),
        tags=list(definition.tags),
        entrypoint_type=EntrypointType.MODULE_PATH,
        work_pool_name=WORK_POOL,
    )
    await deployment.aapply()
    _log.info("Serving %s/%s.", flow.name, definition.name)


def _accepted(flow: Flow[..., Any]) -> set[str]:
    return set(flow.parameters.properties)


async def _known_deployment(client: PrefectClient, name: str) -> DeploymentResponse | None:
    try:
        return await client.read_deployment_by_name(name)
    except ObjectNotFound:
        return None


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except (StackError, UsageError, httpx.HTTPError) as failure:
        sys.exit(str(failure))
