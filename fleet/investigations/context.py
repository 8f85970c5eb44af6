"""Deviations that are no findings: judged by what was learnt, some queries at a time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from fleet.detectors.contract import Anomaly, Sensitivity
from fleet.detectors.learnt import Learnt
from fleet.detectors.profile.grid import preceded
from fleet.detectors.scan import detect
from fleet.detectors.whole import Whole
from fleet.frames.frame import Frame
from fleet.frames.pack import QueryPack
from fleet.frames.window import history_window


def weak_deviations(frame: Frame, history: Frame | None, learnt: Sequence[Learnt], pack: QueryPack) -> list[Anomaly]:
    """Deviations of a frame at the most sensitive setting, in order of rows and time.

    Args:
        frame: what is judged, as a scan does it: as a part of its day. Rows and columns are its.
        history: tells of that day before the frame.
        learnt: what is usual, each part of it for all series of some queries. Series of queries of which nothing was
            learnt are judged by the frame alone.
        pack: says what the values are.
    """
    whole = preceded(frame, history, history_window(frame.window).end)
    columns = whole.points - frame.points
    cluster = Whole.of(len(whole.keys), np.isfinite(whole.values).sum(axis=0))
    rows = defaultdict(list)
    for row, key in enumerate(frame.keys):
        rows[key.query_id].append(row)
    found: list[Anomaly] = []
    for part in (*learnt, None):
        queries = dict.fromkeys(key.query_id for key in part.keys) if part is not None else list(rows)
        own = sorted(row for query in queries for row in rows.pop(query, []))
        anomalies = detect(whole.select(own), part, pack, Sensitivity.EXTREME, whole=cluster, since=frame.start)
        found += [
            replace(anomaly, row=own[anomaly.row], first=max(0, anomaly.first - columns), last=anomaly.last - columns)
            for anomaly in anomalies
            if anomaly.last >= columns
        ]
    return sorted(found, key=lambda anomaly: (anomaly.row, anomaly.first, -anomaly.sign))
