"""``fleetscope cluster list``: the registered clusters."""

from __future__ import annotations

from typing import Annotated

import typer

from interfaces.cli.cluster.options import JsonOption
from interfaces.cli.terminal import out, parse_labels, print_json


def list_clusters(
    selector: Annotated[list[str] | None, typer.Option(help="key=value a cluster must have; may be repeated.")] = None,
    json: JsonOption = False,
) -> None:
    """List the registered clusters."""
    from interfaces.cli.tables import cluster_table
    from interfaces.cli.workspace import open_workspace

    with open_workspace() as stores:
        clusters = stores.clusters.list(parse_labels(selector or []), active=None)
    if json:
        print_json(clusters)
    else:
        out().print(cluster_table(clusters))
