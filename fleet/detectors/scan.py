"""A whole frame judged: what each series' kind calls for, at a stated budget of false findings.

Scores are not compared with magic numbers. A sensitivity is an expected number of false findings per day for 5,000
series; it is shared out evenly over series and days, so that a cluster of 250 series has a twentieth of it, and the
detectors of one series share its part (Bonferroni). What score a quiet series passes with so small a chance is
learnt from the past (``tails``). Bounds of the pack, states and gaps are judged by rules that are stated where they
stand: they are facts, whose improbability a history cannot tell.
"""

from __future__ import annotations

from math import ceil

import numpy as np
import numpy.typing as npt

from fleet.detectors.catalogue import screens
from fleet.detectors.contract import Anomaly, Sensitivity
from fleet.detectors.gaps import gaps_of
from fleet.detectors.judging import Evidence, Flags, Judged, bounded, counted, screened, states
from fleet.detectors.outline import Outline
from fleet.detectors.profile.blocks import to_blocks
from fleet.detectors.profile.seasonal import fit_profile
from fleet.detectors.rules import RowRules
from fleet.detectors.screen.threshold import Threshold
from fleet.detectors.stretches import joined_runs, long_runs, runs_of
from fleet.frames.frame import Frame
from fleet.frames.pack import QueryPack
from fleet.frames.window import HISTORY_STEP_SECONDS

_BREAK_SECONDS = 900
"""Stretches of one series with no more than this between them are one."""


def detect(frame: Frame, history: Frame | None, pack: QueryPack, sensitivity: Sensitivity) -> list[Anomaly]:
    """Find the anomalous stretches of a frame.

    Args:
        frame: what is judged, usually an hour or a day at 30 s.
        history: earlier values of the same series on a coarser grid (5 minutes, up to 14 days), or None. Series that
            are new in the frame are judged by the pack's critical bounds alone; without any history the frame's own
            level counts.
        pack: says what the values are and on which side they hurt. Rows whose query it lacks are left out.
        sensitivity: the budget of false findings.

    Returns:
        Anomalies in order of rows and time; at most one side of a series at a time, and gaps with sign 0.
    """
    if not frame.keys or not frame.points:
        return []
    blocks = to_blocks(frame, HISTORY_STEP_SECONDS)
    profile = fit_profile(frame, history)
    rules = RowRules.of(frame, pack, sensitivity, blocks.step_seconds)
    judged = Judged(blocks, profile, rules, sensitivity)
    bounds = Threshold(pack)
    found = _evidence(judged, bounds)
    anomalies = [anomaly for side in (1, -1) for anomaly in _anomalies_of_side(frame, judged, found, bounds, side)]
    anomalies += gaps_of(frame, judged)
    return sorted(anomalies, key=lambda anomaly: (anomaly.row, anomaly.first, -anomaly.sign))


def _evidence(judged: Judged, bounds: Threshold) -> list[Evidence]:
    passed = bounds.score(judged.blocks, None)
    evidence = [each for screen in screens() for each in screened(judged, screen, passed)]
    if judged.rules.counted.any():
        evidence += counted(judged)
    if judged.rules.states.any():
        evidence += states(judged)
    return evidence + bounded(judged, passed)


def _anomalies_of_side(
    frame: Frame, judged: Judged, found: list[Evidence], bounds: Threshold, side: int
) -> list[Anomaly]:
    evidence = [each for each in found if each.side == side]
    flags = np.zeros(judged.blocks.values.shape, dtype=np.bool_)
    for each in evidence:
        flags |= each.flags
    runs = _runs(flags, judged)
    if not len(runs):
        return []
    outline = Outline.of(frame, judged, np.unique(runs[:, 0]), side, bounds)
    anomalies = [_anomaly(outline, evidence, row, first, last) for row, first, last in runs.tolist()]
    return _apart(anomalies)


def _runs(flags: Flags, judged: Judged) -> npt.NDArray[np.intp]:
    longest_break = ceil(_BREAK_SECONDS / judged.blocks.step_seconds)
    rows = np.flatnonzero(flags.any(axis=1))
    runs = runs_of(flags[rows])
    runs[:, 0] = rows[runs[:, 0]]
    return joined_runs(long_runs(runs, judged.rules.shortest), longest_break)


def _anomaly(outline: Outline, evidence: list[Evidence], row: int, first: int, last: int) -> Anomaly:
    within = slice(first, last + 1)
    agreeing = [each for each in evidence if each.flags[row, within].any()]
    peaks = {each.detector: float(np.nanmax(each.scores[row, within])) for each in agreeing}
    leader = max(agreeing, key=lambda each: peaks[each.detector] / max(float(each.thresholds[row]), 1e-9))
    chances = [each.chance(row, peaks[each.detector]) for each in agreeing]
    known = [chance for chance in chances if chance is not None]
    start, end = outline.ends(row, first, last)
    observed, baseline = outline.extreme(row, start, end)
    return Anomaly(
        row=row,
        first=start,
        last=end,
        score=peaks[leader.detector],
        threshold=float(leader.thresholds[row]),
        sign=leader.side,
        observed=observed,
        baseline=baseline,
        p_value=min(known) if known else None,
        detectors=tuple(each.detector for each in agreeing),
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
