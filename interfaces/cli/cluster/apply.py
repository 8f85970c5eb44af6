"""``fleetscope cluster apply``: the fleet as a file says, shown before it is done."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from interfaces.cli.cluster import options
from interfaces.cli.terminal import err, out, print_json


def apply(
    file: Annotated[Path, typer.Option(help="YAML file with the clusters; `docs/fleet-as-code.md` has an example.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would change, and change nothing.")] = False,
    prune: Annotated[bool, typer.Option("--prune", help="Remove clusters that are not in the file.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    json: options.JsonOption = False,
) -> None:
    """Make the registry what a file says: shows the differences, asks, and applies them. A second time changes nothing.

    Clusters are replaced field by field. An entry without credentials leaves those that are stored.
    """
    from interfaces.cli.cluster.plan import print_changes
    from interfaces.cli.registration import read_registrations
    from interfaces.cli.workspace import open_workspace

    registrations = read_registrations(file)
    with open_workspace() as stores:
        plan = stores.registry.plan(registrations, prune=prune)
        print_changes(err() if json else out(), plan.changes)
        applied = not dry_run and not plan.is_empty and _agreed(yes=yes)
        if applied:
            stores.registry.carry_out(plan)
    if json:
        print_json({"changes": plan.changes, "applied": applied})
    elif not applied:
        out().print("Nothing to change." if plan.is_empty else "Nothing was changed.")


def _agreed(*, yes: bool) -> bool:
    """Whether the changes shall be made; at no terminal there is nobody to ask.

    Raises:
        typer.BadParameter: nobody can be asked.
    """
    if yes:
        return True
    if not sys.stdin.isatty():
        raise typer.BadParameter("there is no terminal to ask at: give --yes to apply the changes shown")
    return typer.confirm("Apply these changes?", err=True)
