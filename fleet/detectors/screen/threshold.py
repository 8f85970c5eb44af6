"""The pack's absolute bounds."""

from __future__ import annotations

import numpy as np

from fleet.detectors.contract import FloatArray, Scores
from fleet.detectors.profile.blocks import finite
from fleet.frames.frame import Frame
from fleet.frames.pack import Direction, QueryPack

CRITICAL = 2.0


class Threshold:
    """1 beyond the warning bound, 2 beyond the critical one, on the side that hurts; 0 within, NaN without bounds.

    Assumption: whoever wrote the pack knew where the values begin to hurt.
    Fails: for what is normal on one cluster and trouble on another; a bound knows no time of day.
    Cost: one pass over the frame.
    Source: the query pack.
    """

    name = "threshold"

    def __init__(self, pack: QueryPack) -> None:
        self._pack = pack

    def score(self, frame: Frame, history: Frame | None) -> Scores:
        """The bound that each value passed; the history does not matter."""
        warning, critical, side = self._bounds(frame)
        values = finite(frame.values) * side[:, None]
        with np.errstate(invalid="ignore"):
            scores = (values >= warning[:, None]).astype(np.float32)
            scores[values >= critical[:, None]] = CRITICAL
        bounded = np.isfinite(warning) | np.isfinite(critical)
        unknown = np.isnan(values) | ~bounded[:, None]
        scores[unknown] = np.nan
        signs = np.where(scores > 0, side[:, None], 0).astype(np.int8)
        return Scores(values=scores, signs=signs)

    def _bounds(self, frame: Frame) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Per row both bounds, turned so that beyond is above, and the side (+1 or -1)."""
        queries = {query.id: query for query in self._pack.queries}
        warning = np.full(len(frame.keys), np.nan, dtype=np.float32)
        critical = np.full(len(frame.keys), np.nan, dtype=np.float32)
        side = np.ones(len(frame.keys), dtype=np.float32)
        for row, key in enumerate(frame.keys):
            query = queries.get(key.query_id)
            if query is None or query.direction is Direction.NONE:
                continue
            side[row] = -1 if query.direction is Direction.DOWN else 1
            bounds = query.thresholds
            warning[row] = np.nan if bounds.warning is None else bounds.warning * side[row]
            critical[row] = np.nan if bounds.critical is None else bounds.critical * side[row]
        return warning, critical, side
