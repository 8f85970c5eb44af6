"""``fleetscope backtest``: what each sensitivity would have raised on stored days."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from interfaces.cli.exit_codes import ExitCode
from interfaces.cli.terminal import err, out, print_json

if TYPE_CHECKING:
    from rich.table import Table

    from fleet.findings.backtest import Backtest, MissingDay, ReplayedDay
    from fleet.frames.pack import QueryPack
    from fleet.inventory.cluster import Cluster
    from storage.stores import Stores

_DAYS_A_WEEK = 7


def backtest(
    cluster: Annotated[list[str] | None, typer.Option(help="Only this cluster; may be repeated.")] = None,
    weeks: Annotated[int, typer.Option(min=1, max=8, help="How many weeks, up to yesterday.")] = 4,
    budget: Annotated[
        float,
        typer.Option(
            min=0.0, max=5000.0, help="Findings a day per cluster of 5,000 series that you want to see at most."
        ),
    ] = 0.5,
    pack: Annotated[Path | None, typer.Option(help="Query pack file; by default the cluster health pack.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")] = False,
) -> None:
    """Replay stored days, each judged by what is learnt from the days before it, at every sensitivity.

    LOW, MEDIUM, HIGH and EXTREME stand for an expected 0.1, 0.5, 2 and 10 false findings per cluster of 5,000 series
    and day. Real troubles count as well as false findings: on days that were quiet the counts should be near those
    that are to be expected.

    Clusters are not asked for anything, and nothing is stored.

    Example: fleetscope backtest --cluster edge-1 --weeks 4 --budget 0.5
    """
    from deployments.settings import load_settings
    from fleet.detectors.second_looks import looks_named
    from fleet.findings.backtest import backtest_of
    from fleet.frames.pack_file import default_pack, load_pack
    from interfaces.cli.workspace import open_workspace

    queries = load_pack(pack) if pack else default_pack()
    looks = looks_named(load_settings().second_looks, queries)
    with open_workspace() as stores:
        chosen = stores.clusters.chosen(cluster or [], {})
        days = chain.from_iterable(_replayed(stores, each, queries, looks, weeks) for each in chosen)
        result = backtest_of(days, budget)
    if json:
        print_json(result)
    else:
        _show(result)
    raise typer.Exit(ExitCode.FINE if result.cluster_days else ExitCode.COULD_NOT_RUN)


def _replayed(
    stores: Stores, cluster: Cluster, pack: QueryPack, looks: Sequence[str], weeks: int
) -> Iterator[ReplayedDay | MissingDay]:
    from tasks.backtest import replay

    with err().status(f"{cluster.name} …") as status:
        for day in replay(stores, cluster, pack, looks, datetime.now(UTC), weeks * _DAYS_A_WEEK):
            status.update(f"{cluster.name}: {day.window.end:%Y-%m-%d}")
            yield day


def _show(result: Backtest) -> None:
    from interfaces.cli.tables import SEVERITY_STYLE, printable, utc

    console = out()
    if result.cluster_days:
        console.print(_settings_table(result))
    for setting in result.settings[-1:]:
        if setting.worst:
            console.print(f"The strongest at {setting.sensitivity.value}:")
        for example in setting.worst:
            severity = f"[{SEVERITY_STYLE[example.severity]}]{example.severity.value}[/]"
            console.print(f"{severity} {printable(example.cluster)}: {printable(example.title)}, {utc(example.start)}")
    for cluster, reasons in result.missing.items():
        for reason in reasons:
            console.print(f"[yellow]missing:[/] {printable(cluster)}: {printable(reason)}", soft_wrap=True)
    console.print(_advice(result))


def _settings_table(result: Backtest) -> Table:
    from rich.table import Column, Table

    headings = ("raised", "false ones expected", "a day and 5,000 series")
    table = Table("sensitivity", *(Column(each, justify="right") for each in headings))
    for each in result.settings:
        table.add_row(each.sensitivity.value, f"{each.raised:,}", f"{each.expected:,.1f}", f"{each.a_day:,.2f}")
    table.caption = f"{result.cluster_days:,.1f} cluster-days, {result.series_days:,.0f} series-days"
    return table


def _advice(result: Backtest) -> str:
    if not result.cluster_days:
        return "No day could be replayed: scans store what a replay needs."
    if result.suggested is None:
        return (
            f"Every sensitivity raised more than {result.budget:g} a day and 5,000 series. "
            "Were these days quiet? Then what raised the strongest is worth a look; else replay others."
        )
    return (
        f"{result.suggested.value} is the most sensitive that raised at most {result.budget:g} a day and 5,000 series."
    )
