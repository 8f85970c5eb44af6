"""Rows that one set of detectors judges, or is learnt from, and their days."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from fleet.detectors.calibration.budget import SIDES
from fleet.detectors.profile.seasonal import SeasonalProfile
from fleet.detectors.rules import Flags, RowRules
from fleet.frames.frame import Frame

Ints = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Part:
    """Some rows of what is judged, or of what is learnt from: on the history's grid, with what is usual for them.

    Attributes:
        first: the first point that is judged; those before it are context.
    """

    rows: Ints
    points: Frame
    profile: SeasonalProfile
    rules: RowRules
    first: int = 0

    def select(self, places: Ints | slice) -> Part:
        """The same of some of the rows."""
        points = self.points
        keys = points.keys[places] if isinstance(places, slice) else [points.keys[place] for place in places.tolist()]
        return Part(
            self.rows[places],
            Frame(points.start, points.step_seconds, keys, points.values[places]),
            self.profile.select(places),
            self.rules.select(places),
            self.first,
        )

    def days(self) -> Iterator[Part]:
        """The days of what is judged, each with the context that it has within itself.

        Days of the past are scored as if nothing were known of the one before. So are these: what a level does from a
        working day to a weekend is seen in neither.
        """
        days = self.profile.days_of(self.points)
        firsts = np.flatnonzero(np.diff(days, prepend=days[:1] - 1)).tolist()
        for first, end in zip(firsts, [*firsts[1:], self.points.points], strict=True):
            if end > self.first:
                start, values = self.points.time_at(first), np.ascontiguousarray(self.points.values[:, first:end])
                points = Frame(start, self.points.step_seconds, self.points.keys, values)
                yield replace(self, points=points, first=max(0, self.first - first))

    @property
    def weekdays(self) -> list[int]:
        """The weekdays on which what is judged lies, Monday 0."""
        first, last = self.points.time_at(self.first), self.points.time_at(self.points.points - 1)
        return sorted({first.weekday(), last.weekday()})

    @property
    def sides(self) -> Flags:
        """Which sides hurt, (rows, 2)."""
        return np.stack([self.rules.sided(side) for side in SIDES], axis=1)
