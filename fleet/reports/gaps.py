"""What was not seen, in words. A gap that nobody mentions reads as health."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime

from fleet.frames.coverage import Coverage, CoverageStatus, QueryCoverage, Signal
from fleet.frames.signals import SignalCoverage, by_signal
from fleet.frames.window import Window, join_adjacent
from fleet.reports.content import Cell, Column, Table, Tone
from fleet.reports.material import FleetReportMaterial
from fleet.reports.wording import counted, duration, joined, share, short_span

_TONES = {
    CoverageStatus.OK: Tone.GOOD,
    CoverageStatus.PARTIAL: Tone.WARNING,
    CoverageStatus.UNKNOWN: Tone.UNKNOWN,
    CoverageStatus.ABSENT: Tone.PLAIN,
}
_MOST_SPANS = 3
_MOST_NAMES = 6


def gaps_of(material: FleetReportMaterial, cluster_id: str) -> list[str]:
    """Sentences on what was not seen of one cluster, without its name; empty where everything was seen.

    Signals of which no source is registered are no gaps: ``unasked_of`` names them.
    """
    rows, metrics = material.coverage.get(cluster_id, []), material.metrics_of(cluster_id)
    lines: list[str] = []
    if not metrics:
        lines.append("nothing was collected: this report can say nothing about it")
    for (signal, collector), own in _by_signal(rows).items():
        lines += _stretches(signal, collector, own, material.window)
        if signal == Signal.METRICS:
            lines += _unanswered(query for row in own for query in row.queries)
    lines += [f"discovery could not read {gap.part}: {gap.reason}" for gap in material.gaps.get(cluster_id, [])]
    return [*lines, *material.unread.get(cluster_id, ())]


def unasked_of(material: FleetReportMaterial, cluster_id: str) -> list[Signal]:
    """The signals of which nobody could be asked for a cluster, and nothing is known by it."""
    rows = material.coverage.get(cluster_id, [])
    unknown = {row.signal for row in rows if row.status is CoverageStatus.UNKNOWN and not row.is_gap}
    return [signal for signal in Signal if signal in unknown - {row.signal for row in rows if row.endpoint}]


def coverage_table(rows: list[Coverage], window: Window) -> Table:
    """How much of a window was seen of each signal, by status and reason."""
    columns = [
        Column(title="Signal", weight=10),
        Column(title="Source", weight=13),
        Column(title="Status", weight=11),
        Column(title="Share", weight=8, numeric=True),
        Column(title="When, and why", weight=48),
    ]
    cells: list[list[Cell]] = []
    for (signal, collector), own in _by_signal(rows).items():
        for (status, reason), windows in _by_status(own).items():
            part, when = _how_much(signal, windows, window)
            cells.append(
                [
                    Cell(text=signal),
                    Cell(text=collector),
                    Cell(text=status.value, tone=_TONES[status]),
                    Cell(text=part),
                    Cell(text="; ".join(filter(None, [when, reason]))),
                ]
            )
        missing = _missing(signal, own, window)
        if missing:
            cells.append(_missing_row(signal, collector, missing, window))
    cells += [_unseen_row(each) for each in by_signal(rows, window) if each.signal not in {row.signal for row in rows}]
    return Table(caption="Coverage: what was seen in the window", columns=columns, rows=cells)


def _how_much(signal: str, windows: list[Window], window: Window) -> tuple[str, str]:
    """The share of a window, and which part of it."""
    if Signal(signal).of_a_moment:
        return "–", "at its end"
    seconds = sum(_inside(each, window) for each in windows)
    return share(min(seconds / window.seconds, 1.0)), _spans(windows, window)


def absent_queries(rows: list[Coverage]) -> list[str]:
    """Ids of the queries whose metrics the cluster does not have, in every row that asked."""
    seen: dict[str, set[CoverageStatus]] = defaultdict(set)
    for row in rows:
        for query in row.queries:
            seen[query.query_id].add(query.status)
    return sorted(each for each, statuses in seen.items() if statuses == {CoverageStatus.ABSENT})


def _missing_row(signal: str, collector: str, missing: list[Window], window: Window) -> list[Cell]:
    seconds = sum(each.seconds for each in missing)
    return [
        Cell(text=signal),
        Cell(text=collector),
        Cell(text="not asked", tone=Tone.UNKNOWN),
        Cell(text=share(seconds / window.seconds)),
        Cell(text=_spans(missing, window)),
    ]


def _unseen_row(unseen: SignalCoverage) -> list[Cell]:
    """Of a signal of which there is no row: what is not told would read as health."""
    return [
        Cell(text=unseen.signal.value),
        Cell(text="–"),
        Cell(text=unseen.status.value, tone=_TONES[unseen.status]),
        Cell(text="–"),
        Cell(text="; ".join(unseen.reasons)),
    ]


def _stretches(signal: str, collector: str, rows: list[Coverage], window: Window) -> list[str]:
    lines = []
    for (status, reason), windows in _by_status([row for row in rows if row.is_gap]).items():
        how = "could not be seen" if status is CoverageStatus.UNKNOWN else "were seen only in part"
        why = f": {reason}" if reason else ""
        when = "at the end of the window" if Signal(signal).of_a_moment else _spans(windows, window)
        lines.append(f"{signal} ({collector}) {how} {when}{why}")
    missing = _missing(signal, rows, window)
    if missing:
        lines.append(f"{signal} ({collector}) were not asked for {_spans(missing, window)}")
    return lines


def _unanswered(queries: Iterable[QueryCoverage]) -> list[str]:
    by_reason: dict[tuple[CoverageStatus, str], set[str]] = defaultdict(set)
    for query in queries:
        if not query.status.final:
            by_reason[query.status, query.reason].add(query.query_id)
    lines = []
    for (status, reason), ids in sorted(by_reason.items()):
        how = "got no answer" if status is CoverageStatus.UNKNOWN else "got only part of an answer"
        why = f": {reason}" if reason else ""
        lines.append(f"{counted(len(ids), 'query', 'queries')} {how} ({joined(sorted(ids), _MOST_NAMES)}){why}")
    return lines


def _by_signal(rows: list[Coverage]) -> dict[tuple[str, str], list[Coverage]]:
    """Rows by signal and collector, metrics first."""
    order, grouped = list(Signal), dict[tuple[str, str], list[Coverage]]()
    for row in sorted(rows, key=lambda each: (order.index(Signal(each.signal)), each.collector, each.window.start)):
        grouped.setdefault((row.signal, row.collector), []).append(row)
    return grouped


def _by_status(rows: list[Coverage]) -> dict[tuple[CoverageStatus, str], list[Window]]:
    grouped: dict[tuple[CoverageStatus, str], list[Window]] = {}
    for row in rows:
        grouped.setdefault((row.status, row.reason), []).append(row.window)
    return grouped


def _spans(windows: list[Window], whole: Window) -> str:
    stretches = join_adjacent(windows)
    if len(stretches) == 1 and stretches[0].start <= whole.start and stretches[0].end >= whole.end:
        return "in the whole window"
    shown = ", ".join(short_span(each.start, each.end) for each in stretches[:_MOST_SPANS])
    left = stretches[_MOST_SPANS:]
    if left:
        shown += f" and {counted(len(left), 'more stretch', 'more stretches')}"
    total = sum((each.end - each.start for each in stretches[1:]), stretches[0].end - stretches[0].start)
    return f"{shown} ({duration(total)})"


def _inside(part: Window, whole: Window) -> float:
    return max(0.0, (min(part.end, whole.end) - max(part.start, whole.start)).total_seconds())


def _missing(signal: str, rows: list[Coverage], window: Window) -> list[Window]:
    """The time of a window that nobody was asked for; what is of a moment has no such time."""
    return [] if Signal(signal).of_a_moment else _uncovered([row.window for row in rows], window)


def _uncovered(parts: list[Window], whole: Window) -> list[Window]:
    missing: list[Window] = []
    reached: datetime = whole.start
    for part in sorted(parts, key=lambda each: each.start):
        if part.start > reached:
            missing.append(Window(start=reached, end=min(part.start, whole.end)))
        reached = max(reached, part.end)
        if reached >= whole.end:
            return missing
    return [*missing, Window(start=reached, end=whole.end)]
