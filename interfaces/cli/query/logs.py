"""``fleetscope query logs``: LogQL or a choice of lines, their labels, and lines as they come."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from interfaces.cli.query import options
from interfaces.cli.terminal import out

if TYPE_CHECKING:
    from fleet.frames.log_frame import LogFrame
    from interfaces.cli.exit_codes import ExitCode
    from interfaces.cli.query.asking import Answer, Asking
    from interfaces.cli.query.log_answers import Lines, LinesFound
    from interfaces.cli.query.series import Series

_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")


def logs(
    logql: Annotated[str, typer.Argument(help="The query; without it, what the options say.", show_default=False)] = "",
    namespace: Annotated[list[str] | None, typer.Option(help="Lines of this namespace; may be repeated.")] = None,
    pod: Annotated[list[str] | None, typer.Option(help="… of this pod; may be repeated.")] = None,
    container: Annotated[list[str] | None, typer.Option(help="… of this container; may be repeated.")] = None,
    contains: Annotated[list[str] | None, typer.Option(help="… with this text; repeated: with all of them.")] = None,
    matches: Annotated[list[str] | None, typer.Option(help="… that match this expression (RE2).")] = None,
    level: Annotated[Literal["warn", "error"] | None, typer.Option(help="… of this level or worse.")] = None,
    labels: Annotated[bool, typer.Option("--labels", help="List the labels that streams have instead.")] = False,
    values: Annotated[str, typer.Option(metavar="LABEL", help="List the values of a label instead.")] = "",
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Show lines as they come, until Ctrl-C.")] = False,
    last: Annotated[
        str, typer.Option(help="Length of the window, such as 90m or 6h; by default 1h, of --follow nothing.")
    ] = "",
    until: options.UntilOption = "",
    step: options.StepOption = "",
    plot: options.PlotOption = False,
    limit: options.LimitOption = 200,
    oldest_first: Annotated[
        bool, typer.Option("--oldest-first", help="The first lines of the window, not its last ones.")
    ] = False,
    raw: Annotated[bool, typer.Option("--raw", help="Lines as they are stored: OpenShift's as JSON.")] = False,
    cluster: options.ClusterOption = None,
    selector: options.SelectorOption = None,
    allow_gaps: options.AllowGapsOption = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON: an object a line of log.")] = False,
) -> None:
    """Show log lines of Loki, in order of time, each with its cluster; a metric query gives series.

    A cluster that does not answer is told on standard error, and makes the exit code 4.
    """
    from interfaces.cli.query.asking import asking
    from interfaces.cli.query.log_answers import Lines, is_metric_query

    parts = {
        "--namespace": namespace,
        "--pod": pod,
        "--container": container,
        "--contains": contains,
        "--matches": matches,
        "--level": level,
    }
    chosen = [name for name, value in parts.items() if value]
    if logql and chosen:
        raise typer.BadParameter(f"{', '.join(chosen)} would be lost beside a query: write it into the query")
    metric = is_metric_query(logql)
    if (plot or step) and not metric:
        raise typer.BadParameter("--plot and --step are for metric queries, such as 'sum (rate({...}[5m]))'")
    if follow and (metric or labels or values or until):
        raise typer.BadParameter("--follow shows lines as they come: no metric query, no --labels, no --until")
    if values and not _LABEL.fullmatch(values):
        raise typer.BadParameter(f"--values {values!r} is no label; --labels lists those that there are")
    lines = Lines(
        logql=logql,
        namespaces=tuple(namespace or ()),
        pods=tuple(pod or ()),
        containers=tuple(container or ()),
        contains=tuple(contains or ()),
        matches=tuple(matches or ()),
        level=level,
        window=options.window_of(last or "1h", until),
        limit=limit,
        oldest_first=oldest_first,
    )
    with asking(cluster, selector, json=json, allow_gaps=allow_gaps) as clusters:
        if follow:
            code = _follow(clusters, lines, past=bool(last), raw=raw)
        elif labels or values:
            code = _names(clusters, lines, values)
        elif metric:
            code = _series(clusters, lines, step, plot=plot)
        else:
            code = _lines(clusters, lines, raw=raw)
    raise typer.Exit(code)


def _lines(clusters: Asking, lines: Lines, *, raw: bool) -> ExitCode:
    from fleet.inventory.cluster import EndpointKind
    from interfaces.cli.query.log_answers import ask_lines, joined
    from interfaces.cli.query.log_view import print_rest

    def show(answers: Sequence[Answer[LinesFound]]) -> None:
        frame, more = joined(lines, answers)
        _show(clusters, frame, raw=raw)
        if more:
            print_rest(len(frame), oldest_first=lines.oldest_first)

    return clusters.run(EndpointKind.LOKI, partial(ask_lines, lines), show)


def _series(clusters: Asking, lines: Lines, step: str, *, plot: bool) -> ExitCode:
    from fleet.inventory.cluster import EndpointKind
    from interfaces.cli.query.log_answers import ask_series, joined_series, series_document
    from interfaces.cli.query.series_view import print_plot, print_series

    window, step_seconds = options.grid_of(lines.window, step)

    def show(answers: Sequence[Answer[list[Series]]]) -> None:
        found = joined_series(answers)
        if plot:
            print_plot(out(), found, lines.logql)
        else:
            print_series(out(), found, lines.limit, lines.logql)

    ask = partial(ask_series, lines.logql, window, step_seconds)
    return clusters.run(EndpointKind.LOKI, ask, show, partial(series_document, lines.logql, window, step_seconds))


def _names(clusters: Asking, lines: Lines, label: str) -> ExitCode:
    from fleet.inventory.cluster import EndpointKind
    from interfaces.cli.query.log_answers import ask_names, names_document
    from interfaces.cli.query.log_view import print_names

    show = partial(print_names, out(), lines.limit, label or "label")
    return clusters.run(EndpointKind.LOKI, partial(ask_names, lines, label), show, partial(names_document, label))


def _follow(clusters: Asking, lines: Lines, *, past: bool, raw: bool) -> ExitCode:
    from interfaces.cli.query.follow import Following

    following = Following(clusters.stores, clusters.clusters, lines, past=past)
    return following.run(partial(_show, clusters, raw=raw))


def _show(clusters: Asking, frame: LogFrame, *, raw: bool) -> None:
    from interfaces.cli.query.log_view import print_lines, write_lines

    if clusters.json:
        write_lines(frame)
    else:
        print_lines(out(), frame, several=len(clusters.clusters) > 1, raw=raw)
