"""The highest score of each day that lasted long enough, as machine code."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fleet.detectors.compiled import compiled
from fleet.detectors.contract import FloatArray

UP, DOWN = 0, 1


@compiled
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
    scores = np.empty(points_a_day, dtype=np.float32)
    for row in range(signed.shape[0]):
        for day in range(maxima.shape[1]):
            first = day * points_a_day
            count = min(points_a_day, signed.shape[1] - first)
            known = False
            for point in range(count):
                score = signed[row, first + point] * weights[row, first + point]
                seen = score == score
                known |= seen
                # What is unknown lasts on neither side, and neither does a score of 0.
                scores[point] = score if seen else 0
            above, below = _extremes(scores[:count], shortest[row])
            maxima[row, day, UP] = above if known else np.nan
            maxima[row, day, DOWN] = below if known else np.nan


@compiled
def _extremes(scores: FloatArray, length: int) -> tuple[np.float32, np.float32]:
    """The highest height above, and below, which scores lie for ``length`` points in a row; 0 where none do."""
    above, below = np.float32(0), np.float32(0)
    for last in range(length - 1, scores.size):
        low = high = scores[last]
        for point in range(last - length + 1, last):
            low = min(low, scores[point])
            high = max(high, scores[point])
        above = max(above, low)
        below = max(below, -high)
    return above, below
