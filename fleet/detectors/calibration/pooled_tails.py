"""Tails of like series together: a pool for each query that has days enough, and one for all series.

Tails are told apart by pool, detector and side; pool 0 is that of all series, on which the small ones lean.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fleet.detectors.calibration.pareto import Pareto, Prior
from fleet.detectors.calibration.tail import Expected, Tail, fit_tail, without_incident_days
from fleet.detectors.contract import FloatArray

Ints = npt.NDArray[np.intp]

_LEAST_OF_POOL = 500
"""Days of series that a pool needs for tails of its own."""
_MAXIMA = Expected(1.0, Prior(Pareto(scale=0.2, shape=0.1)))
"""Tails of maxima in units of typical ones, before any is seen: those of 288 normal values have a scale of 0.1."""


def tails_of_pools(relative: FloatArray, pools: Ints) -> tuple[Ints, dict[tuple[int, int, int], Tail]]:
    """Tails of pools with enough days, numbered from 1, and of all series (0), on which the small ones lean."""
    days = np.bincount(pools, weights=np.isfinite(relative).any(axis=(2, 3)).sum(axis=1))
    large = np.flatnonzero(days >= _LEAST_OF_POOL)
    numbers = np.zeros(len(days), dtype=np.intp)
    numbers[large] = np.arange(1, large.size + 1)
    members = members_of(pools)
    tails: dict[tuple[int, int, int], Tail] = {}
    for detector, side in np.ndindex(*relative.shape[2:]):
        heights = np.ascontiguousarray(relative[:, :, detector, side])
        everything = _tail(heights, _MAXIMA)
        if everything is None:
            continue
        tails[0, detector, side] = everything
        for pool in large.tolist():
            own = _tail(heights[members[pool]], Expected(_MAXIMA.origin, Prior(everything.pareto)))
            tails[int(numbers[pool]), detector, side] = own or everything
    return numbers[pools], tails


def _tail(heights: FloatArray, expected: Expected) -> Tail | None:
    quiet = without_incident_days(heights)
    known = quiet[np.isfinite(quiet)]
    return fit_tail(known, expected) if known.size else None


def digits_of(relative: FloatArray, pools: Ints, tails: dict[tuple[int, int, int], Tail]) -> FloatArray:
    """Digits of relative maxima of shape (series, …, detectors, 2); of unknown ones, which cost little, unknown."""
    result = np.full(relative.shape, np.nan, dtype=np.float32)
    members = members_of(pools)
    for (pool, detector, side), tail in tails.items():
        rows = members.get(pool)
        if rows is not None:
            heights = relative[rows, ..., detector, side]
            known = ~np.isnan(heights)
            heights[known] = tail.digits(heights[known])
            result[rows, ..., detector, side] = heights
    return result


def members_of(pools: Ints) -> dict[int, Ints]:
    """The rows of each pool."""
    order = np.argsort(pools, kind="stable")
    starts = np.flatnonzero(np.diff(pools[order], prepend=-1))
    return {int(pools[rows[0]]): rows for rows in np.split(order, starts[1:]) if rows.size}
