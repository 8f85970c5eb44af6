"""Series that vanished, as anomalies."""

from __future__ import annotations

import numpy as np

from fleet.detectors.contract import Anomaly, Sensitivity
from fleet.detectors.judging import Judged
from fleet.detectors.screen.staleness import Staleness
from fleet.detectors.stretches import runs_of
from fleet.frames.frame import Frame

_GAP_LENGTHS = {Sensitivity.LOW: 6.0, Sensitivity.MEDIUM: 4.0, Sensitivity.HIGH: 3.0, Sensitivity.EXTREME: 2.0}
"""In lengths of the usual longest gap: from half an hour down to ten minutes for a series that never has one."""
_WHOLE_CLUSTER = 0.7
"""Where more than this share of all series is missing, we could not see: that is coverage, and no finding."""
_NAN = float("nan")


def gaps_of(judged: Judged) -> list[Anomaly]:
    """Gaps of series on lasting things (nodes, devices, components), longer than they usually have any."""
    rows = np.flatnonzero(judged.rules.lasting & np.isnan(judged.points.values).any(axis=1))
    if not rows.size:
        return []
    points = judged.points.select(rows.tolist())
    missing = np.isnan(points.values) & ~_unseen(judged)[None, :]
    if judged.usual.in_sample:
        # Before its first sample a series may just not have existed.
        missing &= np.cumsum(np.isfinite(points.values), axis=1) > 0
    scores = Staleness().scores(points, judged.usual.gaps.select(rows)).values
    needed = _GAP_LENGTHS[judged.sensitivity]
    anomalies = []
    for place, first, last in runs_of(missing).tolist():
        score = float(scores[place, last])
        if score >= needed:
            row = int(rows[place])
            start, end = _columns(judged.frame, row, *judged.columns(first, last))
            anomalies.append(
                Anomaly(row, start, end, score, needed, 0, _NAN, (_NAN, _NAN, _NAN), None, (Staleness.name,))
            )
    return anomalies


def _unseen(judged: Judged) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Points at which nearly the whole cluster is missing, of the series that the frame has at any time."""
    seen = np.isfinite(judged.points.values)
    alive = seen[seen.any(axis=1)]
    if not len(alive):
        return np.ones(seen.shape[1], dtype=np.bool_)
    return np.asarray(alive.mean(axis=0) < 1 - _WHOLE_CLUSTER)


def _columns(frame: Frame, row: int, start: int, end: int) -> tuple[int, int]:
    """A gap's ends in columns: cut to, and moved out to, the samples on both sides."""
    seen = np.isfinite(frame.values[row])
    middle = (start + end) // 2
    before = np.flatnonzero(seen[:middle])
    after = np.flatnonzero(seen[middle + 1 :])
    first = int(before[-1]) + 1 if before.size else 0
    last = middle + int(after[0]) if after.size else frame.points - 1
    return first, last
