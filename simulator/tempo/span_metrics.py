"""``/api/metrics/query_range``: spans counted over time, as recorded from Tempo 3.1."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from simulator.answers import Answer, Request, json_answer
from simulator.cluster import SimulatedCluster
from simulator.tempo.conditions import TraceQlError
from simulator.tempo.documents import any_value
from simulator.tempo.found import stored_traces
from simulator.tempo.parameters import refused
from simulator.tempo.spans import Kind, Status
from simulator.tempo.traceql import Query, parse
from simulator.times import milliseconds_of_duration, milliseconds_of_time

_MAX_MS = 24 * 3600 * 1000
_MAX_POINTS = 10_000
_DEFAULT_POINTS = 60


def query_range(cluster: SimulatedCluster, request: Request) -> Answer:
    """Rates or counts of spans on a grid aligned to its step; a zero is a sample without a value.

    Raises:
        RefusedError: a parameter is wrong (400).
    """
    parsed = _query(request)
    start, end = _window(cluster, request)
    step = _step(request, end - start)
    first = start // step * step
    points = -(-(end - first) // step)
    counts: defaultdict[tuple[Any, ...], list[int]] = defaultdict(lambda: [0] * points)
    if not parsed.by:
        counts[()] = [0] * points
    for trace in stored_traces(cluster, first / 1000, end / 1000):
        for span in trace.spans:
            at = span.start_ns // 1_000_000
            if first <= at < end and parsed.holds(trace, span):
                key = tuple(_shown(field.value(trace, span)) for field in parsed.by)
                counts[key][(at - first) // step] += 1
    scale = 1000 / step if parsed.function == "rate" else 1
    series = []
    for key in sorted(counts, key=str):
        labels = [{"key": str(field), "value": any_value(value)} for field, value in zip(parsed.by, key, strict=True)]
        own = labels or [{"key": "__name__", "value": {"stringValue": parsed.function}}]
        samples = [_sample(first + at * step, count * scale) for at, count in enumerate(counts[key])]
        series.append({"labels": own, "samples": samples})
    return json_answer({"series": series, "metrics": {"completedJobs": 1, "totalJobs": 1}})


def _sample(at: int, value: float) -> dict[str, Any]:
    return {"timestampMs": str(at)} | ({"value": value} if value else {})


def _shown(value: Any) -> Any:
    if value is None:
        return "nil"
    return value.name.lower() if isinstance(value, Status | Kind) else value


def _query(request: Request) -> Query:
    try:
        parsed = parse(request.one("q"))
    except TraceQlError as error:
        raise refused(str(error)) from error
    if not parsed.function:
        raise refused("not a metrics query")
    return parsed


def _window(cluster: SimulatedCluster, request: Request) -> tuple[int, int]:
    """The window in milliseconds; the last hour, or ``since``, where it is not given."""
    end = _time(request, "end", round(cluster.newest() * 1000))
    since = milliseconds_of_duration(request.one("since", "1h"))
    start = _time(request, "start", end - since)
    if end <= start:
        raise refused("end must be greater than start")
    if end - start > _MAX_MS:
        raise refused("metrics query time range exceeds the maximum allowed duration of 24h0m0s")
    return start, end


def _time(request: Request, name: str, default: int) -> int:
    text = request.one(name)
    if not text:
        return default
    if text.isdigit() and len(text) > 13:
        return int(text) // 1_000_000
    try:
        return milliseconds_of_time(text)
    except ValueError as error:
        raise refused(f"invalid {name}: {error}") from error


def _step(request: Request, length: int) -> int:
    text = request.one("step")
    if not text:
        return max(1000, length // _DEFAULT_POINTS // 1000 * 1000)
    try:
        step = milliseconds_of_duration(text)
    except ValueError as error:
        raise refused(f"rpc error: code = Code(400) desc = {error}") from error
    if step <= 0 or length / step > _MAX_POINTS:
        least = length / _MAX_POINTS / 1000
        raise refused(f"step of {step}ms is too small, minimum step for given range is {least:g}s")
    return step
