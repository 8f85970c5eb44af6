"""``fleetscope query``: questions to the clusters' own servers, now. A command a file."""

from __future__ import annotations

import typer

from interfaces.cli.query.alerts import alerts
from interfaces.cli.query.logs import logs
from interfaces.cli.query.metrics import metrics
from interfaces.cli.query.traces import traces

app = typer.Typer(help="Ask the clusters' Prometheus, Loki, Tempo and Alertmanager.", no_args_is_help=True)
app.command(epilog="Example: fleetscope query metrics 'sum by (job) (up)' --selector environment=prod --last 1h")(
    metrics
)
app.command(epilog="Example: fleetscope query alerts --severity critical --cluster edge-1")(alerts)
app.command(epilog="Example: fleetscope query logs --namespace shop --level error --last 30m")(logs)
app.command(epilog="Example: fleetscope query traces --service checkout --status error --last 6h")(traces)
