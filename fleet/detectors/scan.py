"""A whole frame judged: what each series' kind calls for, at a stated budget of false findings.

Scores are not compared with magic numbers. A sensitivity is an expected number of false findings per day for 5,000
series; it is shared out evenly over series and days, so that a cluster of 1,000 series has a fifth of it. What a quiet
series reaches with so small a chance was learnt from past days, which were scored as the judged one is
(``calibration``). Bounds of the pack, forecasts of an end, states and gaps are judged by rules that are stated where
they stand: their improbability a history cannot tell, and they are no part of the budget.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from math import ceil

import numpy as np

from fleet.detectors.calibration.budget import chance_of
from fleet.detectors.calibration.second_look import SecondLook
from fleet.detectors.contract import Anomaly, Sensitivity
from fleet.detectors.evidence import Evidence, flags_of
from fleet.detectors.filling import filling, with_times_to_full
from fleet.detectors.gaps import gaps_of
from fleet.detectors.judging import Judged, evidence_of
from fleet.detectors.learnt import Learnt, learn_from_itself
from fleet.detectors.outline import Outline
from fleet.detectors.profile.grid import decimated
from fleet.detectors.rules import RowRules
from fleet.detectors.screen.saturation import Saturation
from fleet.detectors.screen.threshold import Threshold
from fleet.detectors.stretches import joined_runs, runs_of
from fleet.detectors.whole import Whole
from fleet.frames.counters import with_rates
from fleet.frames.frame import Frame
from fleet.frames.pack import QueryPack
from fleet.frames.window import HISTORY_STEP_SECONDS

_BREAK_SECONDS = 900
"""Stretches of one series with no more than this between them are one."""


def detect(
    frame: Frame,
    learnt: Learnt | None,
    pack: QueryPack,
    sensitivity: Sensitivity,
    second_looks: Sequence[SecondLook] = (),
    whole: Whole | None = None,
    since: datetime | None = None,
) -> list[Anomaly]:
    """Find the anomalous stretches of a frame.

    Args:
        frame: what is judged, usually a day at 30 s, or an hour with the day before it. Of its columns those count that
            a history would have.
        learnt: what is usual, from before the frame (``learn``), or None: then the frame's own level counts, and the
            budget is not promised. Series that are new are judged by the pack's critical bounds alone.
        pack: says what the values are and on which side they hurt. Rows whose query it lacks are left out.
        sensitivity: the budget of false findings.
        second_looks: detectors for the few series that the screen passes on.
        whole: the cluster of which the frame has some series; None where it has all of them.
        since: from when on the frame is judged: what is before is context. None where all of it is judged.

    Returns:
        Anomalies in order of rows and time; at most one side of a series at a time, and gaps with sign 0. They may
        begin in the context; what is anomalous nowhere else is left out.
    """
    if not frame.keys or not frame.points:
        return []
    # A reset hides what was counted since the sample before it: in a history that is some minutes' worth, and it has to
    # be in what is compared with it.
    points = with_rates(decimated(frame, learnt.profile.slot_seconds if learnt else HISTORY_STEP_SECONDS), pack)
    frame = with_rates(frame, pack)
    usual = learnt.aligned(frame.keys) if learnt is not None else learn_from_itself(points)
    first = _points_before(since, points)
    if first >= points.points:
        return []
    if whole is None:
        whole = Whole.of(len(frame.keys), np.isfinite(frame.values).sum(axis=0))
    chance = chance_of(sensitivity, whole.series)
    rules = RowRules.of(frame.keys, pack, points.step_seconds)
    judged = Judged(frame, points, usual, rules, sensitivity, chance, first)
    bounds, saturation = Threshold(pack), Saturation(pack)
    evidence = evidence_of(judged, bounds, second_looks) + filling(judged, saturation)
    anomalies = [anomaly for side in (1, -1) for anomaly in _anomalies_of_side(judged, evidence, bounds, side)]
    anomalies = with_times_to_full(judged, saturation, anomalies)
    anomalies += gaps_of(judged, whole)
    return sorted(anomalies, key=lambda anomaly: (anomaly.row, anomaly.first, -anomaly.sign))


def _points_before(since: datetime | None, points: Frame) -> int:
    seconds = (since - points.start).total_seconds() if since is not None else 0
    return max(0, ceil(seconds / points.step_seconds))


def _anomalies_of_side(judged: Judged, evidence: list[Evidence], bounds: Threshold, side: int) -> list[Anomaly]:
    of_side = [each for each in evidence if each.side == side]
    rows, flags = flags_of(of_side, judged.points)
    if not rows.size:
        return []
    runs = joined_runs(runs_of(flags), ceil(_BREAK_SECONDS / judged.points.step_seconds))
    outline = Outline.of(judged, rows, side, bounds)
    found = (_anomaly(outline, of_side, int(rows[place]), first, last) for place, first, last in runs.tolist())
    return _apart([anomaly for anomaly in found if anomaly is not None])


def _anomaly(outline: Outline, evidence: list[Evidence], row: int, first: int, last: int) -> Anomaly | None:
    """The anomaly of a stretch of points; None where it lies in the context, whose judges told it."""
    start, end = outline.ends(row, first, last)
    splits = [(each, max(first, outline.judged.first - each.late)) for each in evidence]
    judged_here = any(each.within(row, split, last) for each, split in splits)
    judged_before = any(each.within(row, first, split - 1) for each, split in splits)
    if not judged_here or (judged_before and end < outline.judged.first_column):
        return None
    seen = [(each, *within) for each in evidence if (within := each.within(row, first, last)) is not None]
    leader, place, score = max(seen, key=lambda each: each[2] / max(float(each[0].thresholds[each[1]]), 1e-9))
    chances = [each.chance(place, score) for each, place, score in seen if each.chance is not None]
    observed, baseline = outline.extreme(row, start, end)
    return Anomaly(
        row=row,
        first=start,
        last=end,
        score=score,
        threshold=float(leader.thresholds[place]),
        sign=leader.side,
        observed=observed,
        baseline=baseline,
        p_value=min(chances, default=None),
        detectors=tuple(dict.fromkeys(each.detector for each, _, _ in seen)),
    )


def _apart(anomalies: list[Anomaly]) -> list[Anomaly]:
    """Stretches of one series that met when their ends were moved out become one: the stronger with both ends."""
    result: list[Anomaly] = []
    for anomaly in anomalies:
        last = result[-1] if result else None
        if last is not None and last.row == anomaly.row and anomaly.first <= last.last + 1:
            result[-1] = _merged(last, anomaly)
        else:
            result.append(anomaly)
    return result


def _merged(one: Anomaly, other: Anomaly) -> Anomaly:
    strong, weak = (one, other) if one.score / one.threshold >= other.score / other.threshold else (other, one)
    return Anomaly(
        row=one.row,
        first=min(one.first, other.first),
        last=max(one.last, other.last),
        score=strong.score,
        threshold=strong.threshold,
        sign=strong.sign,
        observed=max(one.observed, other.observed, key=lambda value: one.sign * value),
        baseline=strong.baseline,
        p_value=min((p for p in (one.p_value, other.p_value) if p is not None), default=None),
        detectors=tuple(dict.fromkeys([*strong.detectors, *weak.detectors])),
    )
