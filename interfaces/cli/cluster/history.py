"""``fleetscope cluster history``: what changed in a cluster, look by look."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from interfaces.cli.cluster.options import JsonOption
from interfaces.cli.terminal import out, parse_duration, print_json


def history(
    name: Annotated[str, typer.Argument(help="The cluster's name.")],
    last: Annotated[str, typer.Option(help="How far back, for example 24h or 7d.")] = "7d",
    everything: Annotated[
        bool, typer.Option("--all", help="Single kills, restarts, evictions and warnings, too.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """List what changed in a cluster, the latest first: versions, nodes, hardware, operators, rollouts."""
    from fleet.frames.window import Window
    from fleet.inventory.change import HAPPENINGS, ChangeKind
    from interfaces.cli.inventory_view import change_table
    from interfaces.cli.tables import utc
    from interfaces.cli.workspace import open_workspace

    window = Window.before(datetime.now(UTC), parse_duration(last))
    kinds = [kind for kind in ChangeKind if everything or kind not in HAPPENINGS]
    with open_workspace() as stores:
        cluster = stores.clusters.by_name(name)
        looks = stores.inventories.versions(cluster.id, window)
        changes = stores.changes.list(cluster_ids=[cluster.id], window=window, kinds=kinds, limit=None)
    if json:
        print_json({"cluster": cluster.name, "looks": looks, "changes": changes})
        return
    console = out()
    if changes:
        console.print(change_table(changes))
    seen = f"discovered {len(looks)} times, last {utc(looks[0])}" if looks else "not discovered in this time"
    console.print(f"{cluster.name}: {len(changes)} changes in the last {last}; {seen}.")
