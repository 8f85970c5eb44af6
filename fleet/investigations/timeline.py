"""A series over the history's last day and the scanned window together, in blocks of five minutes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from fleet.frames.frame import Frame, SeriesKey
from fleet.investigations.question import Material
from fleet.investigations.shapes import FloatArray, block_medians

BLOCK = timedelta(minutes=5)
DAY_BEFORE = timedelta(days=1)


@dataclass(frozen=True)
class Timeline:
    """Levels (block medians, NaN for a block without a sample) from ``start`` (UTC) to the end of the frame."""

    start: datetime
    levels: FloatArray

    @classmethod
    def of(cls, material: Material, key: SeriesKey) -> Timeline:
        """The timeline of a series; from the frame alone where there is no history on the blocks' step."""
        frame = material.frame
        row = material.rows_of(frame).get(key)
        points = max(1, int(BLOCK.total_seconds()) // frame.step_seconds)
        now = np.full(-(-frame.points // points), np.nan) if row is None else block_medians(frame.values[row], points)
        before = _before(material.history, material, key)
        return cls(frame.start - before.size * BLOCK, np.concatenate([before, now]))

    def block_at(self, at: datetime) -> int:
        """The block that holds a time, cut to those that there are."""
        return min(max(0, (at - self.start) // BLOCK), max(0, self.levels.size - 1))

    def time_of(self, block: int) -> datetime:
        """When a block begins."""
        return self.start + block * BLOCK


def _before(history: Frame | None, material: Material, key: SeriesKey) -> FloatArray:
    """The history's last day, where it is on the blocks' step and ends where the frame starts."""
    nothing = np.empty(0)
    if history is None or history.step_seconds != BLOCK.total_seconds() or history.window.end != material.frame.start:
        return nothing
    row = material.rows_of(history).get(key)
    return nothing if row is None else history.values[row, -int(DAY_BEFORE / BLOCK) :].astype(np.float64)
