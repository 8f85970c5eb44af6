"""``fleetscope model show``: one version, and how well each query was learnt."""

from __future__ import annotations

from typing import Annotated

import typer

from interfaces.cli.model.choice import JsonOption, NameArgument, PackOption, active_version
from interfaces.cli.terminal import out, print_json


def show(
    name: NameArgument,
    version: Annotated[
        int | None, typer.Option(min=1, help="Number of the version; by default the active one.")
    ] = None,
    pack: PackOption = "",
    json: JsonOption = False,
) -> None:
    """Show what a version was learnt from, and how well each query's series were learnt."""
    from interfaces.cli.model.view import print_version, quality_table
    from interfaces.cli.workspace import open_workspace

    with open_workspace() as stores:
        cluster = stores.clusters.by_name(name)
        number = version or active_version(cluster, stores.models.list([cluster.id]), pack).version
        found = stores.models.get(cluster.id, number)
    if json:
        print_json({"cluster": cluster.name, **found.model_dump()})
        return
    print_version(out(), cluster.name, found)
    out().print(quality_table(found.queries))
