"""Series for people: a table with a row each, or a drawing with a legend. Labels are untrusted text."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np
from rich.console import Console
from rich.table import Table
from rich.text import Text

from fleet.findings.quantity import quantity
from interfaces.cli.query.plot import COLOURS, chart, sparkline
from interfaces.cli.query.series import Series, SeriesSet, Values, label_words, shared_labels
from interfaces.cli.tables import printable

_HEIGHT, _SMALL_HEIGHT = 14, 5
_TREND, _ROOM_FOR_TREND = 24, 110
_LABELS = ("__name__", "node", "instance", "namespace", "pod", "container")


def print_series(console: Console, found: SeriesSet, limit: int, title: str = "") -> None:
    """A table: at a time the values, of a range the last, the least, the greatest and the course.

    Args:
        console: where.
        found: what.
        limit: so many rows at most, 0 for all; what is left out is said.
        title: of what is shown.
    """
    if not found.series:
        console.print("No series.")
        return
    shared = shared_labels([each.labels for each in found.series])
    shown = found.series[:limit] if limit else found.series
    trend = found.is_range and console.width >= _ROOM_FOR_TREND
    several = _several(found)
    table = Table(box=None, pad_edge=False, header_style="bold")
    if several:
        table.add_column("cluster", no_wrap=True)
    figures = ["last", "min", "max"] if found.is_range else ["value"]
    columns = _label_columns(shown, shared, console.width - (15 if several else 0) - 9 * len(figures) - trend * 26)
    for name in columns or ["series"]:
        table.add_column(printable(name), overflow="fold")
    for name in figures:
        table.add_column(name, justify="right", no_wrap=True)
    if trend:
        table.add_column("course", no_wrap=True)
    for each in shown:
        words = [each.labels.get(name, "") for name in columns] or [label_words(each.labels, shared)]
        cells = [*([each.cluster] if several else []), *map(printable, words)]
        table.add_row(*cells, *_figures(each, found, trend=trend))
    _print_head(console, found, title, shared)
    console.print(table)
    if len(shown) < len(found.series):
        console.print(f"The first {len(shown):,} of {len(found.series):,} series; --limit 0 shows all.")


def print_plot(console: Console, found: SeriesSet, title: str = "") -> None:
    """A drawing of all series together, in colours; where there are no colours, each by itself."""
    drawable = [each for each in found.series if np.isfinite(each.values).any()]
    if not drawable:
        console.print("No series.")
        return
    shared = shared_labels([each.labels for each in found.series])
    several = _several(found)
    _print_head(console, found, title, shared)
    shown = drawable[: len(COLOURS)]
    if len(shown) == 1 or console.color_system:
        for line in chart(
            found.times, [each.values for each in shown], found.unit, width=console.width, height=_HEIGHT
        ):
            console.print(line)
        for number, each in enumerate(shown):
            console.print(_legend(each, number, shared, found.unit, several=several))
    else:
        for each in shown:
            console.print(_legend(each, 0, shared, found.unit, several=several))
            for line in chart(found.times, [each.values], found.unit, width=console.width, height=_SMALL_HEIGHT):
                console.print(line)
    if len(shown) < len(found.series):
        console.print(f"The first {len(shown)} of {len(found.series):,} series are drawn.")


def _several(found: SeriesSet) -> bool:
    return len({each.cluster for each in found.series}) > 1


def _label_columns(series: Sequence[Series], shared: dict[str, str], room: int) -> list[str]:
    """The labels that tell series apart, if each may have a column of its own: where they fit side by side."""
    names = sorted({name for each in series for name in each.labels if name not in shared}, key=_label_rank)
    widths = [max(len(name), *(len(each.labels.get(name, "")) for each in series)) + 2 for name in names]
    return names if sum(widths) <= room else []


def _label_rank(name: str) -> tuple[int, str]:
    """From the outside in."""
    return (_LABELS.index(name) if name in _LABELS else len(_LABELS)), name


def _figures(each: Series, found: SeriesSet, *, trend: bool) -> list[str]:
    if not found.is_range:
        return [_figure(float(each.values[0]), found.unit)]
    known = each.values[~np.isnan(each.values)]
    # A series that ended before the window did has a last value all the same.
    figures = [float(known[-1]), float(known.min()), float(known.max())] if len(known) else [float("nan")] * 3
    return [_figure(value, found.unit) for value in figures] + ([sparkline(each.values, _TREND)] if trend else [])


def _figure(value: float, unit: str) -> str:
    return quantity(value, unit) if np.isfinite(value) else f"{value}"


def _print_head(console: Console, found: SeriesSet, title: str, shared: dict[str, str]) -> None:
    """What holds for all series: said once, it does not take the room of what tells them apart."""
    where = "" if _several(found) else f"{found.series[0].cluster}: "
    console.print(f"[bold]{where}{printable(title)}[/], {_when(found.times)}", soft_wrap=True)
    if shared:
        console.print(f"[dim]all: {printable(label_words(shared))}[/]", soft_wrap=True)


def _when(times: Values) -> str:
    first, last = _utc(float(times[0])), _utc(float(times[-1]))
    return f"{first} to {last}" if first != last else f"at {last}"


def _utc(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S}Z"


def _legend(each: Series, number: int, shared: dict[str, str], unit: str, *, several: bool) -> Text:
    known = each.values[np.isfinite(each.values)]
    words = "".join(sign if sign.isprintable() else " " for sign in label_words(each.labels, shared))
    text = Text("━━ ", style=COLOURS[number], no_wrap=True, overflow="ellipsis")
    text.append(f"{each.cluster} " if several else "", style="bold not dim")
    text.append(f"{words}  last {_figure(float(known[-1]), unit)}", style="default")
    return text
