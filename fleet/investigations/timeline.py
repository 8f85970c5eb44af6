"""A series over the history's last day and the scanned window together, in blocks of five minutes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import numpy.typing as npt

from fleet.frames.counters import with_rates
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
        now = np.full(-(-frame.points // points), np.nan)
        if row is not None:
            now = block_medians(_judged_values(material, frame, row), points)
        before = _before(material, key)
        return cls(frame.start - before.size * BLOCK, np.concatenate([before, now]))

    def block_at(self, at: datetime) -> int:
        """The block that holds a time, cut to those that there are."""
        return min(max(0, (at - self.start) // BLOCK), max(0, self.levels.size - 1))

    def time_of(self, block: int) -> datetime:
        """When a block begins."""
        return self.start + block * BLOCK


def _judged_values(material: Material, frame: Frame, row: int) -> npt.NDArray[np.float32]:
    """A row's values as findings tell of them: of a running total its rate."""
    values: npt.NDArray[np.float32] = with_rates(frame.select([row]), material.pack).values[0]
    return values


def _before(material: Material, key: SeriesKey) -> FloatArray:
    """The history's levels in the day before the frame, where it is on the blocks' step; NaN where it has none."""
    frame, history = material.frame, material.history
    row = material.rows_of(history).get(key) if history is not None else None
    if history is None or row is None or history.step_seconds != BLOCK.total_seconds():
        return np.empty(0)
    levels = np.full(DAY_BEFORE // BLOCK, np.nan)
    first = (history.start - (frame.start - DAY_BEFORE)) // BLOCK
    values = _judged_values(material, history, row)
    taken = values[max(0, -first) : max(0, levels.size - first)]
    levels[max(0, first) : max(0, first) + taken.size] = taken
    return levels
