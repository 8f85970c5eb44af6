"""Chances where no past is known: from the judged scores themselves, or as the detector states them.

They promise no budget: for tails heavier than exponential there are too many alarms, and for a wandering level too
few. There is no way to know from so little.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from fleet.detectors.calibration.chances import Rows
from fleet.detectors.calibration.tail import SMALLEST_CHANCE
from fleet.detectors.contract import FloatArray
from fleet.detectors.profile.blocks import sorted_quantile

_BODY = (0.5, 0.8)
_BODY_MARGIN = 1.25
_LN10 = float(np.log(10))


@dataclass(frozen=True)
class BodyChances:
    """Exponential tails beyond a score, by series, detector and side.

    Attributes:
        start, scale, floor: of the tails, and what a score has to pass whatever its chance: (series, detectors, 2).
        looks: expected scores of a day beyond ``start``.
        detectors: whose chances are joined by their smallest, each corrected for the others' looks (Bonferroni).
    """

    start: FloatArray
    scale: FloatArray
    floor: FloatArray
    looks: float
    detectors: int

    def select(self, rows: Rows) -> Self:
        """The same of some series."""
        return type(self)(self.start[rows], self.scale[rows], self.floor[rows], self.looks, self.detectors)

    def thresholds(self, chance: float, weekdays: Sequence[int]) -> FloatArray:
        """The scores by detector and side that have their detector's part of the chance; all weekdays are alike."""
        beyond = self.scale * np.log(self.looks * self.detectors / chance)
        return np.asarray(np.maximum(self.start + beyond, self.floor), dtype=np.float32)

    def chances(self, scores: FloatArray, weekdays: Sequence[int]) -> FloatArray:
        """The chances of scores with all detectors together, at most 1."""
        beyond = np.maximum(scores - self.start, 0) / self.scale
        chances = self.looks * self.detectors * np.exp(-beyond)
        return np.asarray(np.clip(chances, SMALLEST_CHANCE, 1), dtype=np.float32)


def body_of(signed: Sequence[FloatArray], least: Sequence[float], points_a_day: float) -> BodyChances:
    """Tails of an exponential fitted to the body of each detector's scores, (series, points).

    The body is what lies between the median and the 80% quantile: an anomaly that fills less than a fifth of
    the window does not move it.
    """
    starts, scales = [], []
    for scores, smallest in zip(signed, least, strict=True):
        ordered = np.sort(np.abs(scores), axis=1)
        middle, outer = (sorted_quantile(ordered, share) for share in _BODY)
        slope = (outer - middle) / np.log((1 - _BODY[0]) / (1 - _BODY[1]))
        starts.append(np.where(np.isfinite(outer), outer, 0))
        scales.append(np.fmax(slope, smallest / 5) * _BODY_MARGIN)
    start, scale = (np.repeat(np.stack(each, axis=1)[:, :, None], 2, axis=2) for each in (starts, scales))
    floor = np.broadcast_to(2 * np.array(least)[None, :, None], start.shape)
    return BodyChances(
        start.astype(np.float32),
        scale.astype(np.float32),
        floor.astype(np.float32),
        (1 - _BODY[1]) * points_a_day,
        len(signed),
    )


def stated(series: int, detectors: int, points_a_day: float) -> BodyChances:
    """Chances of scores that are digits of a chance by themselves: of one point, of which a day has many."""
    shape = (series, detectors, 2)
    zero = np.zeros(shape, dtype=np.float32)
    return BodyChances(zero, np.full(shape, 1 / _LN10, dtype=np.float32), zero, points_a_day, detectors)
