"""``fleetscope model``: versions of what was learnt of each cluster's past."""

from __future__ import annotations

import typer

from interfaces.cli.model.activate import activate, rollback
from interfaces.cli.model.list import list_models
from interfaces.cli.model.show import show

app = typer.Typer(help="What was learnt of each cluster's past, by version.", no_args_is_help=True)
app.command("list", epilog="Example: fleetscope model list --cluster edge-1 --all")(list_models)
app.command(epilog="Example: fleetscope model show edge-1 --version 3 --json")(show)
app.command(epilog="Examples: fleetscope model activate edge-1 3; fleetscope model activate edge-1 --latest")(activate)
app.command(epilog="Example: fleetscope model rollback edge-1")(rollback)
