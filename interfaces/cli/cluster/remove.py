"""``fleetscope cluster remove``: strike a cluster from the registry."""

from __future__ import annotations

from typing import Annotated

import typer

from interfaces.cli.terminal import out


def remove(name: Annotated[str, typer.Argument(help="The cluster's name.")]) -> None:
    """Remove a cluster from the registry and its secret from the credential store; its results stay."""
    from interfaces.cli.workspace import open_workspace

    with open_workspace() as stores:
        cluster = stores.clusters.by_name(name)
        stores.clusters.delete(cluster.id)
        if cluster.credential_ref:
            stores.credentials.delete(cluster.credential_ref)
    out().print(f"removed: {name}")
