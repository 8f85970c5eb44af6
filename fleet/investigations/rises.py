"""Sustained rises of a series, as leaks and filling disks show them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from fleet.frames.frame import SeriesKey
from fleet.frames.window import Window
from fleet.investigations.deviation import Deviation
from fleet.investigations.question import Material
from fleet.investigations.shapes import Ramp, find_ramps
from fleet.investigations.timeline import BLOCK, Timeline

_NEAR = timedelta(minutes=30)


@dataclass(frozen=True)
class Rise:
    """A sustained rise of a series: when, from what level to what level, how straight, and whether it fell after."""

    window: Window
    low: float
    high: float
    fit: float
    fell: bool
    noise: float
    """Spread about the line (standard deviation)."""

    @property
    def length(self) -> timedelta:
        """How long it took."""
        return self.window.end - self.window.start

    @property
    def hours(self) -> float:
        """Length in hours."""
        return self.window.seconds / 3600

    @property
    def per_hour(self) -> float:
        """Mean growth by the hour."""
        return (self.high - self.low) / max(self.hours, 1e-6)


def sustained_rise(material: Material, key: SeriesKey, began: datetime, ended: datetime) -> Rise | None:
    """The strongest sustained rise of a series that goes on between two times or ends shortly before, or None.

    A leak climbs again after every restart: of its rises, the one at the time of the symptoms is meant.
    """
    timeline = Timeline.of(material, key)
    rises = [_rise(timeline, ramp) for ramp in find_ramps(timeline.levels)]
    meant = [each for each in rises if each.window.start <= ended and each.window.end >= began - _NEAR]
    return max(meant, key=lambda each: ((each.high - each.low) * each.fit, each.window.start), default=None)


def noticed_start(rise: Rise, deviations: Sequence[Deviation]) -> datetime:
    """When a rise began: where its line breaks off, or earlier, where a detector noticed it first.

    The break is known to a few blocks only; a deviation that begins within a fifth of the rise's length before it, at
    least half an hour, is taken for the same rise.
    """
    slack = max(_NEAR, rise.length / 5)
    noticed = [
        each.window.start for each in deviations if rise.window.start - slack <= each.window.start <= rise.window.end
    ]
    return min([rise.window.start, *noticed])


def _rise(timeline: Timeline, ramp: Ramp) -> Rise:
    rising = timeline.levels[ramp.first : ramp.last + 1]
    return Rise(
        window=Window(start=timeline.time_of(ramp.first), end=timeline.time_of(ramp.last) + BLOCK),
        low=ramp.low,
        high=ramp.high,
        fit=ramp.fit,
        fell=ramp.ended,
        noise=float(np.nanstd(rising)) * (1 - ramp.fit) ** 0.5,
    )
