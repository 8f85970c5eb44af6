"""``fleetscope query logs``: LogQL or a choice of lines, their labels, and lines as they come."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from interfaces.cli.query import options
from interfaces.cli.terminal import out, parse_labels, print_json

if TYPE_CHECKING:
    from fleet.frames.log_frame import LogFrame
    from fleet.inventory.cluster import Cluster
    from interfaces.cli.exit_codes import ExitCode
    from interfaces.cli.query.log_answers import Lines
    from storage.stores import Stores


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
    from interfaces.cli.query.log_answers import Lines, is_metric_query
    from interfaces.cli.workspace import open_workspace

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
    with open_workspace() as stores:
        clusters = stores.clusters.chosen(cluster or [], parse_labels(selector or []))
        if follow:
            code = _follow(stores, clusters, lines, past=bool(last), raw=raw, json=json)
        elif labels or values:
            code = _labels(stores, clusters, lines, values, json=json, allow_gaps=allow_gaps)
        elif metric:
            code = _series(stores, clusters, lines, step, plot=plot, json=json, allow_gaps=allow_gaps)
        else:
            code = _lines(stores, clusters, lines, raw=raw, json=json, allow_gaps=allow_gaps)
    raise typer.Exit(code)


def _lines(
    stores: Stores, clusters: list[Cluster], lines: Lines, *, raw: bool, json: bool, allow_gaps: bool
) -> ExitCode:
    from fleet.inventory.cluster import EndpointKind
    from interfaces.cli.query.asking import ask_clusters, exit_code, tell_gaps
    from interfaces.cli.query.log_answers import ask_lines, joined
    from interfaces.cli.query.log_view import print_lines, print_rest, write_lines

    answers = ask_clusters(stores, clusters, EndpointKind.LOKI, partial(ask_lines, lines))
    frame, more = joined(lines, answers)
    if json:
        write_lines(frame)
    elif any(answer.found is not None for answer in answers):
        print_lines(out(), frame, several=len(clusters) > 1, raw=raw)
    tell_gaps(answers)
    if more:
        print_rest(len(frame), oldest_first=lines.oldest_first)
    return exit_code(answers, allow_gaps=allow_gaps)


def _series(
    stores: Stores, clusters: list[Cluster], lines: Lines, step: str, *, plot: bool, json: bool, allow_gaps: bool
) -> ExitCode:
    from fleet.inventory.cluster import EndpointKind
    from interfaces.cli.query.asking import ask_clusters, exit_code, tell_gaps
    from interfaces.cli.query.log_answers import ask_series, joined_series
    from interfaces.cli.query.series import json_rows
    from interfaces.cli.query.series_view import print_plot, print_series

    window, step_seconds = options.grid_of(lines.window, step)
    ask = partial(ask_series, lines.logql, window, step_seconds)
    answers = ask_clusters(stores, clusters, EndpointKind.LOKI, ask)
    found = joined_series(answers)
    if json:
        when = {"window": window, "step_seconds": step_seconds}
        coverage = [answer.row for answer in answers]
        print_json({"query": lines.logql, **when, "series": json_rows(found), "coverage": coverage})
    elif plot:
        print_plot(out(), found, lines.logql)
    elif any(answer.found is not None for answer in answers):
        print_series(out(), found, lines.limit, lines.logql)
    tell_gaps(answers)
    return exit_code(answers, allow_gaps=allow_gaps)


def _labels(
    stores: Stores, clusters: list[Cluster], lines: Lines, label: str, *, json: bool, allow_gaps: bool
) -> ExitCode:
    from fleet.inventory.cluster import EndpointKind
    from interfaces.cli.query.asking import ask_clusters, exit_code, tell_gaps
    from interfaces.cli.query.log_answers import ask_names
    from interfaces.cli.query.log_view import print_names

    answers = ask_clusters(stores, clusters, EndpointKind.LOKI, partial(ask_names, lines, label))
    if json:
        names = [{"cluster": answer.cluster, "names": answer.found} for answer in answers if answer.found is not None]
        print_json({"label": label or None, "found": names, "coverage": [answer.row for answer in answers]})
    else:
        print_names(out(), answers, label or "label", lines.limit)
    tell_gaps(answers)
    return exit_code(answers, allow_gaps=allow_gaps)


def _follow(stores: Stores, clusters: list[Cluster], lines: Lines, *, past: bool, raw: bool, json: bool) -> ExitCode:
    from interfaces.cli.query.follow import Following
    from interfaces.cli.query.log_view import print_lines, write_lines

    def show(frame: LogFrame) -> None:
        if json:
            write_lines(frame)
        else:
            print_lines(out(), frame, several=len(clusters) > 1, raw=raw)

    return Following(stores, clusters, lines, past=past).run(show)
