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
        """The presence of a series, which may be in the frame, in the history, or in both."""
        frame = material.frame
        row = material.rows_of(frame).get(key)
        now = np.zeros(frame.points, dtype=np.bool_) if row is None else np.isfinite(frame.values[row])
        before = _before(material, key)
        return cls(-before.size, np.concatenate([before, now]))

    def gaps(self, min_points: int) -> list[tuple[int, int]]:
        """Gaps of at least so many columns that follow a sample and reach into the frame; both ends inclusive."""
        stretches = gap_stretches(~self.seen, min_points)
        return [(first + self.start, last + self.start) for first, last in stretches if last + self.start >= 0]

    def sampled(self, first: int, last: int) -> bool:
        """Whether any column between two, inclusive, has a sample."""
        return bool(self.seen[max(0, first - self.start) : max(0, last + 1 - self.start)].any())


def _before(material: Material, key: SeriesKey) -> npt.NDArray[np.bool_]:
    history, frame = material.history, material.frame
    nothing = np.empty(0, dtype=np.bool_)
    if history is None or history.window.end != frame.start or history.step_seconds % frame.step_seconds:
        return nothing
    row = material.rows_of(history).get(key)
    if row is None:
        return nothing
    points = int(DAY_BEFORE / timedelta(seconds=history.step_seconds))
    seen = np.isfinite(history.values[row, -points:])
    return np.repeat(seen, history.step_seconds // frame.step_seconds)
