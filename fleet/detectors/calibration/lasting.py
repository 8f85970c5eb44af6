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
    heights = np.empty(signed.shape, dtype=np.float32)
    days = np.arange(0, signed.shape[1], points_a_day)
    for side, sign in ((UP, np.float32(1)), (DOWN, np.float32(-1))):
        _heights_of_stretches(signed, weights, sign, points_a_day, shortest, heights)
        np.maximum.reduceat(heights, days, axis=1, out=maxima[:, :, side])


@compiled
def _heights_of_stretches(
    signed: FloatArray,
    weights: FloatArray,
    sign: np.float32,
    points_a_day: int,
    shortest: npt.NDArray[np.intp],
    heights: FloatArray,
) -> None:
    """How high on a side the stretches lie that begin at each point: at least 0, and NaN on unknown days."""
    rows, points = signed.shape
    scores = np.empty(points, dtype=np.float32)
    for row in range(rows):
        length = shortest[row]
        own, weight, lowest = signed[row], weights[row], heights[row]
        for point in range(points):
            score = sign * own[point] * weight[point]
            # What is unknown lasts on neither side, and neither does a score of 0.
            scores[point] = score if score > 0 else _NOTHING
        for point in range(points):
            lowest[point] = scores[point]
        for later in range(1, length):
            moved = scores[later:]
            for point in range(moved.size):
                lowest[point] = moved[point] if moved[point] < lowest[point] else lowest[point]
        for first in range(0, points, points_a_day):
            last = min(first + points_a_day, points)
            lowest[max(first, last - length + 1) : last] = 0
            if not _any_known(own[first:last], weight[first:last]):
                lowest[first] = np.nan


@compiled
def _any_known(signed: FloatArray, weights: FloatArray) -> bool:
    for point in range(signed.size):
        score = signed[point] * weights[point]
        if score == score:
            return True
    return False
