"""``fleetscope query traces``: TraceQL or a choice of spans, a trace's tree, services and who calls whom."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from interfaces.cli.query import options
from interfaces.cli.terminal import out, parse_labels, print_json

if TYPE_CHECKING:
    from fleet.collectors.tempo.traceql import TraceQuery


def traces(
    traceql: Annotated[
        str, typer.Argument(help="The query; without it, what the options say.", show_default=False)
    ] = "",
    service: Annotated[str, typer.Option(help="Traces with a span of this service.")] = "",
    operation: Annotated[str, typer.Option(help="… with this name.")] = "",
    min_duration: Annotated[str, typer.Option(help="… that took longer than this, such as 500ms.")] = "",
    status: Annotated[Literal["error", "ok", "unset"] | None, typer.Option(help="… with this outcome.")] = None,
    trace: Annotated[str, typer.Option(metavar="ID", help="Show one trace as a tree of its spans.")] = "",
    services: Annotated[bool, typer.Option("--services", help="List the services instead.")] = False,
    dependencies: Annotated[bool, typer.Option("--dependencies", help="Show who calls whom instead.")] = False,
    last: options.LastOption = "1h",
    until: options.UntilOption = "",
    limit: Annotated[
        int, typer.Option(min=0, help="How many traces, spans or calls are shown at most; 0 for all there is.")
    ] = 50,
    cluster: options.ClusterOption = None,
    selector: options.SelectorOption = None,
    allow_gaps: options.AllowGapsOption = False,
    json: options.JsonOption = False,
) -> None:
    """Find traces in Tempo, the newest first; or show one of them, the services, or who calls whom.

    A cluster that does not answer is told on standard error, and makes the exit code 4.
    """
    parts = {"--service": service, "--operation": operation, "--min-duration": min_duration, "--status": status}
    chosen = [name for name, value in parts.items() if value]
    if traceql and chosen:
        raise typer.BadParameter(f"{', '.join(chosen)} would be lost beside a query: write it into the query")
    others = [
        name for name, on in (("--trace", trace), ("--services", services), ("--dependencies", dependencies)) if on
    ]
    if len(others) > 1 or (others and (traceql or chosen)):
        raise typer.BadParameter(f"{others[0]} goes alone")
    window = options.window_of(last, until)

    from fleet.inventory.cluster import EndpointKind
    from interfaces.cli.query import trace_answers, trace_view
    from interfaces.cli.query.asking import ask_clusters, exit_code, tell_gaps
    from interfaces.cli.workspace import open_workspace

    with open_workspace() as stores:
        clusters = stores.clusters.chosen(cluster or [], parse_labels(selector or []))
        if trace:
            ask, what, show = partial(trace_answers.ask_trace, trace), "traces", trace_view.print_trees
        elif services:
            ask, what, show = partial(trace_answers.ask_services, window), "services", trace_view.print_services
        elif dependencies:
            ask = partial(trace_answers.ask_dependencies, stores, window)
            what, show = "calls", trace_view.print_dependencies
        else:
            query = _query(traceql, service, operation, min_duration, status)
            ask = partial(trace_answers.ask_search, query, window, limit)
            what, show = "traces", trace_view.print_found
        answers = ask_clusters(stores, clusters, EndpointKind.TEMPO, ask)
    if json:
        searched = show is trace_view.print_found
        print_json(trace_answers.search_document(answers, limit) if searched else trace_answers.document(what, answers))
    elif any(answer.found is not None for answer in answers):
        show(out(), answers, limit)
    tell_gaps(answers)
    raise typer.Exit(exit_code(answers, allow_gaps=allow_gaps))


def _query(traceql: str, service: str, operation: str, min_duration: str, status: str | None) -> TraceQuery:
    from fleet.collectors.tempo.traceql import (
        SERVICE,
        Condition,
        Intrinsic,
        Operator,
        Status,
        TraceQuery,
        spans_with,
    )

    if traceql:
        return TraceQuery(traceql)
    conditions = []
    if service:
        conditions.append(Condition(SERVICE, Operator.EQUAL, service))
    if operation:
        conditions.append(Condition(Intrinsic.NAME, Operator.EQUAL, operation))
    if min_duration:
        duration = options.parse_short_duration(min_duration)
        conditions.append(Condition(Intrinsic.DURATION, Operator.GREATER, duration))
    if status:
        conditions.append(Condition(Intrinsic.STATUS, Operator.EQUAL, Status(status)))
    return spans_with(*conditions)
