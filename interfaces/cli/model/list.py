"""``fleetscope model list``: what was learnt of which cluster."""

from __future__ import annotations

from typing import Annotated

import typer

from interfaces.cli.model.choice import JsonOption
from interfaces.cli.terminal import out, print_json


def list_models(
    cluster: Annotated[list[str] | None, typer.Option(help="Only this cluster; may be repeated.")] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Earlier versions, too, and those that are damaged.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """List the versions that scans use, by cluster and pack.

    A scan learns what is usual from the history once a day, and uses that until the day is over; a version that was
    pinned is used until `fleetscope model activate NAME --latest`.
    """
    from interfaces.cli.model.view import version_table
    from interfaces.cli.workspace import open_workspace

    with open_workspace() as stores:
        chosen = {each.id: each.name for each in stores.clusters.by_names(cluster).values()} if cluster else None
        versions = stores.models.list(list(chosen) if chosen else None, active=None if everything else True)
        names = chosen or {
            cluster_id: known.name
            for cluster_id, known in stores.clusters.known({each.cluster_id for each in versions}).items()
        }
    # What was struck from the registry has no name; it expires.
    told = sorted((each for each in versions if each.cluster_id in names), key=lambda each: names[each.cluster_id])
    if json:
        print_json([{"cluster": names[each.cluster_id], **each.model_dump(exclude={"queries"})} for each in told])
    elif told:
        out().print(version_table(told, names))
    else:
        out().print("Nothing was learnt yet: scans learn, from clusters that have a history.")
