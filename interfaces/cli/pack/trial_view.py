"""How a pack fared, as a table for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from rich.console import Console
from rich.table import Column, Table

from fleet.collectors.prometheus.trial import QueryTrial
from fleet.findings.quantity import quantity
from fleet.frames.coverage import CoverageStatus
from interfaces.cli.pack.trying import PackTrial
from interfaces.cli.tables import STATUS_STYLE, printable

_MOST_NAMED = 5


def print_trial(console: Console, trial: PackTrial) -> None:
    """One server's answers, query by query in the pack's order, why there are none, and how many fared how."""
    where = trial.endpoint if trial.endpoint != trial.cluster else ""
    console.print(f"[bold]{printable(trial.cluster)}[/] {printable(where)}".rstrip(), soft_wrap=True)
    if trial.reason:
        console.print(f"{_coloured(trial.status)} {printable(trial.reason)}", soft_wrap=True)
        return
    if any(query.form is not None for query in trial.queries):
        console.print(_table(trial.queries))
    _print_reasons(console, trial.queries)
    counts = Counter(query.status for query in trial.queries)
    seconds = sum(query.seconds for query in trial.queries)
    told = ", ".join(f"{counts[status]} {status.value}" for status in CoverageStatus if counts[status])
    console.print(f"{told}; {seconds:.1f} s of asking")


def _table(queries: Sequence[QueryTrial]) -> Table:
    headings = ("query", "status", "form", "series", "time", "for example")
    table = Table(*(Column(heading, no_wrap=True) for heading in headings), box=None, pad_edge=False)
    for query in queries:
        table.add_row(*_row(query))
    return table


def _print_reasons(console: Console, queries: Sequence[QueryTrial]) -> None:
    """Below the table, where there is room for them; what holds for several queries is said once."""
    alike: dict[tuple[CoverageStatus, str], list[str]] = {}
    for query in queries:
        if query.reason:
            alike.setdefault((query.status, query.reason), []).append(query.query_id)
    for (status, reason), ids in alike.items():
        names = ", ".join(ids) if len(ids) <= _MOST_NAMED else f"{ids[0]} and {len(ids) - 1} others"
        console.print(f"{_coloured(status)} {names}: {printable(reason)}", soft_wrap=True)


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
    )
