"""``fleetscope query alerts``: what Alertmanagers and Prometheus' rules say now."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import typer

from interfaces.cli.query import options
from interfaces.cli.terminal import out, parse_labels, print_json


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
    from interfaces.cli.query import alert_view
    from interfaces.cli.query.alert_answers import Wanted, ask_alertmanager, ask_rules, document
    from interfaces.cli.query.asking import ask_clusters, exit_code, tell_gaps
    from interfaces.cli.workspace import open_workspace

    wanted = Wanted(tuple(name or ()), tuple(severity or ()))
    kind, ask, what, show = EndpointKind.ALERTMANAGER, ask_alertmanager, "alerts", alert_view.print_alerts
    if silences:
        what, show = "silences", alert_view.print_silences
    elif rules:
        kind, ask, what, show = EndpointKind.PROMETHEUS, ask_rules, "rules", alert_view.print_rules
    with open_workspace() as stores:
        clusters = stores.clusters.chosen(cluster or [], parse_labels(selector or []))
        answers = ask_clusters(stores, clusters, kind, partial(ask, wanted))
    if json:
        print_json(document(what, answers))
    elif any(answer.found is not None for answer in answers):
        show(out(), answers, limit)
    tell_gaps(answers)
    raise typer.Exit(exit_code(answers, allow_gaps=allow_gaps))
