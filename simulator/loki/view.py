"""The streams that a selector chooses, of all sources, and their entries in order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from simulator.loki.entries import Batch, Ints, Labels, Source, joined
from simulator.loki.query import Matcher

_MOST_ENTRIES = 400_000
"""Entries looked at in one go."""


class View:
    """What selectors see of their sources; streams are numbered over all of them."""

    def __init__(self, parts: Sequence[tuple[Source, Sequence[Matcher]]]) -> None:
        self._parts: list[tuple[Source, Ints]] = []
        self._firsts: list[int] = [0]
        ranks = [np.empty(0, dtype=np.int64)]
        for source, matchers in parts:
            # Streams may be added meanwhile.
            labels = list(source.labels)
            self._parts.append((source, matching(labels, matchers)))
            self._firsts.append(self._firsts[-1] + len(labels))
            ranks.append(source.ranks[: len(labels)])
        self._ranks = np.concatenate(ranks)

    def labels(self, stream: int) -> Labels:
        """A stream's index labels."""
        part = int(np.searchsorted(self._firsts, stream, "right")) - 1
        return self._parts[part][0].labels[stream - self._firsts[part]]

    def streams(self, start_ns: int, end_ns: int) -> list[Labels]:
        """The labels of the streams that have something in a stretch of time."""
        found: list[Labels] = []
        for source, chosen in self._parts:
            found += (source.labels[each] for each in chosen[source.active(chosen, start_ns, end_ns)].tolist())
        return found

    def estimate(self, start_ns: int, end_ns: int) -> int:
        """About how many entries a stretch of time has."""
        return sum(source.count(chosen, start_ns, end_ns) for source, chosen in self._parts)

    def batches(self, start_ns: int, end_ns: int, count: int, *, backward: bool) -> Iterator[Batch]:
        """The entries of a stretch of time piece by piece, each piece in order, from one end on.

        The first piece has about ``count`` entries, each further one about twice as many as the one before. Entries
        of the same time are never in two pieces. Backward, all is reversed but which stream comes first at a time.
        """
        while start_ns < end_ns:
            cut = self._cut(start_ns, end_ns, count, backward=backward)
            piece = (cut, end_ns) if backward else (start_ns, cut)
            yield self._batch(*piece, backward=backward)
            start_ns, end_ns = (start_ns, cut) if backward else (cut, end_ns)
            count = min(2 * count, _MOST_ENTRIES)

    def everything(self, start_ns: int, end_ns: int) -> Iterator[Batch]:
        """All entries of a stretch of time, forward."""
        return self.batches(start_ns, end_ns, _MOST_ENTRIES, backward=False)

    def _cut(self, start_ns: int, end_ns: int, count: int, *, backward: bool) -> int:
        edges = [
            source.edge(chosen, start_ns, end_ns, count, backward=backward)
            for source, chosen in self._parts
            if len(chosen)
        ]
        if backward:
            return min(max(edges, default=start_ns), end_ns - 1)
        return max(min(edges, default=end_ns), start_ns + 1)

    def _batch(self, start_ns: int, end_ns: int, *, backward: bool) -> Batch:
        batches = [
            (first, source.batch(chosen, start_ns, end_ns))
            for first, (source, chosen) in zip(self._firsts, self._parts, strict=False)
            if len(chosen)
        ]
        batch = joined(batches)
        way = -1 if backward else 1
        return batch.at(np.lexsort((way * batch.orders, self._ranks[batch.streams], way * batch.stamps)))


def matching(streams: Sequence[Labels], matchers: Sequence[Matcher]) -> Ints:
    """The numbers of the streams whose labels fulfil all matchers."""
    conditions = [(each.name, each.holds) for each in matchers]
    found = [
        number
        for number, labels in enumerate(streams)
        if all(holds(labels.get(name, "")) for name, holds in conditions)
    ]
    return np.array(found, dtype=np.int64)
