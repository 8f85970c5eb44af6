"""On which scale members are compared: levels by their ratio, shares by their difference."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fleet.detectors.cohorts.trimmed import FloatArray
from fleet.frames.pack import PackQuery, QueryKind

_LEAST_RATIO = 1.25
_LEAST_POINTS = 0.05
_FINEST_RATIO = 1.02
_FINEST_POINTS = 0.01
_SMALLEST = 1e-3
"""Of the cohort's median: what is next to nothing is told from it by no further logarithm."""


@dataclass(frozen=True)
class Scale:
    """A scale of comparison.

    Attributes:
        name: of the scale: metrics on one scale share what is known of spreads and tails.
        logarithmic: levels are compared by their logarithms.
        least: the least departure that matters to anybody, on the scale.
        finest: the least spread that is believed: values alike to the last digit are configured, or rounded.
    """

    name: str
    logarithmic: bool
    least: float
    finest: float

    def of(self, values: FloatArray) -> FloatArray | None:
        """Values on the scale, NaN kept; None where no ratio can be told, since they are mostly zero."""
        if not self.logarithmic:
            return values
        middle = float(np.nanmedian(values))
        if not middle > 0:
            return None
        return np.log(np.maximum(values, _SMALLEST * middle))


LEVELS = Scale("levels", logarithmic=True, least=float(np.log(_LEAST_RATIO)), finest=float(np.log(_FINEST_RATIO)))
SHARES = Scale("shares", logarithmic=False, least=_LEAST_POINTS, finest=_FINEST_POINTS)


def scale_of(query: PackQuery) -> Scale | None:
    """The scale of a query's values; None for counts and states, of which likes have none for most of the time."""
    return {QueryKind.GAUGE: LEVELS, QueryKind.RATIO: SHARES}.get(query.kind)
