"""``fleetscope query traces``: TraceQL or a choice of spans, a trace's tree, services and who calls whom."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from interfaces.cli.query import options
from interfaces.cli.terminal import out

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
    from interfaces.cli.query.asking import asking

    screen, tempo = out(), EndpointKind.TEMPO
    with asking(cluster, selector, json=json, allow_gaps=allow_gaps) as clusters:
        if trace:
            ask_trace = partial(trace_answers.ask_trace, trace)
            show = partial(trace_view.print_trees, screen, limit)
            code = clusters.run(tempo, ask_trace, show, partial(trace_answers.document, "spans"))
        elif services:
            ask_services = partial(trace_answers.ask_services, window)
            show_services = partial(trace_view.print_services, screen, limit)
            code = clusters.run(tempo, ask_services, show_services, partial(trace_answers.document, "services"))
        elif dependencies:
            ask_calls = partial(trace_answers.ask_dependencies, clusters.stores, window)
            show_calls = partial(trace_view.print_dependencies, screen, limit)
            code = clusters.run(tempo, ask_calls, show_calls, partial(trace_answers.document, "calls"))
        else:
            query = _query(traceql, service, operation, min_duration, status)
            search = partial(trace_answers.ask_search, query, window, limit)
            show_found = partial(trace_view.print_found, screen, limit)
            code = clusters.run(tempo, search, show_found, partial(trace_answers.search_document, limit))
    raise typer.Exit(code)


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
