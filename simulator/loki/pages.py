"""Pages of lines: the newest or oldest so many of all streams of a selector."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from simulator.loki.entries import Batch, Labels
from simulator.loki.pipeline import Pipeline
from simulator.loki.view import View

_SPARE = 4
"""Where lines are thrown away, so many times as many are looked at, at first."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a page: its time, its text, its stream, what was stored with it, what was parsed from it."""

    stamp_ns: int
    text: str
    stream: int
    metadata: Labels
    parsed: dict[str, str] | None


def page_of(view: View, pipeline: Pipeline, start_ns: int, end_ns: int, limit: int, *, backward: bool) -> list[Line]:
    """The first lines of a stretch of time, or backward the last ones, in the order in which they come.

    The limit cuts by time over all streams; of lines of the same time, those of one stream come together, and it
    may cut between them.
    """
    found: list[Line] = []
    count = limit if pipeline.empty else _SPARE * limit
    for batch in view.batches(start_ns, end_ns, count, backward=backward):
        if pipeline.empty:
            batch = batch.at(np.arange(min(len(batch), limit - len(found))))
        for line in _passing(view, pipeline, batch):
            found.append(line)
            if len(found) == limit:
                return found
    return found


def _passing(view: View, pipeline: Pipeline, batch: Batch) -> Iterator[Line]:
    metas = batch.metas
    texts = batch.texts(np.arange(len(batch)))
    columns = zip(batch.stamps.tolist(), texts, batch.streams.tolist(), batch.metadata.tolist(), strict=True)
    for stamp_ns, text, stream, metadata in columns:
        if pipeline.plain:
            if pipeline.tests(text):
                yield Line(stamp_ns, text, stream, metas[metadata], None)
            continue
        parsed = pipeline.run(text, view.labels(stream), metas[metadata])
        if parsed is not None:
            yield Line(stamp_ns, text, stream, metas[metadata], parsed)


def as_streams(view: View, lines: list[Line], *, categorize: bool) -> list[dict[str, object]]:
    """The lines of a page as Loki's ``streams``, ordered by labels.

    Args:
        view: where the lines are from.
        lines: the page.
        categorize: whether metadata and parsed labels stand beside each line rather than among the stream's labels.
    """
    groups: dict[tuple[object, ...], list[list[object]]] = {}
    labels: dict[tuple[object, ...], Labels] = {}
    for line in lines:
        key: tuple[object, ...] = (line.stream,)
        entry: list[object] = [str(line.stamp_ns), line.text]
        if categorize:
            told = {"structuredMetadata": line.metadata, "parsed": line.parsed}
            entry.append({name: dict(sorted(value.items())) for name, value in told.items() if value})
        else:
            key = (line.stream, id(line.metadata), tuple(sorted(line.parsed.items())) if line.parsed else None)
        group = groups.get(key)
        if group is None:
            group = groups[key] = []
            labels[key] = _labels_of(view, line, categorize=categorize)
        group.append(entry)
    return [
        {"stream": labels[key], "values": groups[key]} for key in sorted(groups, key=lambda each: _order(labels[each]))
    ]


def _labels_of(view: View, line: Line, *, categorize: bool) -> Labels:
    labels = dict(view.labels(line.stream))
    if not categorize:
        labels |= {**line.metadata, **(line.parsed or {})}
    return dict(sorted(labels.items()))


def _order(labels: Labels) -> list[tuple[str, str]]:
    return list(labels.items())
