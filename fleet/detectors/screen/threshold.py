"""The pack's absolute bounds."""

from __future__ import annotations

import numpy as np

from fleet.detectors.contract import FloatArray, Scores
from fleet.detectors.profile.blocks import finite
from fleet.frames.frame import Frame, SeriesKey
from fleet.frames.pack import Direction, PackQuery, QueryPack

CRITICAL = 2.0


class Threshold:
    """1 beyond the warning bound, 2 beyond the critical one, on the side that hurts; 0 within, NaN without bounds.

    Assumption: whoever wrote the pack knew where the values begin to hurt.
    Fails: for what is normal on one cluster and trouble on another; a bound knows no time of day.
    Cost: three passes over the frame.
    Source: the query pack.
    """

    name = "threshold"

    def __init__(self, pack: QueryPack) -> None:
        self._pack = pack

    def score(self, frame: Frame, history: Frame | None) -> Scores:
        """The bound that each value passed; the history does not matter."""
        warning, critical, side = self._bounds(frame.keys)
        values = finite(frame.values) * side[:, None]
        with np.errstate(invalid="ignore"):
            passed = (values >= warning[:, None]).astype(np.float32)
            passed[values >= critical[:, None]] = CRITICAL
        bounded = np.isfinite(warning) | np.isfinite(critical)
        passed[np.isnan(values) | ~bounded[:, None]] = np.nan
        return Scores(values=passed, signs=np.where(passed > 0, side[:, None], 0).astype(np.int8))

    def _bounds(self, keys: list[SeriesKey]) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Per row both bounds, turned so that beyond is above, and the side (+1 or -1)."""
        queries = {query.id: number for number, query in enumerate(self._pack.queries)}
        of_query = np.array([*map(_bounds_of, self._pack.queries), (np.nan, np.nan, 1)], dtype=np.float32)
        rows = of_query[[queries.get(key.query_id, -1) for key in keys]]
        return rows[:, 0], rows[:, 1], rows[:, 2]


def _bounds_of(query: PackQuery) -> tuple[float, float, float]:
    """Both bounds of a query, turned so that beyond is above (NaN where it has none), and the side."""
    if query.direction is Direction.NONE:
        return np.nan, np.nan, 1
    side = -1 if query.direction is Direction.DOWN else 1
    warning, critical = query.thresholds.warning, query.thresholds.critical
    return np.nan if warning is None else warning * side, np.nan if critical is None else critical * side, side
