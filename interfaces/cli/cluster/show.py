"""``fleetscope cluster show``: one cluster and what is known of it."""

from __future__ import annotations

from typing import Annotated

import typer

from interfaces.cli.cluster.options import JsonOption
from interfaces.cli.terminal import out, print_json


def show(name: Annotated[str, typer.Argument(help="The cluster's name.")], json: JsonOption = False) -> None:
    """Show a cluster, what discovery saw of it last, what its endpoints are being asked, and its open incidents."""
    from fleet.findings.finding import UNRESOLVED
    from interfaces.cli.inventory_view import print_inventory
    from interfaces.cli.tables import cluster_table, load_table, print_open_incidents, printable
    from interfaces.cli.workspace import open_workspace

    with open_workspace() as stores:
        cluster = stores.clusters.by_name(name)
        inventory = stores.inventories.latest(cluster.id)
        incidents = stores.incidents.list(cluster_ids=[cluster.id], states=UNRESOLVED)
        loads = stores.governor.loads([endpoint.url for endpoint in cluster.endpoints.values()])
    if json:
        print_json({"cluster": cluster, "inventory": inventory, "incidents": incidents, "endpoint_loads": loads})
        return
    console = out()
    console.print(cluster_table([cluster]))
    if inventory is None:
        for kind, endpoint in sorted(cluster.endpoints.items()):
            console.print(f"{kind.value} {printable(endpoint.url)}", soft_wrap=True)
        console.print("Not discovered yet: run `fleetscope discover`.")
    else:
        print_inventory(console, cluster, inventory)
    if loads:
        console.print(load_table(loads))
    print_open_incidents(console, incidents)
