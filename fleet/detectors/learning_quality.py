"""How well each query's series were learnt."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fleet.detectors.calibration.budget import chance_of
from fleet.detectors.calibration.ensemble import Ensemble
from fleet.detectors.contract import Sensitivity
from fleet.detectors.learnt import Learnt
from fleet.detectors.model_version import QueryQuality

_MARGIN = np.float32(0.3)
"""As judging has it: a day is news that is by so many digits less probable than the others of its series."""
Rows = npt.NDArray[np.intp]


def quality_of(learnt: Learnt) -> list[QueryQuality]:
    """Figures by query, in the order in which they first come."""
    rows_of: dict[str, list[int]] = {}
    for row, key in enumerate(learnt.keys):
        rows_of.setdefault(key.query_id, []).append(row)
    return [_of_query(learnt, query_id, np.array(rows, dtype=np.intp)) for query_id, rows in rows_of.items()]


def _of_query(learnt: Learnt, query_id: str, rows: Rows) -> QueryQuality:
    profile = learnt.profile
    seasonal = np.ptp(profile.season[rows], axis=1) > 0
    known = profile.known[rows]
    figures = QueryQuality(
        query_id=query_id,
        series=len(rows),
        known_share=float(known.mean()),
        days=float(np.median(profile.days[rows])),
        seasonal_share=float((seasonal & known).mean()),
    )
    for ensemble in (learnt.gauges, learnt.counts):
        if ensemble is not None and np.isfinite(ensemble.unit[rows]).any():
            return figures.model_copy(update=_of_chances(ensemble, rows))
    return figures


def _of_chances(ensemble: Ensemble, rows: Rows) -> dict[str, float | int | None]:
    """The heaviest of the tails of its pool, and the last week's days: each was scored by tails of other days."""
    pools = set(ensemble.pools[rows].tolist())
    shapes = [tail.pareto.shape for (pool, _, _), tail in ensemble.tails.items() if pool in pools]
    chance = chance_of(Sensitivity.HIGH, len(ensemble.unit))
    days = ensemble.weekdays[rows]
    least = np.maximum(np.float32(ensemble.needed(chance)), ensemble.second_day[rows] + _MARGIN)
    seen = np.isfinite(days)
    return {
        "tail_shape": max(shapes, default=None),
        "exceedances_expected": float(seen.sum()) * chance,
        "exceedances": int((seen & (days >= least[:, None])).sum()),
    }
