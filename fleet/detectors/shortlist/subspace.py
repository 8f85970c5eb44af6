"""Windows of many lengths around each point, whitened: how they usually go together, and what does not."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fleet.detectors.contract import FloatArray, Scores
from fleet.detectors.profile.blocks import finite, median_last
from fleet.detectors.profile.pieces import in_pieces
from fleet.detectors.shortlist.subjects import SubjectOf, rows_by_subject
from fleet.detectors.shortlist.windows import Deviations, beyond_usual
from fleet.frames.frame import Frame

MOST_DISTANCE = np.float32(30.0)
"""Further out is no more evidence: one wild series must not be all that is known of a subject."""
_MOST_LEARNT = 1000
"""Columns of the past, evenly spread: the covariance of eleven numbers needs no more."""
_LEAST_LEARNT = 108
_LEAST_DISTANCE = 0.25


class SubspaceWindows:
    """How far a value and the spans around it are from how they usually go together.

    A point is described by its value and the means of 1, 2, 4, 8 and 16 samples before and after it, each where the one
    before ends: two and a half hours on either side at 5 minutes. Its distance is Mahalanobis' in these eleven numbers,
    whose covariance is learnt from the past with its outliers cut off. A sudden value, a step, a level that stays and
    roughness are each far in some direction. Two views are averaged: deviations from what the time of day lets expect,
    and the values as they are.

    Args:
        subject_of: what each series tells of. Series of one subject are judged together, by the root of their mean
            squared distance: the row that is furthest has the subject's score, the others in proportion; series of no
            subject are unknown. None: each series by itself.

    Assumption: neighbouring values are related by the same covariances as before.
    Fails: in the middle of what lasts longer than some hours, where a point agrees with its neighbours; where the past
        was restless enough to hold the like; where neighbours are not related linearly (states, bursts).
    Cost: 0.0008 s a series on one core for a day against two weeks at 5 minutes.
    Source: P. C. Mahalanobis, On the Generalized Distance in Statistics, 1936; on windows as in J. E. Jackson and
        G. S. Mudholkar, Control Procedures for Residuals Associated with Principal Component Analysis, 1979.
    """

    name = "subspace"

    def __init__(self, subject_of: SubjectOf | None = None) -> None:
        self._subject_of = subject_of

    def score(self, frame: Frame, history: Frame | None) -> Scores:
        """0 is a usual distance, 1 that of the furthest hundredth of the past's points."""
        deviations = Deviations.of(frame, history)
        found = distances(deviations, every_column=False)
        past, judged = found[:, : deviations.past.shape[1]], found[:, found.shape[1] - deviations.grid.points :]
        scores = np.full(deviations.judged.shape, np.nan)
        for rows in self._groups(frame, deviations.profile.known):
            scores[rows, deviations.lead :] = _scores_of_group(past[rows], judged[rows])
        return deviations.scores(scores)

    def _groups(self, frame: Frame, known: npt.NDArray[np.bool_]) -> list[list[int]]:
        rows = np.flatnonzero(known).tolist()
        if self._subject_of is None:
            return [[row] for row in rows]
        return list(rows_by_subject(self._subject_of, frame.keys, rows).values())


def distances(deviations: Deviations, *, every_column: bool) -> FloatArray:
    """Distances of the past's points and the judged ones: 1 is typical, at most ``MOST_DISTANCE``; (series, points).

    Columns are the past's and then the judged ones on the history's grid; only the judged ones where they are their own
    past. NaN for gaps and unknown series.

    Args:
        every_column: whether all of the past is scored, or only what suffices to know its distribution.
    """
    from fleet.detectors.shortlist import span_loops

    views = _views(deviations)
    past_points = deviations.past.shape[1]
    in_sample = views[0].shape[1] == past_points
    follows = deviations.profile.end == deviations.grid.start
    result = np.empty(views[0].shape, dtype=np.float32)

    def work(rows: slice) -> None:
        parts = [
            span_loops.distances(
                view[rows], past_points, follows, every_column or in_sample, _MOST_LEARNT, _LEAST_LEARNT
            )
            for view in views
        ]
        result[rows] = np.mean([np.minimum(part, MOST_DISTANCE) for part in parts], axis=0)

    in_pieces(len(result), work)
    result[~deviations.profile.known] = np.nan
    return result


def together(of_rows: FloatArray) -> FloatArray:
    """One distance of several series: the root of the mean square of those that are known; (points,)."""
    known = np.isfinite(of_rows)
    squares = np.where(known, of_rows, 0).astype(np.float64) ** 2
    count = known.sum(axis=0)
    mean = squares.sum(axis=0) / np.maximum(count, 1)
    return np.where(count > 0, np.sqrt(mean), np.nan).astype(np.float32)


def _views(deviations: Deviations) -> tuple[FloatArray, FloatArray]:
    """Past and judged points as deviations from what their time lets expect, and as values, both in spreads."""
    profile = deviations.profile
    typical = median_last(profile.spread)[:, None]
    judged = (finite(deviations.grid.values) - profile.level[:, None]) / typical
    earlier = profile.past_frame(deviations.frame)
    if earlier is None:
        return deviations.judged, judged
    past = (finite(earlier.values) - profile.level[:, None]) / typical
    after = deviations.judged[:, deviations.lead :]
    return np.concatenate([deviations.past, after], axis=1), np.concatenate([past, judged], axis=1)


def _scores_of_group(past: FloatArray, judged: FloatArray) -> npt.NDArray[np.float64]:
    """Scores of a subject's rows, (rows, points)."""
    usual = together(past).astype(np.float64)
    usual = usual[np.isfinite(usual)]
    if not usual.size:
        return np.full(judged.shape, np.nan)
    score = beyond_usual(together(judged).astype(np.float64), usual, _LEAST_DISTANCE)
    furthest = np.fmax.reduce(judged, axis=0)
    return np.asarray(score * (judged / np.maximum(furthest, np.finfo(np.float32).tiny)))
