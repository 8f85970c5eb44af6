"""The PromQL by which service graphs are asked for: a selector, its rate or increase, and their sum by labels."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from simulator.cluster import SimulatedCluster
from simulator.tempo.service_graph import Labels, graph_counters, graph_metrics
from simulator.times import milliseconds_of_duration

_SELECTOR = r"traces_\w+\s*(?:\{[^}]*\})?"
_CALL = (
    rf"(?:(?P<function>rate|increase)\s*\(\s*(?P<ranged>{_SELECTOR})\s*\[(?P<range>\w+)\]\s*\)|(?P<plain>{_SELECTOR}))"
)
_QUERY = re.compile(rf"sum by \((?P<by>[\w\s,]*)\)\s*\(\s*{_CALL}\s*\)|{_CALL.replace('?P<', '?P<bare_')}")
Matchers = list[tuple[str, Callable[[str], bool]]]


@dataclass(frozen=True)
class GraphQuery:
    """A parsed query.

    Attributes:
        selector: metric and matchers, as they were written.
        function: ``rate``, ``increase`` or "".
        range_seconds: over which that function looks back.
        by: the labels that are kept; None where nothing is summed.
    """

    selector: str
    function: str
    range_seconds: int
    by: tuple[str, ...] | None


def parse_graph_query(text: str) -> GraphQuery | None:
    """A query about the service graph's metrics, on one line; None for any other."""
    match = _QUERY.fullmatch(text.strip())
    if match is None:
        return None
    summed = match["by"] is not None
    prefix = "" if summed else "bare_"
    length = match[f"{prefix}range"]
    try:
        seconds = milliseconds_of_duration(length) // 1000 if length else 0
    except ValueError:
        return None
    by = tuple(label.strip() for label in match["by"].split(",") if label.strip()) if summed else None
    selector = match[f"{prefix}ranged"] or match[f"{prefix}plain"]
    return GraphQuery(selector, match[f"{prefix}function"] or "", seconds, by)


def graph_samples(
    cluster: SimulatedCluster, query: GraphQuery, matchers: Matchers, times: npt.NDArray[np.int64]
) -> list[tuple[Labels, npt.NDArray[np.float64]]]:
    """The series of a query at times (Unix seconds, ascending), NaN where there is no sample."""
    found: list[tuple[Labels, npt.NDArray[np.float64]]] = []
    for metric in graph_metrics(cluster):
        if all(holds(metric) for name, holds in matchers if name == "__name__"):
            found += [
                (labels, values)
                for labels, values in _valued(cluster, query, metric, times)
                if all(holds(labels.get(name, "")) for name, holds in matchers if name != "__name__")
                and not np.isnan(values).all()
            ]
    return found if query.by is None else _summed(found, query.by)


def _valued(
    cluster: SimulatedCluster, query: GraphQuery, metric: str, times: npt.NDArray[np.int64]
) -> list[tuple[Labels, npt.NDArray[np.float64]]]:
    if not query.function:
        return graph_counters(cluster, metric, times)
    both = np.unique(np.concatenate([times - query.range_seconds, times]))
    divisor = query.range_seconds if query.function == "rate" else 1
    found = []
    for labels, counts in graph_counters(cluster, metric, both):
        after, before = (counts[np.searchsorted(both, at)] for at in (times, times - query.range_seconds))
        # A counter that fell began anew.
        grown = np.where(after < before, after, after - before)
        found.append(({name: value for name, value in labels.items() if name != "__name__"}, grown / divisor))
    return found


def _summed(
    series: list[tuple[Labels, npt.NDArray[np.float64]]], by: tuple[str, ...]
) -> list[tuple[Labels, npt.NDArray[np.float64]]]:
    groups: defaultdict[tuple[tuple[str, str], ...], list[npt.NDArray[np.float64]]] = defaultdict(list)
    for labels, values in series:
        groups[tuple((name, labels[name]) for name in sorted(by) if name in labels)].append(values)
    found = []
    for key, parts in groups.items():
        stacked = np.array(parts)
        empty = np.isnan(stacked).all(axis=0)
        found.append((dict(key), np.where(empty, np.nan, np.nansum(stacked, axis=0))))
    return found
