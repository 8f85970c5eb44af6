"""A log frame: log lines of one answer as columns, in order of time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Labels = dict[str, str]


def nanoseconds(at: datetime) -> int:
    """An aware time as Unix nanoseconds, exactly."""
    since = at - datetime(1970, 1, 1, tzinfo=UTC)
    return ((since.days * 86400 + since.seconds) * 1_000_000 + since.microseconds) * 1000


def time_of(at_ns: int) -> datetime:
    """Unix nanoseconds as a UTC time; what is below a microsecond is cut."""
    return datetime.fromtimestamp(at_ns // 1_000_000_000, tz=UTC).replace(microsecond=at_ns % 1_000_000_000 // 1000)


@dataclass(frozen=True)
class LogFrame:
    """Lines of one cluster, one row each.

    Attributes:
        timestamps_ns: Unix nanoseconds (int64), ascending; lines of one time in the order of their source.
        stream: for each line the index (int32) of its stream.
        streams: label sets.
        lines: the texts, a ``pyarrow.LargeStringArray``.
        metadata: JSON of what belongs to single lines beside their stream (structured metadata), or null; None where
            no line has any.
    """

    timestamps_ns: npt.NDArray[np.int64]
    stream: npt.NDArray[np.int32]
    streams: list[Labels]
    lines: Any
    metadata: Any = None

    def __post_init__(self) -> None:
        count = len(self.timestamps_ns)
        if len(self.stream) != count or len(self.lines) != count:
            raise ValueError(f"columns of {count}, {len(self.stream)} and {len(self.lines)} rows")
        if self.metadata is not None and len(self.metadata) != count:
            raise ValueError(f"{len(self.metadata)} rows of metadata for {count} lines")
        if count > 1 and (np.diff(self.timestamps_ns) < 0).any():
            raise ValueError("lines are not in order of time")

    @classmethod
    def empty(cls) -> LogFrame:
        """No lines."""
        return cls(np.empty(0, np.int64), np.empty(0, np.int32), [], pa.array([], pa.large_string()))

    def __len__(self) -> int:
        return len(self.timestamps_ns)

    @property
    def nbytes(self) -> int:
        """Of memory, the streams' labels aside."""
        extra = 0 if self.metadata is None else self.metadata.nbytes
        return int(self.timestamps_ns.nbytes + self.stream.nbytes + self.lines.nbytes + extra)

    def line(self, row: int) -> str:
        """The text of a row."""
        return str(self.lines[row].as_py())

    def labels(self, row: int) -> Labels:
        """The labels of a row's stream."""
        return self.streams[int(self.stream[row])]

    def slice(self, first: int, last: int) -> LogFrame:
        """Rows ``first`` until before ``last``; shares the memory of this one."""
        rows = slice(first, last)
        metadata = None if self.metadata is None else self.metadata[rows]
        return LogFrame(self.timestamps_ns[rows], self.stream[rows], self.streams, self.lines[rows], metadata)

    def between(self, start_ns: int, end_ns: int) -> LogFrame:
        """Lines from ``start_ns`` until before ``end_ns``."""
        if len(self) and start_ns <= self.timestamps_ns[0] and self.timestamps_ns[-1] < end_ns:
            return self
        first, last = np.searchsorted(self.timestamps_ns, [start_ns, end_ns])
        return self.slice(int(first), int(last))


def concatenate_logs(frames: Sequence[LogFrame]) -> LogFrame:
    """Frames as one in order of time; of one time the earlier frame's lines come first. Equal streams become one."""
    parts = [frame for frame in frames if len(frame)]
    if not parts:
        return LogFrame.empty()
    known: dict[tuple[tuple[str, str], ...], int] = {}
    streams: list[Labels] = []
    columns: list[npt.NDArray[np.int32]] = []
    places_of: dict[int, npt.NDArray[np.int32]] = {}
    for part in parts:
        if id(part.streams) not in places_of:
            places_of[id(part.streams)] = _places(part.streams, known, streams)
        columns.append(places_of[id(part.streams)][part.stream])
    times = np.concatenate([part.timestamps_ns for part in parts])
    stream = np.concatenate(columns)
    lines = pa.concat_arrays([part.lines for part in parts])
    metadata = _joined_metadata(parts)
    if (np.diff(times) < 0).any():
        order = np.argsort(times, kind="stable")
        times, stream, lines = times[order], stream[order], lines.take(pa.array(order))
        metadata = None if metadata is None else metadata.take(pa.array(order))
    return LogFrame(times, stream, streams, lines, metadata)


def _places(
    own: list[Labels], known: dict[tuple[tuple[str, str], ...], int], streams: list[Labels]
) -> npt.NDArray[np.int32]:
    """Where a frame's streams stand among those of all; new ones are appended."""
    places = np.empty(len(own), np.int32)
    for number, labels in enumerate(own):
        key = tuple(sorted(labels.items()))
        if key not in known:
            known[key] = len(streams)
            streams.append(labels)
        places[number] = known[key]
    return places


def _joined_metadata(parts: list[LogFrame]) -> Any:
    if all(part.metadata is None for part in parts):
        return None
    return pa.concat_arrays(
        [pa.nulls(len(part), pa.large_string()) if part.metadata is None else part.metadata for part in parts]
    )
