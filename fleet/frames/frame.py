"""A frame: series × time on a regular grid, float32, NaN for a gap."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import numpy.typing as npt

from fleet.frames.window import Window


@dataclass(frozen=True)
class SeriesKey:
    """A series of a frame: the pack query that gave it and its labels, sorted by name."""

    query_id: str
    labels: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, query_id: str, labels: dict[str, str]) -> SeriesKey:
        """The key of a query's answer with these labels."""
        return cls(query_id, tuple(sorted(labels.items())))

    def label(self, name: str) -> str | None:
        """The value of a label, or None."""
        return next((value for key, value in self.labels if key == name), None)


@dataclass(frozen=True)
class Frame:
    """Series of one cluster on one grid.

    Attributes:
        start: time of column 0 (UTC).
        step_seconds: distance of the columns.
        keys: one key a row.
        values: float32 of shape (len(keys), points), C-contiguous; NaN where there is no sample. Infinite
            values of the server are kept as they are.
    """

    start: datetime
    step_seconds: int
    keys: list[SeriesKey]
    values: npt.NDArray[np.float32]

    def __post_init__(self) -> None:
        if self.values.ndim != 2 or self.values.shape[0] != len(self.keys):
            raise ValueError(f"{len(self.keys)} keys for values of shape {self.values.shape}")
        if self.values.dtype != np.float32:
            raise ValueError(f"frames are float32, not {self.values.dtype}")

    @property
    def points(self) -> int:
        """Columns of the grid."""
        return int(self.values.shape[1])

    @property
    def window(self) -> Window:
        """The time that the grid covers."""
        return Window(start=self.start, end=self.start + timedelta(seconds=self.step_seconds * self.points))

    def time_at(self, column: int) -> datetime:
        """The UTC time of a column."""
        return self.start + timedelta(seconds=self.step_seconds * column)

    def timestamps(self) -> npt.NDArray[np.float64]:
        """Unix seconds of the columns, shape (points,)."""
        return self.start.timestamp() + self.step_seconds * np.arange(self.points, dtype=np.float64)

    def rows_of(self, query_id: str) -> list[int]:
        """Row numbers of one query's series."""
        return [row for row, key in enumerate(self.keys) if key.query_id == query_id]

    def select(self, rows: list[int]) -> Frame:
        """A frame of some rows."""
        return Frame(self.start, self.step_seconds, [self.keys[row] for row in rows], self.values[rows])

    def cut(self, window: Window) -> Frame:
        """The columns inside a window; it must start on the grid and lie within the frame."""
        offset = (window.start - self.start).total_seconds() / self.step_seconds
        first, count = round(offset), window.points(self.step_seconds)
        if abs(offset - first) > 1e-6 or first < 0 or first + count > self.points:
            raise ValueError(f"{window.start.isoformat()} .. {window.end.isoformat()} is not on this frame's grid")
        return Frame(
            window.start.astimezone(UTC),
            self.step_seconds,
            self.keys,
            np.ascontiguousarray(self.values[:, first : first + count]),
        )


def seen_at(frame: Frame) -> npt.NDArray[np.int64]:
    """How many series have a sample at each column."""
    return np.asarray(np.isfinite(frame.values).sum(axis=0), dtype=np.int64)


def concatenate(frames: Iterable[Frame], window: Window, step_seconds: int) -> Frame:
    """Frames of chunks joined over a window: the union of their series, NaN where a chunk has none.

    Args:
        frames: frames with this step whose grids lie within the window.
        window: the window of the result, on whose grid the frames lie.
        step_seconds: the step of all frames.
    """
    parts = list(frames)
    order: dict[SeriesKey, int] = {}
    rows_of_parts: list[list[int]] = []
    for before, part in zip([None, *parts], parts, strict=False):
        if before is not None and part.keys == before.keys:
            # Most chunks have the series of the chunk before.
            rows_of_parts.append(rows_of_parts[-1])
        else:
            rows_of_parts.append([order.setdefault(key, len(order)) for key in part.keys])
    values = np.full((len(order), window.points(step_seconds)), np.nan, dtype=np.float32)
    for part, rows in zip(parts, rows_of_parts, strict=True):
        if part.step_seconds != step_seconds:
            raise ValueError(f"a frame of step {part.step_seconds} s among frames of {step_seconds} s")
        first = round((part.start - window.start).total_seconds() / step_seconds)
        values[rows, first : first + part.points] = part.values
    return Frame(window.start.astimezone(UTC), step_seconds, list(order), values)
