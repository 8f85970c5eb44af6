"""Many series stored, read and judged some at a time: whole queries together, and parts of one that is too large.

A part is told by a hash of a series' labels, the same in every process, and the number of parts is a power of two: a
part of few is several whole parts of many. So the groups of rows in which chunks are stored are blocks, too, and a
block is read without the rest of its query, however many series the query had in each chunk.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol
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
        part, parts: which of how many parts (a power of two), where there are too many.
    """

    queries: tuple[str, ...]
    part: int = 0
    parts: int = 1

    def holds(self, key: SeriesKey) -> bool:
        """Whether a series is one of this block."""
        return key.query_id in self.queries and (self.parts == 1 or _hash(key) % self.parts == self.part)

    def meets(self, group: Block) -> bool:
        """Whether a series may be in this block and in another one."""
        fewer = min(self.parts, group.parts)
        return self.part % fewer == group.part % fewer and not set(self.queries).isdisjoint(group.queries)

    def covers(self, group: Block) -> bool:
        """Whether all series of another block are in this one."""
        return self.parts <= group.parts and self.meets(group) and set(group.queries) <= set(self.queries)


class Selection(Protocol):
    """Which series are read: those of a block, or some by name."""

    def holds(self, key: SeriesKey) -> bool:
        """Whether a series is wanted."""

    def meets(self, group: Block) -> bool:
        """Whether any series of a block may be wanted."""

    def covers(self, group: Block) -> bool:
        """Whether all of them are."""


class Named:
    """A few series by their keys."""

    def __init__(self, keys: Iterable[SeriesKey]) -> None:
        self._keys = frozenset(keys)
        self._hashes = {(key.query_id, _hash(key)) for key in self._keys}

    def holds(self, key: SeriesKey) -> bool:
        """Whether a series is one of them."""
        return key in self._keys

    def meets(self, group: Block) -> bool:
        """Whether any of them is in a block."""
        return any(query in group.queries and number % group.parts == group.part for query, number in self._hashes)

    def covers(self, group: Block) -> bool:
        """Whether they are known to be all that a block has: never."""
        return False


def blocks_of(series: Mapping[str, int], most: int = SERIES_AT_ONCE) -> Iterator[Block]:
    """Queries with their numbers of series cut into blocks of at most about ``most``, in order."""
    for queries in whole_queries(series, most):
        count = sum(series[query] for query in queries)
        parts = 1 << (-(-count // most) - 1).bit_length() if count > most + most // _SMALL else 1
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


def rows_by_block(blocks: Sequence[Block], keys: Sequence[SeriesKey]) -> list[list[int]]:
    """For each of some blocks, of those that ``blocks_of`` gave, which rows it holds, rising."""
    parts = {query: block.parts for block in blocks for query in block.queries}
    rows: list[list[int]] = [[] for _ in blocks]
    of_part = {(query, block.part): own for block, own in zip(blocks, rows, strict=True) for query in block.queries}
    for row, key in enumerate(keys):
        count = parts.get(key.query_id, 1)
        part = _hash(key) % count if count > 1 else 0
        if (own := of_part.get((key.query_id, part))) is not None:
            own.append(row)
    return rows


def _hash(key: SeriesKey) -> int:
    # Python's own hash of text is another one in each process: series that are judged together would be, too.
    return crc32("\0".join([value for _, value in key.labels]).encode())
