"""Many series judged some at a time: whole queries together while they fit, and parts of one that is too large."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from zlib import crc32

from fleet.frames.frame import SeriesKey

SERIES_AT_ONCE = 4096
_SMALL = 4
"""A rest is small that has less than this part of what is allowed."""


@dataclass(frozen=True)
class Block:
    """Some series of a frame.

    Attributes:
        queries: of these, and all of them where ``parts`` is 1.
        part, parts: which of how many parts, where there are too many.
    """

    queries: tuple[str, ...]
    part: int = 0
    parts: int = 1

    @property
    def keep(self) -> Callable[[SeriesKey], bool] | None:
        """Which series of these queries are in this part, the same in every process; None where all are."""
        return None if self.parts == 1 else self._keeps

    def holds(self, key: SeriesKey) -> bool:
        """Whether a series is one of this block."""
        return key.query_id in self.queries and (self.parts == 1 or self._keeps(key))

    def _keeps(self, key: SeriesKey) -> bool:
        # Python's own hash of text is another one in each process: series that are judged together would be, too.
        return crc32("\0".join([value for _, value in key.labels]).encode()) % self.parts == self.part


def blocks_of(series: Mapping[str, int], most: int = SERIES_AT_ONCE) -> Iterator[Block]:
    """Queries with their numbers of series cut into blocks of at most about ``most``, in order."""
    for queries in whole_queries(series, most):
        count = sum(series[query] for query in queries)
        parts = -(-count // most) if count > most + most // _SMALL else 1
        yield from (Block(queries, part, parts) for part in range(parts))


def whole_queries(series: Mapping[str, int], most: int = SERIES_AT_ONCE) -> Iterator[tuple[str, ...]]:
    """The same in whole queries: one that has more stands alone. What compares like series needs all of them.

    What is left at the end joins what came before it where it is small: of few series little can be said.
    """
    groups: list[list[str]] = []
    sizes: list[int] = []
    for query, own in series.items():
        if groups and sizes[-1] + own <= most:
            groups[-1].append(query)
            sizes[-1] += own
        else:
            groups.append([query])
            sizes.append(own)
    if len(groups) > 1 and sizes[-1] < most // _SMALL:
        rest = groups.pop()
        groups[-1] += rest
    yield from (tuple(group) for group in groups)
