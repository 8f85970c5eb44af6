"""The highest score of each day that lasted long enough, as machine code."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fleet.detectors.compiled import compiled
from fleet.detectors.contract import FloatArray

UP, DOWN = 0, 1
_NOTHING = np.float32(0)


def lasting_maxima(
    signed: FloatArray, weights: FloatArray, points_a_day: int, shortest: npt.NDArray[np.intp], maxima: FloatArray
) -> None:
    """Highest scores by day and side, each being the lowest of as many neighbours as an anomaly has to last.

    Days are counted from the first point, and what lasts begins and ends within one. Without a known score a day has
    NaN; a day on which nothing lasted on a side has 0.

    Args:
        signed: scores, positive above what was expected, NaN unknown, (series, points).
        weights: factors of the scores, at least 0, of the same shape.
        shortest: points that an anomaly has to last, (series,).
        maxima: the result, (series, days, 2): above and below.
    """
    above, below = np.empty((2, *signed.shape), dtype=np.float32)
    _heights_of_stretches(signed, weights, points_a_day, shortest, above, below)
    days = np.arange(0, signed.shape[1], points_a_day)
    for side, heights in ((UP, above), (DOWN, below)):
        np.maximum.reduceat(heights, days, axis=1, out=maxima[:, :, side])


@compiled
def _heights_of_stretches(
    signed: FloatArray,
    weights: FloatArray,
    points_a_day: int,
    shortest: npt.NDArray[np.intp],
    above: FloatArray,
    below: FloatArray,
) -> None:
    """How far above and below the stretches lie that begin at each point: at least 0, and NaN on unknown days."""
    rows, points = signed.shape
    scores = np.empty(points, dtype=np.float32)
    for row in range(rows):
        length = shortest[row]
        own, weight, up, down = signed[row], weights[row], above[row], below[row]
        for point in range(points):
            scores[point] = own[point] * weight[point]
        for point in range(points):
            score = scores[point]
            # What is unknown lasts on neither side, and neither does a score of 0.
            up[point] = score if score > 0 else _NOTHING
            down[point] = -score if score < 0 else _NOTHING
        for later in range(1, length):
            moved = scores[later:]
            for point in range(moved.size):
                score = moved[point]
                score_above = score if score > 0 else _NOTHING
                score_below = -score if score < 0 else _NOTHING
                up[point] = score_above if score_above < up[point] else up[point]
                down[point] = score_below if score_below < down[point] else down[point]
        for first in range(0, points, points_a_day):
            last = min(first + points_a_day, points)
            for point in range(max(first, last - length + 1), last):
                up[point] = down[point] = 0
            known = first
            while known < last and scores[known] != scores[known]:
                known += 1
            if known == last:
                up[first] = down[first] = np.nan
