"""Pages of lines: the newest or oldest so many of all streams of a selector."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from simulator.loki.entries import Batch, Ints, Labels
from simulator.loki.pipeline import Pipeline
from simulator.loki.view import View

_SPARE = 4
"""Where lines are thrown away, so many times as many are looked at, at first."""
_NOTHING: dict[str, str] = {}
_Origin = tuple[int, int]
"""A stream, and which set of metadata."""


@dataclass
class Page:
    """Lines in the order in which they come, column by column.

    Attributes:
        stamps: times in nanoseconds.
        texts: the lines.
        origins: each line's stream, and a number for its metadata.
        parsed: the labels parsed from each line; empty where nothing is parsed.
        metas: metadata by their numbers.
    """

    view: View
    stamps: list[int] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    origins: list[_Origin] = field(default_factory=list)
    parsed: list[dict[str, str]] = field(default_factory=list)
    metas: dict[int, Labels] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.stamps)

    def lines(self) -> Iterator[tuple[int, str, Labels, Labels, Labels]]:
        """Each line's time, text, stream, metadata and parsed labels."""
        for place, (stamp_ns, text, (stream, meta)) in enumerate(
            zip(self.stamps, self.texts, self.origins, strict=True)
        ):
            parsed = self.parsed[place] if self.parsed else _NOTHING
            yield stamp_ns, text, self.view.labels(stream), self.metas[meta], parsed

    def take(self, batch: Batch, places: list[int], texts: list[str], parsed: list[dict[str, str]]) -> None:
        """Adds the lines at some places of a batch."""
        chosen = batch.at(np.array(places, dtype=np.int64))
        numbers = [id(meta) for meta in batch.metas]
        self.metas.update(zip(numbers, batch.metas, strict=True))
        self.stamps += chosen.stamps.tolist()
        self.texts += texts
        self.parsed += parsed
        self.origins += zip(chosen.streams.tolist(), (numbers[each] for each in chosen.metadata.tolist()), strict=True)


def page_of(view: View, pipeline: Pipeline, start_ns: int, end_ns: int, limit: int, *, backward: bool) -> Page:
    """The first lines of a stretch of time, or backward the last ones, in the order in which they come.

    The limit cuts by time over all streams; of lines of the same time, those of one stream come together, and it
    may cut between them.
    """
    page = Page(view)
    count = limit if pipeline.empty else _SPARE * limit
    for batch in view.batches(start_ns, end_ns, count, backward=backward):
        _add(page, pipeline, batch, limit - len(page))
        if len(page) == limit:
            break
    return page


def _add(page: Page, pipeline: Pipeline, batch: Batch, lacking: int) -> None:
    if pipeline.empty:
        places = np.arange(min(len(batch), lacking))
        page.take(batch, places.tolist(), batch.texts(places), [])
        return
    taken: list[int] = []
    parsed: list[dict[str, str]] = []
    texts: list[str] = []
    places = _possible(page.view, pipeline, batch)
    origins = zip(batch.streams[places].tolist(), batch.metadata[places].tolist(), strict=True)
    for place, text, (stream, meta) in zip(places.tolist(), batch.texts(places), origins, strict=True):
        if len(taken) == lacking:
            break
        found = pipeline.run(text, page.view.labels(stream), batch.metas[meta])
        if found is not None:
            taken.append(place)
            texts.append(text)
            parsed.append(found)
    page.take(batch, taken, texts, parsed)


def _possible(view: View, pipeline: Pipeline, batch: Batch) -> Ints:
    """The places of the lines that are not hopeless by their labels alone: making the others' texts takes long."""
    kinds = batch.streams * len(batch.metas) + batch.metadata
    distinct, of_each = np.unique(kinds, return_inverse=True)
    hopes = [
        not pipeline.hopeless(view.labels(kind // len(batch.metas)), batch.metas[kind % len(batch.metas)])
        for kind in distinct.tolist()
    ]
    return np.flatnonzero(np.array(hopes, dtype=np.bool_)[of_each])


def as_streams(page: Page, *, categorize: bool) -> list[dict[str, object]]:
    """The lines of a page as Loki's ``streams``, ordered by labels.

    Args:
        page: the page.
        categorize: whether metadata and parsed labels stand beside each line rather than among the stream's labels.
    """
    if categorize:
        groups = _categorized(page)
    elif any(page.parsed):
        groups = defaultdict(list)
        for stamp_ns, text, stream, metadata, parsed in page.lines():
            groups[_key({**stream, **metadata, **parsed})].append([str(stamp_ns), text])
    else:
        groups = _plain(page)
    return [{"stream": dict(key), "values": groups[key]} for key in sorted(groups)]


_Key = tuple[tuple[str, str], ...]
_Groups = defaultdict[_Key, list[list[object]]]


def _key(labels: Labels) -> _Key:
    return tuple(sorted(labels.items()))


def _plain(page: Page) -> _Groups:
    """The lines by stream and metadata alone."""
    by_origin: defaultdict[_Origin, list[list[object]]] = defaultdict(list)
    for stamp_ns, text, origin in zip(page.stamps, page.texts, page.origins, strict=True):
        by_origin[origin].append([str(stamp_ns), text])
    groups: _Groups = defaultdict(list)
    for (stream, meta), entries in by_origin.items():
        groups[_key({**page.view.labels(stream), **page.metas[meta]})] += entries
    return groups


def _categorized(page: Page) -> _Groups:
    groups: _Groups = defaultdict(list)
    for stamp_ns, text, stream, metadata, parsed in page.lines():
        told = {"structuredMetadata": metadata, "parsed": parsed}
        beside = {name: dict(sorted(labels.items())) for name, labels in told.items() if labels}
        groups[_key(stream)].append([str(stamp_ns), text, beside])
    return groups
