"""Answers to queries for numbers: an instant's vector or scalar, and a matrix over a window."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from simulator.answers import Request
from simulator.loki.evaluation import Floats, Grid, SeriesKey, Vector, evaluate
from simulator.loki.parameters import NS, Window, check_length, nanoseconds
from simulator.loki.query import Metric, VectorAggregation, log_queries
from simulator.loki.tenants import Logs
from simulator.loki.tokens import QueryError

_MAX_SERIES = 500


def answer_instant(logs: Logs, query: Metric, request: Request) -> tuple[str, list[Any]]:
    """The kind of the result and the result at one time.

    Raises:
        RefusedError: the time cannot be read, or a range is too long (400).
        QueryError: the query cannot be answered.
    """
    at_ns = nanoseconds(request, "time", time.time_ns())
    _check(query, 0)
    value = evaluate(query, Grid(np.array([at_ns], dtype=np.int64), logs.view))
    if isinstance(value, float):
        return "scalar", [at_ns // 1_000_000, number(value)]
    at = at_ns // 1_000_000 / 1000
    at = int(at) if at.is_integer() else at
    found = {key: values for key, values in _limited(value).items() if not np.isnan(values[0])}
    order = sorted(found, key=lambda key: _rank(query, key, found[key]))
    return "vector", [{"metric": dict(key), "value": [at, number(float(found[key][0]))]} for key in order]


def answer_matrix(logs: Logs, query: Metric, window: Window, step_ns: int) -> list[Any]:
    """The series of a window; as Loki's frontend does, its ends are moved outwards to whole steps.

    Raises:
        RefusedError: a range is too long (400).
        QueryError: the query cannot be answered.
    """
    first, last = window.start_ns // step_ns, -(-window.end_ns // step_ns)
    _check(query, (last - first) * step_ns)
    points = np.arange(first, last + 1, dtype=np.int64) * step_ns
    value = evaluate(query, Grid(points, logs.view))
    series: Vector = {(): np.full(len(points), value)} if isinstance(value, float) else _limited(value)
    stamps = [at // 1_000_000 / 1000 if at % NS else at // NS for at in points.tolist()]
    return [{"metric": dict(key), "values": _values(stamps, series[key])} for key in sorted(series)]


def _limited(series: Vector) -> Vector:
    if len(series) > _MAX_SERIES:
        raise QueryError(
            f"maximum number of series ({_MAX_SERIES}) reached for a single query; consider reducing query cardinality "
            "by adding more specific stream selectors, reducing the time range, or aggregating results with functions "
            "like sum(), count() or topk()"
        )
    return series


def _values(stamps: list[float], values: Floats) -> list[list[Any]]:
    return [[at, number(value)] for at, value in zip(stamps, values.tolist(), strict=True) if value == value]


def _check(query: Metric, length_ns: int) -> None:
    check_length(length_ns + max((range_ns for _, range_ns, _ in log_queries(query)), default=0))


def _rank(query: Metric, key: SeriesKey, values: Floats) -> tuple[float, SeriesKey]:
    if isinstance(query, VectorAggregation) and query.function in {"topk", "bottomk"}:
        return (-1.0 if query.function == "topk" else 1.0) * float(values[0]), key
    return 0.0, key


def number(value: float) -> str:
    """A number in Go's shortest plain form."""
    if value != value:
        return "NaN"
    if value in {float("inf"), float("-inf")}:
        return "+Inf" if value > 0 else "-Inf"
    return np.format_float_positional(value, trim="-")
