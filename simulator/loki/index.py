"""What the index answers without reading lines: labels, series, how much there is."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import numpy as np

from simulator.answers import Request
from simulator.loki.entries import Labels
from simulator.loki.parameters import NS, Window, limit_of, refused, step_of, window_of
from simulator.loki.parser import parse_selector
from simulator.loki.query import Matcher
from simulator.loki.tenants import Logs

_LINE_BYTES = 180
"""Of the story's lines, on average, roughly; the index of a real server is no more exact."""
_CHUNK_ENTRIES = 5000


def label_names(logs: Logs, request: Request) -> list[str]:
    """The names of the labels that streams have."""
    return sorted({name for labels in _streams(logs, request) for name in labels})


def label_values(logs: Logs, request: Request, name: str) -> list[str]:
    """The values of a label."""
    return sorted({labels[name] for labels in _streams(logs, request) if name in labels})


def series(logs: Logs, request: Request) -> list[Labels]:
    """The streams that any ``match[]`` selects; all of them where there is none."""
    window = window_of(request)
    found: dict[tuple[tuple[str, str], ...], Labels] = {}
    for selector in request.parameters.get("match[]", ["{}"]):
        matchers = _matchers(selector, selective=False)
        for labels in logs.view(matchers).streams(window.start_ns, window.end_ns):
            found[tuple(labels.items())] = labels
    return list(found.values())


def detected_labels(logs: Logs, request: Request) -> list[dict[str, Any]]:
    """The labels that streams have, and how many values each."""
    values: defaultdict[str, set[str]] = defaultdict(set)
    for labels in _streams(logs, request):
        for name, value in labels.items():
            values[name].add(value)
    return [{"label": name, "cardinality": len(each)} for name, each in values.items()]


def statistics_of(logs: Logs, request: Request) -> dict[str, int]:
    """How much the index knows of, roughly; what was pushed is in it only after a flush."""
    matchers, window = _matchers(request.one("query")), window_of(request)
    entries = logs.told(matchers).estimate(window.start_ns, window.end_ns)
    streams = len(logs.told(matchers).streams(window.start_ns, window.end_ns))
    pushed, flushed, size = logs.flushed(matchers, window.start_ns, window.end_ns)
    chunks = max(streams, entries // _CHUNK_ENTRIES) + max(pushed, flushed // _CHUNK_ENTRIES)
    return {
        "streams": streams + pushed,
        "chunks": chunks,
        "bytes": entries * _LINE_BYTES + size,
        "entries": entries + flushed,
    }


def volume(logs: Logs, request: Request) -> list[dict[str, Any]]:
    """Bytes by the labels that the selector names, or by those that ``targetLabels`` does; the largest first."""
    window = window_of(request)
    at = round(window.end_ns / NS) if window.end_ns % NS == 0 else round(window.end_ns / NS, 3)
    sizes = _sizes(logs, request, window)
    return [{"metric": dict(key), "value": [at, str(size)]} for key, size in _largest(request, sizes)]


def volume_range(logs: Logs, request: Request) -> list[dict[str, Any]]:
    """The same for each step."""
    window = window_of(request)
    step_ns = step_of(request, window)
    points: defaultdict[tuple[tuple[str, str], ...], list[list[Any]]] = defaultdict(list)
    totals: defaultdict[tuple[tuple[str, str], ...], int] = defaultdict(int)
    for slot in range(window.start_ns // step_ns, -(-window.end_ns // step_ns)):
        begin, end = max(slot * step_ns, window.start_ns), min((slot + 1) * step_ns, window.end_ns)
        for key, size in _sizes(logs, request, Window(begin, end)).items():
            points[key].append([((slot + 1) * step_ns - 1_000_000) / NS, str(size)])
            totals[key] += size
    return [{"metric": dict(key), "values": points[key]} for key, _ in _largest(request, totals)]


def _largest(
    request: Request, sizes: dict[tuple[tuple[str, str], ...], int]
) -> list[tuple[tuple[tuple[str, str], ...], int]]:
    return sorted(sizes.items(), key=lambda each: (-each[1], each[0]))[: limit_of(request)]


def _sizes(logs: Logs, request: Request, window: Window) -> dict[tuple[tuple[str, str], ...], int]:
    matchers = _matchers(request.one("query"))
    target = request.one("targetLabels")
    names = target.split(",") if target else [each.name for each in matchers]
    view = logs.view(matchers)
    sizes: defaultdict[tuple[tuple[str, str], ...], int] = defaultdict(int)
    for batch in view.everything(window.start_ns, window.end_ns):
        streams, counts = np.unique(batch.streams, return_counts=True)
        for stream, count in zip(streams.tolist(), counts.tolist(), strict=True):
            labels = view.labels(stream)
            sizes[tuple((name, labels[name]) for name in names if name in labels)] += count * _LINE_BYTES
    sizes.pop((), None)
    return sizes


def _streams(logs: Logs, request: Request) -> list[Labels]:
    window = window_of(request)
    query = request.one("query")
    return logs.view(_matchers(query) if query else ()).streams(window.start_ns, window.end_ns)


def _matchers(text: str, *, selective: bool = True) -> tuple[Matcher, ...]:
    """The matchers of a selector.

    Raises:
        QueryError: it cannot be read.
        RefusedError: more than a selector stands there (400).
    """
    query = parse_selector(text, selective=selective)
    if query.stages:
        raise refused("only label matchers are supported")
    return query.matchers
