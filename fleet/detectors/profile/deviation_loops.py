"""Compiled loops over a judged frame: deviations from what is expected, in spreads."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fleet.detectors.compiled import compiled
from fleet.detectors.contract import FloatArray

Ints = npt.NDArray[np.intp]
_INFINITY = np.float32(np.inf)
_NAN = np.float32(np.nan)


@compiled
def standardise_rows(
    values: FloatArray, level: FloatArray, season: FloatArray, spread: FloatArray, runs: Ints, deviations: FloatArray
) -> None:
    """Deviations of values, (rows, points), in spreads; NaN for gaps and infinities.

    Args:
        runs: stretches of columns that lie in one slot: first column, the column after the last, place in the season,
            slot of the day; (runs, 4).
    """
    for row in range(values.shape[0]):
        for run in range(runs.shape[0]):
            expected = level[row] + season[row, runs[run, 2]]
            share = np.float32(1) / spread[row, runs[run, 3]]
            for column in range(runs[run, 0], runs[run, 1]):
                deviation = (values[row, column] - expected) * share
                deviations[row, column] = deviation if abs(deviation) < _INFINITY else _NAN
