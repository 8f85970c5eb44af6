"""Numbers made of lines: counts and rates over ranges, and sums of them, at the points of a grid of times."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from simulator.loki.entries import Batch, Ints, Labels
from simulator.loki.extraction import ERROR
from simulator.loki.pipeline import Pipeline, refused_for_errors
from simulator.loki.query import (
    Arithmetic,
    Grouping,
    Literal,
    LogQuery,
    Matcher,
    Metric,
    RangeAggregation,
    VectorAggregation,
)
from simulator.loki.tokens import QueryError
from simulator.loki.view import View

Floats = npt.NDArray[np.float64]
SeriesKey = tuple[tuple[str, str], ...]
Vector = dict[SeriesKey, Floats]
"""Values of series by their labels in order, one for each point of the grid, NaN where there is none."""
_NS = 1_000_000_000


@dataclass(frozen=True)
class Grid:
    """The times at which a query is evaluated, in nanoseconds, and where its lines are found."""

    points: Ints
    view: Callable[[tuple[Matcher, ...]], View]


def evaluate(query: Metric, grid: Grid) -> Vector | float:
    """The value of a query: series, or a number.

    Raises:
        QueryError: lines could not be parsed, or there are too many series.
    """
    if isinstance(query, Literal):
        return {(): np.full(len(grid.points), query.value)} if query.vector else query.value
    if isinstance(query, RangeAggregation):
        return _over_range(query, grid)
    if isinstance(query, VectorAggregation):
        if query.function == "sum" and isinstance(query.inner, RangeAggregation):
            # The same, without each stream as a series of its own.
            return _over_range(query.inner, grid, lambda key: _kept(key, query.grouping))
        inner = evaluate(query.inner, grid)
        if isinstance(inner, float):
            raise QueryError(f"parse error : unexpected type for operand of {query.function}")
        return _aggregated(query, inner)
    return _calculated(query, grid)


def _over_range(query: RangeAggregation, grid: Grid, kept: Callable[[SeriesKey], SeriesKey] | None = None) -> Vector:
    of_bytes = query.function.startswith("bytes")
    stamps, sizes = _samples(query.query, grid, query.range_ns, kept or (lambda key: key), of_bytes=of_bytes)
    seconds = query.range_ns / _NS if query.function.endswith("rate") else 1.0
    found: Vector = {}
    for key, times in stamps.items():
        # A range is open at its beginning: (t - range, t].
        lasts = np.searchsorted(times, grid.points, "right")
        firsts = np.searchsorted(times, grid.points - query.range_ns, "right")
        sums = np.concatenate([[0], np.cumsum(sizes[key])]) if of_bytes else np.arange(len(times) + 1)
        values = (sums[lasts] - sums[firsts]) / seconds
        values[lasts == firsts] = np.nan
        if not np.isnan(values).all():
            found[key] = values
    return found


def _samples(
    query: LogQuery, grid: Grid, range_ns: int, kept: Callable[[SeriesKey], SeriesKey], *, of_bytes: bool
) -> tuple[dict[SeriesKey, Ints], dict[SeriesKey, Ints]]:
    """The times of the lines of each series, in order, and their sizes in bytes where these are wanted."""
    view, pipeline = grid.view(query.matchers), Pipeline(query)
    times: defaultdict[SeriesKey, list[Ints]] = defaultdict(list)
    sizes: defaultdict[SeriesKey, list[Ints]] = defaultdict(list)
    keys: dict[tuple[int, int], SeriesKey] = {}
    for batch in view.everything(int(grid.points[0]) - range_ns + 1, int(grid.points[-1]) + 1):
        texts = batch.texts(np.arange(len(batch))) if of_bytes or not pipeline.empty else []
        groups = (
            _by_origin(view, pipeline, batch, texts, keys) if pipeline.plain else _parsed(view, pipeline, batch, texts)
        )
        for key, places in groups:
            times[kept(key)].append(batch.stamps[places])
            if of_bytes:
                lengths = [len(texts[place].encode()) for place in places.tolist()]
                sizes[kept(key)].append(np.array(lengths, dtype=np.int64))
    joined = {key: np.concatenate(parts) for key, parts in times.items()}
    orders = {key: np.argsort(stamps, kind="stable") for key, stamps in joined.items()}
    return (
        {key: stamps[orders[key]] for key, stamps in joined.items()},
        {key: np.concatenate(parts)[orders[key]] for key, parts in sizes.items()},
    )


def _by_origin(
    view: View, pipeline: Pipeline, batch: Batch, texts: list[str], keys: dict[tuple[int, int], SeriesKey]
) -> Iterator[tuple[SeriesKey, Ints]]:
    """The places of a batch's lines that pass, by stream and metadata; ``keys`` remembers those that were seen."""
    places = np.arange(len(batch))
    if not pipeline.empty:
        places = np.array([place for place, text in enumerate(texts) if pipeline.tests(text)], dtype=np.int64)
    codes = batch.streams[places] * len(batch.metas) + batch.metadata[places]
    order = np.argsort(codes, kind="stable")
    found, firsts = np.unique(codes[order], return_index=True)
    for code, own in zip(found.tolist(), np.split(places[order], firsts[1:]), strict=False):
        stream, number = divmod(code, len(batch.metas))
        metadata = batch.metas[number]
        origin = (stream, id(metadata))
        if origin not in keys:
            keys[origin] = _key({**view.labels(stream), **metadata})
        yield keys[origin], own


def _parsed(view: View, pipeline: Pipeline, batch: Batch, texts: list[str]) -> Iterator[tuple[SeriesKey, Ints]]:
    """The places of a batch's lines that pass, by all labels."""
    groups: defaultdict[SeriesKey, list[int]] = defaultdict(list)
    for place, text in enumerate(texts):
        stream, metadata = view.labels(int(batch.streams[place])), batch.metas[int(batch.metadata[place])]
        parsed = pipeline.run(text, stream, metadata)
        if parsed is not None:
            labels = {**stream, **metadata, **parsed}
            if ERROR in parsed:
                raise QueryError(refused_for_errors(labels))
            groups[_key(labels)].append(place)
    for key, places in groups.items():
        yield key, np.array(places, dtype=np.int64)


def _key(labels: Labels) -> SeriesKey:
    return tuple(sorted(labels.items()))


def _aggregated(query: VectorAggregation, inner: Vector) -> Vector:
    if query.function in {"topk", "bottomk"}:
        return _ranked(query, inner)
    groups: defaultdict[SeriesKey, list[Floats]] = defaultdict(list)
    for key, values in inner.items():
        groups[_kept(key, query.grouping)].append(values)
    combine = _COMBINED[query.function]
    found: Vector = {}
    for key, rows in groups.items():
        stacked = np.stack(rows)
        values = combine(stacked)
        values[np.isnan(stacked).all(axis=0)] = np.nan
        found[key] = values
    return found


def _kept(key: SeriesKey, grouping: Grouping | None) -> SeriesKey:
    if grouping is None:
        return ()
    return tuple(pair for pair in key if (pair[0] in grouping.names) != grouping.without)


def _ranked(query: VectorAggregation, inner: Vector) -> Vector:
    """At each point the highest or lowest so many of each group."""
    sign = -1.0 if query.function == "topk" else 1.0
    groups: defaultdict[SeriesKey, list[SeriesKey]] = defaultdict(list)
    for key in inner:
        groups[_kept(key, query.grouping)].append(key)
    found: Vector = {}
    for keys in groups.values():
        stacked = np.stack([inner[key] for key in keys])
        places = np.argsort(sign * stacked, axis=0, kind="stable")
        kept = np.zeros(stacked.shape, dtype=np.bool_)
        np.put_along_axis(kept, places[: query.number], True, axis=0)
        for key, values, chosen in zip(keys, stacked, kept, strict=True):
            if (chosen & ~np.isnan(values)).any():
                found[key] = np.where(chosen, values, np.nan)
    return found


def _calculated(query: Arithmetic, grid: Grid) -> Vector | float:
    left, right = evaluate(query.left, grid), evaluate(query.right, grid)
    calculate = _CALCULATED[query.operator]
    with np.errstate(divide="ignore", invalid="ignore"):
        if isinstance(left, float) and isinstance(right, float):
            return float(calculate(np.float64(left), np.float64(right)))
        if isinstance(left, float):
            return {key: calculate(left, values) for key, values in right.items()} if isinstance(right, dict) else right
        if isinstance(right, float):
            return {key: calculate(values, right) for key, values in left.items()}
        both = left.keys() & right.keys()
        return {key: calculate(left[key], right[key]) for key in left if key in both}


_COMBINED: dict[str, Callable[[Floats], Floats]] = {
    "sum": lambda rows: np.nansum(rows, axis=0),
    "avg": lambda rows: np.nansum(rows, axis=0) / np.maximum(np.sum(~np.isnan(rows), axis=0), 1),
    "min": lambda rows: np.min(np.where(np.isnan(rows), np.inf, rows), axis=0),
    "max": lambda rows: np.max(np.where(np.isnan(rows), -np.inf, rows), axis=0),
    "count": lambda rows: np.sum(~np.isnan(rows), axis=0).astype(np.float64),
}
_CALCULATED: dict[str, Callable[..., Floats]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
}
