"""``fleetscope pack``: query packs: whether a file is one, what its queries mean, how clusters take them."""

from __future__ import annotations

import typer

from interfaces.cli.pack.explain import explain
from interfaces.cli.pack.lint import lint
from interfaces.cli.pack.test import test

app = typer.Typer(help="Query packs: check, explain and try them.", no_args_is_help=True)
app.command(epilog="Example: fleetscope pack lint packs/*.yaml")(lint)
app.command(epilog="Example: fleetscope pack explain apiserver_slow_burn_1h")(explain)
app.command(epilog="Example: fleetscope pack test --cluster edge-1 --pack shop.yaml")(test)
