"""Every deployment, as data: the embedded worker serves these, and ``prefect.yaml`` is written from them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

Collision = Literal["ENQUEUE", "CANCEL_NEW"]


@dataclass(frozen=True)
class DeploymentDefinition:
    """One deployment of a flow.

    Attributes:
        flow: the flow's name in Prefect; ``entrypoint`` the module path of its function.
        name: kebab-case; ``flow/name`` is the deployment's full name.
        cron: its schedule in UTC, or None for on demand only.
        overlap: what happens to a run that starts while ``limit`` others are running.
    """

    flow: str
    name: str
    entrypoint: str
    description: str
    cron: str | None = None
    parameters: dict[str, Any] = field(default_factory=dict)
    limit: int = 1
    overlap: Collision = "ENQUEUE"
    tags: tuple[str, ...] = ("fleetscope",)


CATALOGUE: tuple[DeploymentDefinition, ...] = (
    DeploymentDefinition(
        flow="discover-fleet",
        name="daily",
        entrypoint="flows.discover.discover_fleet",
        description="Reads what every cluster is (version, nodes, workloads, capabilities) and notes what changed.",
        cron="17 3 * * *",
    ),
    DeploymentDefinition(
        flow="scan-fleet",
        name="hourly",
        entrypoint="flows.scan.scan_fleet",
        description="Scans the last full hour of every cluster. A run that would overlap the one before is cancelled.",
        # Past the hour by more than the settle time, so that the hour that just ended is whole.
        cron="5 * * * *",
        parameters={"last_hours": 1},
        overlap="CANCEL_NEW",
    ),
    DeploymentDefinition(
        flow="scan-fleet",
        name="on-demand",
        entrypoint="flows.scan.scan_fleet",
        description="Scans chosen clusters over a chosen window. Runs queue: one at a time.",
    ),
    DeploymentDefinition(
        flow="investigate",
        name="on-demand",
        entrypoint="flows.investigate.investigate",
        description="Ranks probable causes for an incident, or around a place and a time of a cluster.",
        limit=4,
    ),
    DeploymentDefinition(
        flow="create-report",
        name="daily",
        entrypoint="flows.report.create_report",
        description="Writes the fleet report on the last day (PDF, HTML, Markdown) and mails it to the recipients.",
        cron="30 6 * * *",
        # The last scan is an hourly one.
        parameters={"last_hours": 24},
    ),
    DeploymentDefinition(
        flow="create-report",
        name="on-demand",
        entrypoint="flows.report.create_report",
        description="Writes a report on a scan, on some clusters or on one incident, and mails it to the recipients.",
        limit=4,
    ),
    DeploymentDefinition(
        flow="deliver-reports",
        name="quarter-hourly",
        entrypoint="flows.deliver.deliver_reports",
        description="Sends the mails that are still owed, since a mail server was away when their report was made.",
        cron="*/15 * * * *",
        overlap="CANCEL_NEW",
    ),
    DeploymentDefinition(
        flow="expire-data",
        name="daily",
        entrypoint="flows.expire.expire_data",
        description="Deletes data whose time is over; what an investigation cites stays as long as it does.",
        cron="47 2 * * *",
        overlap="CANCEL_NEW",
    ),
)
