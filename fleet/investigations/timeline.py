"""A series over the history's last day and the scanned window together, in blocks of five minutes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from fleet.frames.frame import Frame, SeriesKey
from fleet.frames.window import Window
from fleet.investigations.deviation import Deviation
from fleet.investigations.question import Material
from fleet.investigations.shapes import FloatArray, block_medians, find_ramp

BLOCK = timedelta(minutes=5)
_BACK = timedelta(days=1)


@dataclass(frozen=True)
class Rise:
    """A sustained rise of a series: when, from what level to what level, how straight, and whether it fell after."""

    window: Window
    low: float
    high: float
    fit: float
    fell: bool
    noise: float
    """Spread of the series before the rise and about the line (standard deviation)."""

    @property
    def hours(self) -> float:
        """Length in hours."""
        return self.window.seconds / 3600

    @property
    def per_hour(self) -> float:
        """Mean growth by the hour."""
        return (self.high - self.low) / max(self.hours, 1e-6)


def sustained_rise(material: Material, key: SeriesKey) -> Rise | None:
    """The strongest sustained rise of a series, or None where there is none."""
    levels, start = _levels(material, key)
    ramp = find_ramp(levels)
    if ramp is None:
        return None
    rising = levels[ramp.first : ramp.last + 1]
    residual = float(np.nanstd(rising)) * (1 - ramp.fit) ** 0.5
    return Rise(
        window=Window(start=start + ramp.first * BLOCK, end=start + (ramp.last + 1) * BLOCK),
        low=ramp.low,
        high=ramp.high,
        fit=ramp.fit,
        fell=ramp.ended,
        noise=residual,
    )


def noticed_start(rise: Rise, deviations: Sequence[Deviation]) -> datetime:
    """When a rise began: where its line breaks off, or earlier, where a detector noticed it first.

    The break is known to a few blocks only; a deviation that begins within a fifth of the rise's length before it, at
    least half an hour, is taken for the same rise.
    """
    slack = max(timedelta(minutes=30), (rise.window.end - rise.window.start) / 5)
    noticed = [
        each.window.start for each in deviations if rise.window.start - slack <= each.window.start <= rise.window.end
    ]
    return min([rise.window.start, *noticed])


def _levels(material: Material, key: SeriesKey) -> tuple[FloatArray, datetime]:
    frame = material.frame
    row = material.rows_of(frame).get(key)
    seconds = int(BLOCK.total_seconds())
    points = max(1, seconds // frame.step_seconds)
    now = np.full(-(-frame.points // points), np.nan) if row is None else block_medians(frame.values[row], points)
    before = _before(material.history, material, key)
    return np.concatenate([before, now]), frame.start - before.size * BLOCK


def _before(history: Frame | None, material: Material, key: SeriesKey) -> FloatArray:
    """The history's last day, where it is on the blocks' step and ends where the frame starts."""
    nothing = np.empty(0)
    if history is None or history.step_seconds != BLOCK.total_seconds() or history.window.end != material.frame.start:
        return nothing
    row = material.rows_of(history).get(key)
    return nothing if row is None else history.values[row, -int(_BACK / BLOCK) :].astype(np.float64)
