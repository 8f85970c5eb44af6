"""What fills up, as evidence, and until when.

The forecast is a rule and no part of the budget: a clear end within four days is worth telling, however many series
have one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from fleet.detectors.calibration.budget import SIDES
from fleet.detectors.contract import Anomaly
from fleet.detectors.evidence import Evidence
from fleet.detectors.judging import Judged
from fleet.detectors.screen.saturation import Saturation

_NEAR = 1.0
"""The score of what is full in four days at the latest."""


def filling(judged: Judged, saturation: Saturation) -> list[Evidence]:
    """Series that will be full in four days at the latest if they go on like this, from when that was clear."""
    scores = saturation.scores(judged.points, judged.usual.rises)
    with np.errstate(invalid="ignore"):
        rows = np.flatnonzero((scores.values >= _NEAR).any(axis=1))
    needed = np.full(len(rows), _NEAR, dtype=np.float32)
    evidence = []
    for side in SIDES:
        of_side = np.where(scores.signs[rows] == side, scores.values[rows], np.float32(0))
        evidence.append(Evidence.of((saturation.name, side), rows, of_side, needed, judged.rules.shortest[rows]))
    return evidence


def with_times_to_full(judged: Judged, saturation: Saturation, anomalies: Sequence[Anomaly]) -> list[Anomaly]:
    """The anomalies of what fills up with the time that is left at the frame's end, where it still does."""
    rows = sorted({anomaly.row for anomaly in anomalies if saturation.name in anomaly.detectors})
    if not rows:
        return list(anomalies)
    times = saturation.time_to_full(judged.points.select(rows), judged.usual.rises.select(np.array(rows)))
    left = dict(zip(rows, zip(times.low.tolist(), times.high.tolist(), strict=True), strict=True))
    return [
        replace(anomaly, seconds_to_full=left[anomaly.row])
        if saturation.name in anomaly.detectors and np.isfinite(left[anomaly.row]).all()
        else anomaly
        for anomaly in anomalies
    ]
