"""Log entries by the thousand: times and places as columns, texts made when they are asked for."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol
from zlib import crc32

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Labels = Mapping[str, str]
Texts = Callable[[Ints], list[str]]


@dataclass(frozen=True)
class Batch:
    """Entries in any order.

    Attributes:
        stamps: times in nanoseconds.
        streams: which stream of the source each is of.
        orders: their order within a stream where times are equal.
        metadata: which of ``metas`` each has.
        metas: sets of structured metadata.
        texts: the lines at some places of the batch.
    """

    stamps: Ints
    streams: Ints
    orders: Ints
    metadata: Ints
    metas: Sequence[Labels]
    texts: Texts

    def __len__(self) -> int:
        return len(self.stamps)

    def at(self, places: Ints) -> Batch:
        """The entries at some places, in their order."""
        return Batch(
            self.stamps[places],
            self.streams[places],
            self.orders[places],
            self.metadata[places],
            self.metas,
            lambda chosen: self.texts(places[chosen]),
        )


class Source(Protocol):
    """Streams and their entries; ``end_ns`` is never part of a stretch of time."""

    @property
    def labels(self) -> Sequence[Labels]:
        """Each stream's index labels."""

    @property
    def ranks(self) -> Ints:
        """Numbers by which streams are told apart where entries have equal times."""

    def active(self, chosen: Ints, start_ns: int, end_ns: int) -> Bools:
        """Which of some streams have entries in a stretch, or may have."""

    def edge(self, chosen: Ints, start_ns: int, end_ns: int, count: int, *, backward: bool) -> int:
        """Where a stretch must be cut to have about ``count`` entries at its end (``backward``) or beginning."""

    def batch(self, chosen: Ints, start_ns: int, end_ns: int) -> Batch:
        """The entries of some streams in a stretch."""

    def count(self, chosen: Ints, start_ns: int, end_ns: int) -> int:
        """About how many entries some streams have in a stretch."""


def label_string(labels: Labels) -> str:
    """Labels as Loki writes them: ``{app="x", ns="y"}``."""
    return "{" + ", ".join(f"{name}={json.dumps(labels[name])}" for name in sorted(labels)) + "}"


def rank_of(labels: Labels) -> int:
    """A stream's rank among those with entries of the same time: no order that means anything, but always the same."""
    return crc32(label_string(labels).encode()) ^ 0xFFFFFFFF


def joined(batches: Sequence[tuple[int, Batch]]) -> Batch:
    """Several sources' batches as one; each comes with the number of its first stream."""
    if len(batches) == 1 and batches[0][0] == 0:
        return batches[0][1]
    ends = np.cumsum([len(batch) for _, batch in batches])
    metas: list[Labels] = []
    metadata = []
    for _, batch in batches:
        metadata.append(batch.metadata + len(metas))
        metas += batch.metas

    def texts(places: Ints) -> list[str]:
        lines = [""] * len(places)
        owners = np.searchsorted(ends, places, "right")
        for number, (_, batch) in enumerate(batches):
            own = np.flatnonzero(owners == number)
            begin = int(ends[number]) - len(batch)
            for place, line in zip(own.tolist(), batch.texts(places[own] - begin), strict=True):
                lines[place] = line
        return lines

    return Batch(
        _whole(batch.stamps for _, batch in batches),
        _whole(batch.streams + first for first, batch in batches),
        _whole(batch.orders for _, batch in batches),
        _whole(metadata),
        metas,
        texts,
    )


def _whole(parts: Iterable[Ints]) -> Ints:
    return np.concatenate([np.empty(0, dtype=np.int64), *parts])
