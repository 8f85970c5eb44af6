"""The true ends of a stretch: found on the history's grid, told in the frame's own columns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fleet.detectors.contract import Baseline, FloatArray
from fleet.detectors.judging import Judged
from fleet.detectors.profile.blocks import finite, median_last
from fleet.detectors.profile.seasonal import band_of
from fleet.detectors.screen.threshold import CRITICAL, Threshold
from fleet.detectors.stretches import reach

_SMOOTHED_COLUMNS = 5
"""Ends are looked for in medians of this many columns: single samples leave the usual range now and then."""
_HALF_A_COUNT = np.float32(0.5)


@dataclass(frozen=True)
class Outline:
    """The series that have an anomaly, on the frame's grid, and where each lies beyond its usual range on one side."""

    judged: Judged
    side: int
    place: dict[int, int]
    values: FloatArray
    beyond: npt.NDArray[np.bool_]
    band: Baseline

    @classmethod
    def of(cls, judged: Judged, rows: npt.NDArray[np.intp], side: int, bounds: Threshold) -> Outline:
        """The outline of some rows; what passed a critical bound is beyond, however usual it is."""
        part = judged.frame.select(rows.tolist())
        band = band_of(part, judged.usual.profile.select(rows))
        values = finite(part.values)
        discrete = (judged.rules.counted | judged.rules.states)[rows]
        edge = np.where(
            discrete[:, None], side * band.middle + _HALF_A_COUNT, side * (band.high if side > 0 else band.low)
        )
        with np.errstate(invalid="ignore"):
            beyond = side * _smooth(values) > edge
        passed = bounds.score(part, None)
        beyond |= (passed.values >= CRITICAL) & (passed.signs == side)
        return cls(
            judged,
            side,
            {int(row): place for place, row in enumerate(rows)},
            values,
            beyond,
            band,
        )

    def ends(self, row: int, first: int, last: int) -> tuple[int, int]:
        """Columns of a stretch of points: cut to where the series is beyond its usual range, then moved outwards."""
        start, end = self.judged.columns(first, last)
        beyond = self.beyond[self.place[row]]
        inside = np.flatnonzero(beyond[start : end + 1])
        if not inside.size:
            return start, end
        return reach(beyond, start + int(inside[0]), start + int(inside[-1]), self.judged.columns_a_point)

    def extreme(self, row: int, start: int, end: int) -> tuple[float, tuple[float, float, float]]:
        """The most extreme value on this side between two columns, and what was usual there."""
        place = self.place[row]
        values = self.side * self.values[place, start : end + 1]
        column = start + int(np.nanargmax(values))
        usual = (self.band.low[place, column], self.band.middle[place, column], self.band.high[place, column])
        return float(self.values[place, column]), (float(usual[0]), float(usual[1]), float(usual[2]))


def _smooth(values: FloatArray) -> FloatArray:
    half = _SMOOTHED_COLUMNS // 2
    if values.shape[1] < _SMOOTHED_COLUMNS:
        return values
    padded = np.pad(values, ((0, 0), (half, half)), constant_values=np.nan)
    smooth = np.empty_like(values)
    for row, line in enumerate(np.lib.stride_tricks.sliding_window_view(padded, _SMOOTHED_COLUMNS, axis=1)):
        smooth[row] = median_last(np.ascontiguousarray(line))
    return smooth
