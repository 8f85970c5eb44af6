"""Traces for people: found ones, one as a tree, services, calls. Names in traces are untrusted text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime

from rich.console import Console
from rich.table import Table
from rich.text import Text

from fleet.collectors.tempo.answers import FoundTrace
from fleet.collectors.tempo.dependencies import Connection, ServiceEdge
from fleet.findings.quantity import quantity
from fleet.frames.log_frame import time_of
from fleet.frames.span_tree import Segment, SpanNode, SpanTree
from interfaces.cli.query.asking import Answer
from interfaces.cli.query.trace_answers import CallsFound, ServicesFound, TraceFound, TracesFound, newest
from interfaces.cli.tables import printable

_ROOM_FOR_BARS, _NARROWEST_BAR = 100, 20
_ROOM_FOR_IDS = 110
_DAY_NS = 86_400_000_000_000
_KINDS = {Connection.DATABASE: "database", Connection.MESSAGING: "queue"}


def print_found(console: Console, limit: int, answers: Sequence[Answer[TracesFound]]) -> None:
    """Traces of several clusters, the newest first."""
    shown, more = newest(limit, answers)
    if not shown:
        console.print("No traces.")
        return
    several, wide = len(answers) > 1, console.width >= _ROOM_FOR_IDS
    one_day = shown[0][1].start_ns - shown[-1][1].start_ns < _DAY_NS
    form = "%H:%M:%S" if one_day and not wide else "%m-%d %H:%M:%S"
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in (
        *(["cluster"] if several else []),
        "started" if form == "%H:%M:%S" else "started (UTC)",
        *(["trace"] if wide else []),
    ):
        table.add_column(heading, no_wrap=True)
    table.add_column("root" if wide else "root, trace", overflow="fold")
    for heading in ("duration", "spans", "errors"):
        table.add_column(heading, justify="right", no_wrap=True)
    for cluster, trace in shown:
        root = _root(trace.root_service, trace.root_name)
        names = [trace.trace_id, root] if wide else [f"{root}\n[dim]{trace.trace_id}[/]"]
        started = time_of(trace.start_ns).strftime(form)
        table.add_row(*([cluster] if several else []), started, *names, *_counts(trace))
    console.print(table)
    if more:
        console.print(f"The newest {len(shown):,} of more; --limit 0 shows all.")


def print_trees(console: Console, limit: int, answers: Sequence[Answer[TraceFound]]) -> None:
    """A trace wherever it is: its spans below their callers, with their own time, and what the trace waited for."""
    shown = False
    for answer in answers:
        tree = answer.found.tree if answer.found is not None else None
        if tree is not None:
            _print_tree(console, answer.cluster, tree, limit)
            shown = True
    if not shown:
        console.print("No cluster that answered has this trace.")


def print_services(console: Console, limit: int, answers: Sequence[Answer[ServicesFound]]) -> None:
    """Services, and in which clusters they made spans."""
    clusters: dict[str, list[str]] = {}
    for answer in answers:
        for service in answer.found.services if answer.found is not None else []:
            clusters.setdefault(service, []).append(answer.cluster)
    if not clusters:
        console.print("No services.")
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("service", no_wrap=True)
    table.add_column("clusters", overflow="fold")
    names = sorted(clusters)
    for name in names[: limit or None]:
        table.add_row(printable(name), ", ".join(clusters[name]))
    console.print(table)
    _say_rest(console, limit, len(names), "services")


def print_dependencies(console: Console, limit: int, answers: Sequence[Answer[CallsFound]]) -> None:
    """Who calls whom, the most frequent calls first."""
    rows = [(answer.cluster, edge) for answer in answers if answer.found is not None for edge in answer.found.edges]
    if not rows:
        console.print("No calls.")
        return
    rows.sort(key=lambda row: -row[1].calls)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in (*(["cluster"] if len(answers) > 1 else []), "caller", "called"):
        table.add_column(heading, overflow="fold")
    for heading in ("calls", "errors", "p50", "p95"):
        table.add_column(heading, justify="right", no_wrap=True)
    for cluster, edge in rows[: limit or None]:
        table.add_row(*([cluster] if len(answers) > 1 else []), *_call(edge))
    console.print(table)
    _say_rest(console, limit, len(rows), "calls")
    counted = Counter(answer.found.counted_by for answer in answers if answer.found is not None)
    for words, clusters in counted.items():
        console.print(f"Counted by {words}" + (f" in {clusters} clusters." if len(answers) > 1 else "."))


def _counts(trace: FoundTrace) -> list[str]:
    errors = sum(trace.errors.values())
    duration = _time(trace.duration_ms * 1_000_000) if trace.duration_ms else "<1 ms"
    return [duration, str(sum(trace.spans.values()) or ""), f"[bold red]{errors}[/]" if errors else ""]


def _call(edge: ServiceEdge) -> list[str]:
    called = printable(edge.server) + (f" [dim]{_KINDS[edge.connection]}[/]" if edge.connection in _KINDS else "")
    share = edge.errors / edge.calls if edge.calls else 0.0
    errors = f"[bold red]{quantity(share, 'ratio')}[/]" if edge.errors else ""
    latencies = [edge.latency_seconds.get(each) for each in (0.5, 0.95)]
    seconds = ["" if each is None else quantity(each, "seconds") for each in latencies]
    caller = "[dim]outside[/]" if edge.connection is Connection.OUTSIDE else printable(edge.client)
    return [caller, called, f"{edge.calls:,.0f}", errors, *seconds]


def _root(service: str, name: str) -> str:
    return printable(f"{service}: {name}") if service or name else "[dim]the root was not received[/]"


def _say_rest(console: Console, limit: int, total: int, what: str) -> None:
    if limit and limit < total:
        console.print(f"The first {limit:,} of {total:,} {what}; --limit 0 shows all.")


def _print_tree(console: Console, cluster: str, tree: SpanTree, limit: int) -> None:
    nodes = list(_indented(tree))
    start_ns = min(node.start_ns for node, _ in nodes)
    end_ns = max(node.end_ns for node, _ in nodes)
    services = len({node.service for node, _ in nodes})
    console.print(
        f"[bold]{cluster}[/]: trace {tree.trace_id}, {_clock(time_of(start_ns))}, {_time(end_ns - start_ns)}, "
        f"{len(nodes)} spans of {services} services",
        soft_wrap=True,
    )
    path: dict[int, list[Segment]] = {}
    for segment in tree.critical_path():
        path.setdefault(segment.node.row, []).append(segment)
    bars = console.width >= _ROOM_FOR_BARS
    table = Table(box=None, pad_edge=False, header_style="bold", expand=bars)
    table.add_column("span", overflow="fold", ratio=3 if bars else None)
    for heading in ("time", "self", "critical"):
        table.add_column(heading, justify="right", no_wrap=True)
    width = max(_NARROWEST_BAR, console.width // 3)
    if bars:
        table.add_column("", no_wrap=True, min_width=width, max_width=width)
    for node, words in nodes[: limit or None]:
        own = path.get(node.row, [])
        critical = sum(each.duration_ns for each in own)
        cells: list[Text | str] = [
            words,
            _time(node.duration_ns),
            _time(node.self_ns),
            f"● {_time(critical)}" if own else "",
        ]
        table.add_row(*cells, *([_bar(node, own, start_ns, end_ns, width)] if bars else []))
    console.print(table)
    _say_rest(console, limit, len(nodes), "spans")
    for doubt in _doubts(tree):
        console.print(f"[yellow]{doubt}[/]")


def _indented(tree: SpanTree) -> Iterator[tuple[SpanNode, Text]]:
    """The spans, callers first, each with its name drawn at its place in the tree."""
    waiting = [(root, "", "") for root in reversed(tree.roots)]
    while waiting:
        node, lead, below = waiting.pop()
        text = Text(lead, style="dim")
        text.append(_plain(f"{node.service or '?'}: "), style="not dim cyan")
        text.append(_plain(node.name), style="not dim default")
        if node.status == "error":
            text.append(" error", style="not dim bold red")
        yield node, text
        last = len(node.children) - 1
        children = [
            (child, f"{below}{'└ ' if at == last else '├ '}", f"{below}{'  ' if at == last else '│ '}")
            for at, child in enumerate(node.children)
        ]
        waiting += reversed(children)


def _bar(node: SpanNode, path: Sequence[Segment], start_ns: int, end_ns: int, width: int) -> Text:
    """A span's time within the trace's; thick and red where the trace waited for it itself."""
    span = max(1, end_ns - start_ns)

    def place(at_ns: int) -> int:
        return min(width - 1, (at_ns - start_ns) * width // span)

    signs = [" "] * width
    first, last = place(node.start_ns), place(max(node.start_ns, node.end_ns - 1))
    signs[first : last + 1] = "─" * (last - first + 1)
    thick = [(place(each.start_ns), place(max(each.start_ns, each.end_ns - 1)) + 1) for each in path]
    for begin, end in thick:
        signs[begin:end] = "━" * (end - begin)
    text = Text("".join(signs), style="cyan")
    for begin, end in thick:
        text.stylize("bold red", begin, end)
    return text


def _doubts(tree: SpanTree) -> list[str]:
    """What in a trace was no tree."""
    found = []
    if tree.orphans:
        found.append(f"{len(tree.orphans)} spans have a caller that was not received.")
    if tree.skewed:
        found.append(f"{tree.skewed} spans were moved into their caller's time: clocks disagree.")
    if tree.duplicates:
        found.append(f"{tree.duplicates} spans came more than once.")
    if tree.cycles:
        found.append(f"{tree.cycles} rings of callers were cut open.")
    return found


def _time(nanoseconds: int) -> str:
    return quantity(nanoseconds / 1e9, "seconds")


def _clock(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}.{at.microsecond // 1000:03}Z"


def _plain(text: str) -> str:
    return "".join(sign if sign.isprintable() else " " for sign in text)
