"""``fleetscope query alerts``: what Alertmanagers and Prometheus' rules say now."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import typer

from interfaces.cli.query import options
from interfaces.cli.terminal import out


def alerts(
    name: Annotated[list[str] | None, typer.Option(help="Only of this name; * stands for anything.")] = None,
    severity: Annotated[list[str] | None, typer.Option(help="Only of this severity; may be repeated.")] = None,
    silences: Annotated[bool, typer.Option("--silences", help="Show the silences instead.")] = False,
    rules: Annotated[
        bool, typer.Option("--rules", help="Show Prometheus' rules instead, with their state and health.")
    ] = False,
    limit: options.LimitOption = 200,
    cluster: options.ClusterOption = None,
    selector: options.SelectorOption = None,
    allow_gaps: options.AllowGapsOption = False,
    json: options.JsonOption = False,
) -> None:
    """Show the alerts that are there now: what fires, and what is silenced or inhibited, by whom.

    A cluster that does not answer is told on standard error, and makes the exit code 4.
    """
    if silences and rules:
        raise typer.BadParameter("either --silences or --rules")

    from fleet.inventory.cluster import EndpointKind
    from interfaces.cli.query import alert_answers, alert_view
    from interfaces.cli.query.asking import asking

    wanted = alert_answers.Wanted(tuple(name or ()), tuple(severity or ()))
    with asking(cluster, selector, json=json, allow_gaps=allow_gaps) as clusters:
        if rules:
            code = clusters.run(
                EndpointKind.PROMETHEUS,
                partial(alert_answers.ask_rules, wanted),
                partial(alert_view.print_rules, out(), limit),
                alert_answers.rules_document,
            )
        else:
            code = clusters.run(
                EndpointKind.ALERTMANAGER,
                partial(alert_answers.ask_alertmanager, wanted),
                partial(alert_view.print_silences if silences else alert_view.print_alerts, out(), limit),
                partial(alert_answers.alerts_document, silences=silences),
            )
    raise typer.Exit(code)
