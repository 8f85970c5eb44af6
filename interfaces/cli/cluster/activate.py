"""``fleetscope cluster activate`` and ``deactivate``: whether clusters take part in scans of the fleet."""

from __future__ import annotations

from typing import Annotated

import typer

from interfaces.cli.terminal import out

NamesArgument = Annotated[list[str], typer.Argument(help="The clusters' names.")]


def activate(names: NamesArgument) -> None:
    """Let clusters take part in discoveries and scans of the fleet again."""
    _set_active(names, active=True)


def deactivate(names: NamesArgument) -> None:
    """Leave clusters out of discoveries and scans of the fleet; they stay registered, and so does what was found."""
    _set_active(names, active=False)


def _set_active(names: list[str], *, active: bool) -> None:
    from interfaces.cli.workspace import open_workspace

    with open_workspace() as stores:
        # All of them are looked up before the first is changed: a name that is none changes nothing.
        for cluster in [stores.clusters.by_name(name) for name in names]:
            stores.clusters.change(cluster.name, lambda known: known.model_copy(update={"active": active}))
    out().print(f"{'active' if active else 'inactive'}: {', '.join(names)}")
