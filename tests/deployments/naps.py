"""A flow that does nothing for a while, and its deployments: what the worker serves in tests beside the product's."""

from __future__ import annotations

import time

from prefect import flow

from deployments.catalogue import DeploymentDefinition


@flow(name="nap", log_prints=True)
def nap(seconds: float = 0.1) -> str:
    """Sleep."""
    time.sleep(seconds)
    return "rested"


def _definition(name: str, **fields: object) -> DeploymentDefinition:
    return DeploymentDefinition(
        flow="nap", name=name, entrypoint="tests.deployments.naps.nap", description="Sleeps.", **fields
    )


CATALOGUE = (
    _definition("queued"),
    _definition("exclusive", overlap="CANCEL_NEW"),
    _definition("yearly", cron="0 3 1 1 *"),
)
