"""Streams that clients pushed, kept in memory."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict, deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import RLock

import numpy as np

from simulator.loki.entries import Batch, Bools, Ints, Labels, rank_of

_Key = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Entry:
    """One pushed line: its stream's labels, and what came with it and its level as metadata; both in order of names."""

    labels: Labels
    stamp_ns: int
    line: str
    metadata: Labels


@dataclass
class _Stream:
    labels: Labels
    stamps: list[int] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    metadata: list[int] = field(default_factory=list)
    flushed: int = 0
    known: set[tuple[int, str]] = field(default_factory=set)

    def add(self, stamp_ns: int, line: str, metadata: int) -> bool:
        """Keeps a line behind those of its time and earlier; False where it is there already."""
        if (stamp_ns, line) in self.known:
            return False
        self.known.add((stamp_ns, line))
        end = bisect_right(self.stamps, stamp_ns)
        self.stamps.insert(end, stamp_ns)
        self.lines.insert(end, line)
        self.metadata.insert(end, metadata)
        return True


class PushedLogs:
    """One tenant's pushed streams: a source of entries, and news of what comes in."""

    def __init__(self) -> None:
        self._streams: dict[_Key, _Stream] = {}
        self._in_order: list[_Stream] = []
        self._labels: list[Labels] = []
        self._ranks: list[int] = []
        self._metas: list[Labels] = []
        self._meta_numbers: dict[_Key, int] = {}
        self._feeds: list[deque[Entry]] = []
        self._lock = RLock()

    def push(self, entries: Sequence[Entry]) -> None:
        """Keeps entries; one that is there already, with the same stream, time and text, is not kept twice."""
        with self._lock:
            for entry in entries:
                if self._stream(entry.labels).add(entry.stamp_ns, entry.line, self._meta_number(entry.metadata)):
                    for feed in self._feeds:
                        feed.append(entry)

    def later(self, stamp_ns: int) -> list[Entry]:
        """What is kept already for a time and those after it, in order of time."""
        with self._lock:
            found = [
                Entry(stream.labels, stream.stamps[place], stream.lines[place], self._metas[stream.metadata[place]])
                for stream in self._in_order
                for place in range(bisect_left(stream.stamps, stamp_ns), len(stream.stamps))
            ]
        return sorted(found, key=lambda entry: entry.stamp_ns)

    def flush(self) -> None:
        """Lets the index know what was pushed up to now."""
        with self._lock:
            for stream in self._in_order:
                stream.flushed = len(stream.stamps)

    def flushed(self, chosen: Ints, start_ns: int, end_ns: int) -> tuple[int, int, int]:
        """Streams, entries and bytes of a stretch of time that the index knows of."""
        streams = entries = size = 0
        with self._lock:
            for stream in (self._in_order[number] for number in chosen.tolist()):
                if stream.flushed:
                    first, last = _stretch(stream, start_ns, end_ns)
                    streams += last > first
                    entries += last - first
                    size += sum(len(line.encode()) for line in stream.lines[first:last])
        return streams, entries, size

    @contextmanager
    def heard_by(self, feed: deque[Entry]) -> Iterator[None]:
        """Puts each new entry into ``feed`` meanwhile."""
        with self._lock:
            self._feeds.append(feed)
        try:
            yield
        finally:
            with self._lock:
                self._feeds = [each for each in self._feeds if each is not feed]

    @property
    def lock(self) -> RLock:
        """Nothing comes in while it is held."""
        return self._lock

    @property
    def labels(self) -> Sequence[Labels]:
        """Each stream's index labels."""
        return self._labels

    @property
    def ranks(self) -> Ints:
        """What orders streams at equal times."""
        return np.array(self._ranks, dtype=np.int64)

    def active(self, chosen: Ints, start_ns: int, end_ns: int) -> Bools:
        """Which streams have entries in a stretch."""
        with self._lock:
            stretches = [_stretch(self._in_order[number], start_ns, end_ns) for number in chosen.tolist()]
        return np.array([last > first for first, last in stretches], dtype=np.bool_)

    def edge(self, chosen: Ints, start_ns: int, end_ns: int, count: int, *, backward: bool) -> int:
        """Where the stream that is densest there has ``count`` entries up to the end, or from the beginning."""
        edges = []
        with self._lock:
            for stream in (self._in_order[number] for number in chosen.tolist()):
                first, last = _stretch(stream, start_ns, end_ns)
                if last - first > count:
                    edges.append(stream.stamps[last - count] if backward else stream.stamps[first + count - 1] + 1)
        if backward:
            return max(edges, default=start_ns)
        return min(edges, default=end_ns)

    def batch(self, chosen: Ints, start_ns: int, end_ns: int) -> Batch:
        """The entries of some streams in a stretch."""
        stamps: list[int] = []
        lines: list[str] = []
        metadata: list[int] = []
        streams, orders = [], []
        with self._lock:
            for number in chosen.tolist():
                stream = self._in_order[number]
                first, last = _stretch(stream, start_ns, end_ns)
                stamps += stream.stamps[first:last]
                lines += stream.lines[first:last]
                metadata += stream.metadata[first:last]
                streams.append(np.full(last - first, number, dtype=np.int64))
                orders.append(np.arange(first, last, dtype=np.int64))
            metas = list(self._metas)
        nothing = np.empty(0, dtype=np.int64)
        return Batch(
            np.array(stamps, dtype=np.int64),
            np.concatenate([nothing, *streams]),
            np.concatenate([nothing, *orders]),
            np.array(metadata, dtype=np.int64),
            metas,
            lambda places: [lines[place] for place in places.tolist()],
        )

    def count(self, chosen: Ints, start_ns: int, end_ns: int) -> int:
        """How many entries some streams have in a stretch."""
        with self._lock:
            stretches = [_stretch(self._in_order[number], start_ns, end_ns) for number in chosen.tolist()]
        return sum(last - first for first, last in stretches)

    def _stream(self, labels: Labels) -> _Stream:
        key = tuple(labels.items())
        known = self._streams.get(key)
        if known is None:
            known = self._streams[key] = _Stream(labels)
            self._in_order.append(known)
            self._ranks.append(rank_of(labels))
            # Last, since readers do not wait: what has labels has the rest.
            self._labels.append(labels)
        return known

    def _meta_number(self, metadata: Mapping[str, str]) -> int:
        key = tuple(metadata.items())
        if key not in self._meta_numbers:
            self._meta_numbers[key] = len(self._metas)
            self._metas.append(metadata)
        return self._meta_numbers[key]


def _stretch(stream: _Stream, start_ns: int, end_ns: int) -> tuple[int, int]:
    return bisect_left(stream.stamps, start_ns), bisect_left(stream.stamps, end_ns)


class Pushes:
    """The pushed streams of a cluster's tenants."""

    def __init__(self) -> None:
        self._tenants: defaultdict[str, PushedLogs] = defaultdict(PushedLogs)

    def of(self, tenant: str) -> PushedLogs:
        """What was pushed to a tenant."""
        return self._tenants[tenant]

    def flush(self) -> None:
        """Lets the indexes know what was pushed up to now."""
        for logs in list(self._tenants.values()):
            logs.flush()
