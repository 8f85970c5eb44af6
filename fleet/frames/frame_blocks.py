"""Many series judged some at a time: whole queries together while they fit, and parts of one that is too large."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from fleet.frames.frame import SeriesKey

SERIES_AT_ONCE = 4096


@dataclass(frozen=True)
class Block:
    """Some series of a frame.

    Attributes:
        queries: of these, and all of them where ``parts`` is 1.
        part, parts: which of how many parts of one large query.
    """

    queries: tuple[str, ...]
    part: int = 0
    parts: int = 1

    def holds(self, key: SeriesKey) -> bool:
        """Whether a series of these queries is in this part; the same in one process, whatever the time."""
        return self.parts == 1 or hash(key.labels) % self.parts == self.part


def blocks_of(series: Mapping[str, int], most: int = SERIES_AT_ONCE) -> Iterator[Block]:
    """Queries with their numbers of series cut into blocks of at most about ``most``, in order."""
    for queries in whole_queries(series, most):
        parts = -(-sum(series[query] for query in queries) // most) if len(queries) == 1 else 1
        yield from (Block(queries, part, max(1, parts)) for part in range(max(1, parts)))


def whole_queries(series: Mapping[str, int], most: int = SERIES_AT_ONCE) -> Iterator[tuple[str, ...]]:
    """The same in whole queries: one that has more stands alone. What compares like series needs all of them."""
    held: list[str] = []
    count = 0
    for query, own in series.items():
        if held and count + own > most:
            yield tuple(held)
            held, count = [], 0
        held.append(query)
        count += own
    if held:
        yield tuple(held)
