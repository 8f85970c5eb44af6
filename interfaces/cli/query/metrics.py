"""``fleetscope query metrics``: PromQL, or a query of a pack, over one or many clusters."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from interfaces.cli.query import options
from interfaces.cli.terminal import out

if TYPE_CHECKING:
    from fleet.frames.pack import PackQuery
    from interfaces.cli.query.asking import Answer
    from interfaces.cli.query.metric_series import Question
    from interfaces.cli.query.series import SeriesSet


def metrics(
    promql: Annotated[str, typer.Argument(help="The expression.", show_default=False)] = "",
    query_id: Annotated[str, typer.Option("--id", help="Ask a query of the pack instead, by its id.")] = "",
    pack: Annotated[
        Path | None, typer.Option(help="With --id: the pack's file; by default the cluster health pack.")
    ] = None,
    last: Annotated[str, typer.Option(help="Ask over a window of this length, such as 1h, not at one time.")] = "",
    until: options.UntilOption = "",
    step: options.StepOption = "",
    plot: options.PlotOption = False,
    limit: options.LimitOption = 200,
    cluster: options.ClusterOption = None,
    selector: options.SelectorOption = None,
    allow_gaps: options.AllowGapsOption = False,
    json: options.JsonOption = False,
) -> None:
    """Ask Prometheus: an expression at a time, or with --last over a window.

    Values have the unit of their metric where it is known. A cluster that does not answer is told on standard error,
    and makes the exit code 4.
    """
    question = _question(promql, query_id, pack, last, until, step)
    if plot and question.window is None:
        raise typer.BadParameter("--plot draws a range: give --last, such as --last 1h")

    from fleet.inventory.cluster import EndpointKind
    from interfaces.cli.query.asking import asking
    from interfaces.cli.query.metric_series import ask, document, joined
    from interfaces.cli.query.series_view import print_plot, print_series

    def show(answers: Sequence[Answer[SeriesSet]]) -> None:
        found = joined(question, answers)
        if plot:
            print_plot(out(), found, question.title)
        else:
            print_series(out(), found, limit, question.title)

    with asking(cluster, selector, json=json, allow_gaps=allow_gaps) as clusters:
        code = clusters.run(EndpointKind.PROMETHEUS, partial(ask, question), show, partial(document, question))
    raise typer.Exit(code)


def _question(promql: str, query_id: str, pack: Path | None, last: str, until: str, step: str) -> Question:
    from interfaces.cli.query.metric_series import Question

    if bool(promql) == bool(query_id):
        raise typer.BadParameter("either an expression is asked, or a query of the pack by its --id")
    if step and not last:
        raise typer.BadParameter("--step is for ranges: give --last, such as --last 1h")
    named = _named(query_id, pack) if query_id else None
    if not last:
        return Question(promql, named, options.end_of(until))
    window, step_seconds = options.grid_of(options.window_of(last, until), step)
    return Question(promql, named, window.end, window, step_seconds)


def _named(query_id: str, pack: Path | None) -> PackQuery:
    from difflib import get_close_matches

    from fleet.errors import NotFound
    from fleet.frames.pack_file import default_pack, load_pack

    loaded = load_pack(pack) if pack else default_pack()
    try:
        return loaded.query(query_id)
    except KeyError:
        known = [query.id for query in loaded.queries]
        near = get_close_matches(query_id, known, n=5, cutoff=0.5) or known[:5]
        hint = f"It has for example {', '.join(near)}."
        raise NotFound(f"The pack {loaded.name} has no query {query_id!r}.", hint=hint) from None
