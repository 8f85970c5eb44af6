"""Windows of time, cut into aligned chunks so that retries, reruns and overlapping scans ask for the same pieces."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, model_validator

SETTLE = timedelta(minutes=2)
"""Samples younger than this may still be on their way: scrapes are late, remote writes batch."""
CHUNK = timedelta(hours=1)
HISTORY_CHUNK = timedelta(days=1)
"""At the history's step of 5 minutes, an hour would be 12 points: too small for an object of its own."""
STEP_SECONDS = 30
HISTORY_STEP_SECONDS = 300
HISTORY = timedelta(days=14)


def floor_time(at: datetime, to: timedelta) -> datetime:
    """The latest multiple of ``to`` since the epoch that is not after ``at``, in UTC."""
    seconds = to.total_seconds()
    return datetime.fromtimestamp(at.timestamp() // seconds * seconds, tz=UTC)


class Window(BaseModel):
    """A stretch of time, ``start`` inclusive and ``end`` exclusive, both UTC."""

    model_config = ConfigDict(frozen=True)

    start: AwareDatetime
    end: AwareDatetime

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.end <= self.start:
            raise ValueError(f"a window ends after it starts: {self.start.isoformat()} .. {self.end.isoformat()}")
        return self

    @classmethod
    def before(cls, end: datetime, last: timedelta) -> Self:
        """The window of length ``last`` that ends at ``end``."""
        return cls(start=end.astimezone(UTC) - last, end=end.astimezone(UTC))

    @classmethod
    def of_scan(cls, scheduled_start: datetime, last: timedelta) -> Self:
        """A scan's window: it ends on the last full hour that had time to settle before the run's scheduled start."""
        return cls.before(floor_time(scheduled_start - SETTLE, CHUNK), last)

    @property
    def seconds(self) -> float:
        """Length in seconds."""
        return (self.end - self.start).total_seconds()

    def contains(self, at: datetime) -> bool:
        """Whether a time lies inside."""
        return self.start <= at < self.end

    def overlaps(self, other: Window) -> bool:
        """Whether two windows share any time."""
        return self.start < other.end and other.start < self.end

    def chunks(self, length: timedelta = CHUNK) -> Iterator[Window]:
        """The aligned chunks that cover the window; the first and the last are cut at the window's own ends."""
        start = self.start
        while start < self.end:
            end = min(floor_time(start, length) + length, self.end)
            yield Window(start=start, end=end)
            start = end

    def points(self, step_seconds: int) -> int:
        """Grid points in the window: ``start``, ``start + step`` … before ``end``."""
        return -(-int(self.seconds) // step_seconds)


def history_window(window: Window) -> Window:
    """The whole UTC days before a window from which its baselines are learnt."""
    return Window.before(floor_time(window.start, HISTORY_CHUNK), HISTORY)


def join_adjacent(windows: list[Window]) -> list[Window]:
    """Windows in order of time, neighbours joined: missing chunks become ranges that one query can fetch."""
    joined: list[Window] = []
    for window in sorted(windows, key=lambda each: each.start):
        if joined and joined[-1].end == window.start:
            joined[-1] = Window(start=joined[-1].start, end=window.end)
        else:
            joined.append(window)
    return joined
