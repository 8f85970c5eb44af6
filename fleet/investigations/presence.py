"""When a series had samples: over the history's last day and the frame, in columns of the frame."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import numpy.typing as npt

from fleet.frames.frame import SeriesKey
from fleet.investigations.question import Material
from fleet.investigations.shapes import gap_stretches
from fleet.investigations.timeline import DAY_BEFORE


@dataclass(frozen=True)
class Presence:
    """Presence of samples; ``start`` is the first column, negative where the history tells of the time before."""

    start: int
    seen: npt.NDArray[np.bool_]

    @classmethod
    def of(cls, material: Material, key: SeriesKey) -> Presence:
        """The presence of a series, which may be in the frame, in the history, or in both.

        Where nothing at all was observed, it is as it was last: what we did not see is no gap.
        """
        frame = material.frame
        row = material.rows_of(frame).get(key)
        now = np.zeros(frame.points, dtype=np.bool_) if row is None else np.isfinite(frame.values[row])
        before, known = _before(material, key)
        seen = np.concatenate([before, now])
        observed = np.concatenate([known, material.observed(frame)])
        latest = np.maximum.accumulate(np.where(observed, np.arange(seen.size), -1))
        return cls(-before.size, np.where(latest >= 0, seen[latest], False))

    def gaps(self, min_points: int) -> list[tuple[int, int]]:
        """Gaps of at least so many columns that follow a sample and reach into the frame; both ends inclusive."""
        stretches = gap_stretches(~self.seen, min_points)
        return [(first + self.start, last + self.start) for first, last in stretches if last + self.start >= 0]

    def sampled(self, first: int, last: int) -> bool:
        """Whether any column between two, inclusive, has a sample."""
        return bool(self.seen[max(0, first - self.start) : max(0, last + 1 - self.start)].any())


def _before(material: Material, key: SeriesKey) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Presence in the day before the frame, and which of its columns the history covers."""
    history, frame = material.history, material.frame
    nothing = np.empty(0, dtype=np.bool_)
    if history is None or history.step_seconds % frame.step_seconds:
        return nothing, nothing
    width = history.step_seconds // frame.step_seconds
    row = material.rows_of(history).get(key)
    if row is None:
        return nothing, nothing
    columns = int(DAY_BEFORE / timedelta(seconds=frame.step_seconds))
    first = round((history.start - (frame.start - DAY_BEFORE)).total_seconds() / frame.step_seconds)
    seen, known = np.zeros(columns, dtype=np.bool_), np.zeros(columns, dtype=np.bool_)
    lasts = slice(max(0, -first // width), None)
    _lay(seen, np.repeat(np.isfinite(history.values[row, lasts]), width), first + lasts.start * width)
    _lay(known, np.repeat(material.observed(history)[lasts], width), first + lasts.start * width)
    return seen, known


def _lay(columns: npt.NDArray[np.bool_], values: npt.NDArray[np.bool_], first: int) -> None:
    """Writes values from a column on, cut to the columns that there are."""
    taken = values[max(0, -first) : max(0, columns.size - first)]
    columns[max(0, first) : max(0, first) + taken.size] = taken
