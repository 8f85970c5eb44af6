"""``prefect.yaml`` for installations that deploy with Prefect's own command: written from the catalogue.

``python -m deployments.prefect_yaml > prefect.yaml``; a test compares the two.
"""

from __future__ import annotations

import sys
from importlib.metadata import version
from typing import Any

import yaml

from deployments.catalogue import CATALOGUE, DeploymentDefinition

HEAD = """\
# Written from deployments/catalogue.py by: python -m deployments.prefect_yaml > prefect.yaml
# To a Prefect server of your own: prefect block register -m blocks && prefect deploy --all --pool fleetscope
"""


def render() -> str:
    """The whole file."""
    document = {
        "name": "fleetscope",
        "prefect-version": version("prefect"),
        "deployments": [entry(definition) for definition in CATALOGUE],
    }
    return HEAD + yaml.safe_dump(document, sort_keys=False, width=120)


def entry(definition: DeploymentDefinition) -> dict[str, Any]:
    """One deployment (https://docs.prefect.io/v3/how-to-guides/deployments/prefect-yaml)."""
    schedules = [{"cron": definition.cron, "timezone": "UTC", "slug": definition.name}] if definition.cron else []
    return {
        "name": definition.name,
        "description": definition.description,
        "tags": list(definition.tags),
        "entrypoint": definition.entrypoint,
        "parameters": definition.parameters,
        "concurrency_limit": {"limit": definition.limit, "collision_strategy": definition.overlap},
        "schedules": schedules,
        "work_pool": {"name": "fleetscope"},
    }


if __name__ == "__main__":
    sys.stdout.write(render())
