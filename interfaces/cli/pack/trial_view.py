"""How a pack fared, as a table for people."""

from __future__ import annotations

from collections import Counter

from rich.console import Console
from rich.table import Column, Table

from fleet.collectors.prometheus.trial import QueryTrial
from fleet.findings.quantity import quantity
from fleet.frames.coverage import CoverageStatus
from interfaces.cli.pack.trying import PackTrial
from interfaces.cli.tables import STATUS_STYLE, printable


def print_trial(console: Console, trial: PackTrial) -> None:
    """One server's answers, query by query in the pack's order, and how many fared how."""
    console.print(f"[bold]{printable(trial.cluster)}[/] {printable(trial.endpoint)}".rstrip(), soft_wrap=True)
    if trial.reason:
        console.print(f"{_coloured(trial.status)} {printable(trial.reason)}", soft_wrap=True)
        return
    headings = ("query", "status", "form", "series", "time", "for example")
    table = Table(*(Column(heading, no_wrap=True) for heading in headings), Column("why", overflow="fold"))
    for query in trial.queries:
        table.add_row(*_row(query))
    console.print(table)
    counts = Counter(query.status for query in trial.queries)
    seconds = sum(query.seconds for query in trial.queries)
    told = ", ".join(f"{counts[status]} {status.value}" for status in CoverageStatus if counts[status])
    console.print(f"{told}; {seconds:.1f} s of asking")


def _coloured(status: CoverageStatus) -> str:
    return f"[{STATUS_STYLE[status]}]{status.value}[/]"


def _row(query: QueryTrial) -> tuple[str, ...]:
    asked = query.form is not None
    return (
        query.query_id,
        _coloured(query.status),
        str(query.form) if asked else "",
        str(query.series) if asked else "",
        f"{query.seconds * 1000:.0f} ms" if asked else "",
        "" if query.value is None else printable(quantity(query.value, query.unit)),
        printable(query.reason),
    )
