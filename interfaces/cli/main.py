"""The ``fleetscope`` command. Commands import what they need when they run: help answers at once."""

from __future__ import annotations

import sys

import typer

from interfaces.cli import (
    backtest,
    cluster,
    data,
    demo,
    discover,
    investigate,
    model,
    pack,
    query,
    report,
    scan,
    simulate,
    stack,
)
from interfaces.cli.exit_codes import ExitCode
from interfaces.cli.terminal import explain_failure

app = typer.Typer(
    name="fleetscope",
    help="Batch analysis of OpenShift and Kubernetes fleets: discover, collect, detect, investigate, report.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    add_completion=False,
)
app.command()(stack.up)
app.command()(stack.down)
app.command()(stack.status)
app.add_typer(cluster.app, name="cluster")
app.command("discover")(discover.discover)
app.command("scan")(scan.scan)
app.command("backtest")(backtest.backtest)
app.add_typer(investigate.app, name="investigate")
app.add_typer(report.app, name="report")
app.add_typer(query.app, name="query")
app.add_typer(pack.app, name="pack")
app.add_typer(model.app, name="model")
app.add_typer(data.app, name="data")
app.command("simulate")(simulate.simulate)
app.command("demo")(demo.demo)


def run() -> None:
    """Entry point: a failure is explained in words and becomes an exit code; only a bug shows a traceback."""
    try:
        app()
    except SystemExit as end:
        # Typer makes it 1, which scripts read as findings.
        sys.exit(ExitCode.OUTPUT_CLOSED if isinstance(end.__context__, BrokenPipeError) else end.code)
    except Exception as failure:  # noqa: BLE001 - the outermost place: every failure gets an exit code of ours
        sys.exit(explain_failure(failure))


if __name__ == "__main__":
    run()
