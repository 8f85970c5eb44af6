"""``fleetscope cluster remove``: strike a cluster from the registry."""

from __future__ import annotations

from interfaces.cli.cluster import options
from interfaces.cli.terminal import out


def remove(name: options.NameArgument) -> None:
    """Remove a cluster from the registry and its secret from the credential store; its results stay."""
    from interfaces.cli.workspace import open_workspace

    with open_workspace() as stores:
        stores.registry.remove(name)
    out().print(f"removed: {name}")
