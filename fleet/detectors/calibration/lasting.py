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
    for row in range(signed.shape[0]):
        length = shortest[row]
        for day in range(maxima.shape[1]):
            first = day * points_a_day
            end = min(first + points_a_day, signed.shape[1])
            above, below, known = np.float32(0), np.float32(0), 0
            for point in range(first, end):
                score = signed[row, point] * weights[row, point]
                if np.isnan(score):
                    continue
                known += 1
                if (score > above or -score > below) and point - first + 1 >= length:
                    low, high = score, score
                    for before in range(point - length + 1, point):
                        other = signed[row, before] * weights[row, before]
                        if np.isnan(other):
                            low, high = np.float32(0), np.float32(0)
                            break
                        low, high = min(low, other), max(high, other)
                    above, below = max(above, low), max(below, -high)
            maxima[row, day, UP] = above if known else np.nan
            maxima[row, day, DOWN] = below if known else np.nan
