"""What a departure from the usual counts, by how large it is and which bound of the pack it passed."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fleet.detectors.compiled import compiled
from fleet.detectors.contract import FloatArray
from fleet.detectors.rules import RowRules

_INFINITY = np.float32(np.inf)
_WARNED = np.float32(1.25)
"""Beyond the pack's warning bound scores count more: the bound is evidence of its own."""


def weights_of(values: FloatArray, residuals: FloatArray, rules: RowRules) -> FloatArray:
    """Factors of scores: 0 where a departure is too small to matter, more than 1 beyond the pack's warning bound.

    At a gap, and where a value is infinite, there is none: what scores say there of the hour before is no departure of
    a value.

    Args:
        values: (series, points), NaN for gaps.
        residuals: values less what was expected, of the same shape; NaN where nothing was.
    """
    weights = np.empty_like(values)
    _weigh(values, residuals, rules.absolute, rules.relative, rules.warning, rules.warning_side, weights)
    return weights


@compiled
def _weigh(
    values: FloatArray,
    residuals: FloatArray,
    absolute: FloatArray,
    relative: FloatArray,
    warning: FloatArray,
    side: npt.NDArray[np.float32],
    weights: FloatArray,
) -> None:
    rows, points = values.shape
    for row in range(rows):
        own, kept = values[row], weights[row]
        for point in range(points):
            # Chosen without a branch, so that it runs in vectors.
            residual = residuals[row, point]
            usual = relative[row] * abs(own[point] - residual)
            least = usual if usual > absolute[row] else absolute[row]
            warned = (residual * side[row] > 0) & ((own[point] - warning[row]) * side[row] >= 0)
            weight = _WARNED if warned else np.float32(1)
            weight = np.float32(0) if abs(residual) <= least else weight
            kept[point] = weight if abs(residual) < _INFINITY else np.float32(np.nan)
