"""Digits of improbability of counts, as machine code: most counts are 0, and only the others need a logarithm."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from fleet.detectors.compiled import compiled
from fleet.detectors.contract import FloatArray

Ints = npt.NDArray[np.intp]

_TO_DIGITS = 1 / math.log(10)


@compiled
def signed_digits(
    counts: FloatArray, rates: FloatArray, sizes: FloatArray, a_day: int, apart: Ints, span: int, digits: FloatArray
) -> None:
    """The larger of the digits of each count and those of a sum of the last counts.

    Args:
        counts: (series, points), NaN for gaps.
        rates, sizes: (series, days): expected count of one point, and size of its negative binomial (infinite where it
            is Poisson's); the last day ends with the points.
        a_day: points to which the rate of one day applies.
        apart: (series,): how many points the counts of a sum lie apart.
        span: points over which they are added up; at least one is.
        digits: written, (series, points): positive above the rate, negative below, NaN for gaps.
    """
    rows, points = counts.shape
    before = rates.shape[1] * a_day - points
    totals, seen = np.zeros(apart.max()), np.zeros(apart.max())
    for row in range(rows):
        spacing = apart[row]
        length = max(1, span // spacing)
        totals[:] = 0
        seen[:] = 0
        for point in range(points):
            day, phase = (point + before) // a_day, point % spacing
            leaving = counts[row, point - length * spacing] if point >= length * spacing else np.float32(np.nan)
            if not math.isnan(leaving):
                totals[phase] -= leaving
                seen[phase] -= 1
            count = counts[row, point]
            if math.isnan(count):
                digits[row, point] = np.nan
                continue
            totals[phase] += count
            seen[phase] += 1
            rate, size = float(rates[row, day]), float(sizes[row, day])
            single = _exponent(float(count), rate, size)
            summed = _exponent(totals[phase], seen[phase] * rate, size)
            digits[row, point] = (single if abs(single) >= abs(summed) else summed) * _TO_DIGITS


@compiled
def _exponent(count: float, rate: float, size: float) -> float:
    """Chernoff's exponent of a count's tail, with the side on which it lies as its sign."""
    if count == 0:
        return -rate if math.isinf(size) else -size * math.log1p(rate / size)
    ratio = count * math.log(count / rate)
    poisson = math.isinf(size)
    exponent = ratio - count + rate if poisson else ratio - (count + size) * math.log1p((count - rate) / (rate + size))
    return max(exponent, 0.0) if count > rate else -max(exponent, 0.0)
