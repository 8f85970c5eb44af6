"""Series that vanished, as anomalies."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from fleet.detectors.contract import Anomaly, Sensitivity
from fleet.detectors.judging import Judged
from fleet.detectors.profile.grid import decimated
from fleet.detectors.screen.staleness import Staleness
from fleet.detectors.stretches import runs_of
from fleet.detectors.whole import Whole
from fleet.frames.frame import Frame

_GAP_LENGTHS = {Sensitivity.LOW: 6.0, Sensitivity.MEDIUM: 4.0, Sensitivity.HIGH: 3.0, Sensitivity.EXTREME: 2.0}
"""In lengths of the usual longest gap: from half an hour down to ten minutes for a series that never has one."""
_NAN = float("nan")

Flags = npt.NDArray[np.bool_]


def gaps_of(judged: Judged, whole: Whole) -> list[Anomaly]:
    """Gaps of series on lasting things (nodes, devices, components), longer than they usually have any.

    Args:
        judged: the frame.
        whole: what it is a part of.
    """
    rows = np.flatnonzero(judged.rules.lasting & np.isnan(judged.points.values).any(axis=1))
    if not rows.size:
        return []
    points = judged.points.select(rows.tolist())
    blind = _at_points(judged, whole.unseen)
    missing = np.isnan(points.values) & ~blind[None, :]
    if judged.usual.in_sample:
        # Before its first sample a series may just not have existed.
        missing &= np.cumsum(np.isfinite(points.values), axis=1) > 0
    # While nearly nothing was seen, no gap grows: a series that is a little late afterwards was not gone all the time.
    seen = replace(points, values=np.where(missing, np.float32(np.nan), np.float32(0)))
    scores = Staleness().scores(seen, judged.usual.gaps.select(rows)).values
    needed = _GAP_LENGTHS[judged.sensitivity]
    anomalies = []
    for place, first, last in runs_of(missing).tolist():
        score = float(scores[place, last])
        if score >= needed and last >= judged.first:
            row = int(rows[place])
            start, end = _columns(judged.frame, row, *judged.columns(first, last))
            anomalies.append(
                Anomaly(row, start, end, score, needed, 0, _NAN, (_NAN, _NAN, _NAN), None, (Staleness.name,))
            )
    return anomalies


def _at_points(judged: Judged, unseen: Flags) -> Flags:
    """The columns that a history would have, of those of the frame."""
    row = Frame(judged.frame.start, judged.frame.step_seconds, judged.frame.keys[:1], unseen[None].astype(np.float32))
    return np.asarray(decimated(row, judged.points.step_seconds).values[0] > 0)


def _columns(frame: Frame, row: int, start: int, end: int) -> tuple[int, int]:
    """A gap's ends in columns: cut to, and moved out to, the samples on both sides."""
    seen = np.isfinite(frame.values[row])
    middle = (start + end) // 2
    before = np.flatnonzero(seen[:middle])
    after = np.flatnonzero(seen[middle + 1 :])
    first = int(before[-1]) + 1 if before.size else 0
    last = middle + int(after[0]) if after.size else frame.points - 1
    return first, last
