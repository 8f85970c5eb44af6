"""Series of one subject that deviate together, or that no longer do."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fleet.detectors.contract import FloatArray, Scores
from fleet.detectors.shortlist.subjects import SubjectOf, rows_by_subject
from fleet.detectors.shortlist.windows import WINDOW_POINTS, Deviations, beyond_usual, point_scores
from fleet.frames.frame import Frame

_MOST_SPREADS = 20.0
"""Deviations are cut off here: further out is no more evidence, and one wild value must not be a whole covariance."""
_OWN_VARIANCE = 0.1
"""Added to each series' variance, in squared spreads: none is known better than to a third of its spread."""
_MIN_ROWS_SEEN = 0.5
_LEAST_DISTANCE = 0.25
_LEAST_POINTS = 3 * WINDOW_POINTS

Numbers = npt.NDArray[np.float64]


class JointDeviation:
    """How far all series of a pod, node or device are from what is usual, given how they usually move together.

    The squared Mahalanobis distance of a subject's deviations, per series, over an hour's windows. A subject has one
    score; the row that contributes most to it has it whole, the others in proportion to what they contribute.

    Args:
        subject_of: what each series tells of; series of no subject are unknown.

    Assumption: series of one subject move together in the same proportions as before.
    Fails: for subjects with one series, whose score is then that of the series; where the relation of series is not
        linear (queues near saturation); a past shorter than a few windows per series tells no covariance.
    Cost: 0.0006 s a series, less in subjects with many; a day against two weeks at 5 minutes.
    Source: P. C. Mahalanobis, On the Generalized Distance in Statistics, 1936; its parts as in R. Mason, N. Tracy and
        J. Young, Decomposition of T² for Multivariate Control Chart Interpretation, 1995.
    """

    name = "joint-deviation"

    def __init__(self, subject_of: SubjectOf) -> None:
        self._subject_of = subject_of

    def score(self, frame: Frame, history: Frame | None) -> Scores:
        """1 is as far as the subject was in the furthest hundredth of the past's windows."""
        deviations = Deviations.of(frame, history)
        scores = np.full(deviations.judged.shape, np.nan)
        known = np.flatnonzero(deviations.profile.known).tolist()
        for rows in rows_by_subject(self._subject_of, frame.keys, known).values():
            scores[rows] = _scores_of_group(deviations.past[rows], deviations.judged[rows])
        return deviations.scores(scores)


def _scores_of_group(past: FloatArray, judged: FloatArray) -> Numbers:
    """Scores of a subject's rows, (rows, points), from deviations of the past and of the judged frame."""
    learnt, seen = _together(past)
    if seen.sum() < _LEAST_POINTS or judged.shape[1] < WINDOW_POINTS:
        return np.full(judged.shape, np.nan)
    rows = learnt[:, seen]
    covariance = rows @ rows.T / rows.shape[1] + _OWN_VARIANCE * np.eye(len(rows))
    precision = np.linalg.inv(covariance)
    usual = _windowed(_parts(learnt, precision).mean(axis=0), seen)
    values, known = _together(judged)
    parts = np.stack([point_scores(_windowed(part, known)) for part in _parts(values, precision)])
    whole = np.sqrt(np.maximum(parts.mean(axis=0), 0))
    score = beyond_usual(whole, np.sqrt(np.maximum(usual[np.isfinite(usual)], 0)), _LEAST_DISTANCE)
    sizes = np.maximum(parts, 0)
    with np.errstate(invalid="ignore"):
        return np.asarray(score * sizes / np.maximum(sizes.max(axis=0), np.finfo(np.float64).tiny))


def _together(deviations: FloatArray) -> tuple[Numbers, npt.NDArray[np.bool_]]:
    """Deviations of a subject's rows, gaps as if as expected, and the points at which enough of the rows were seen."""
    known = np.isfinite(deviations)
    values = np.where(known, deviations, 0).astype(np.float64).clip(-_MOST_SPREADS, _MOST_SPREADS)
    return values, known.mean(axis=0) >= _MIN_ROWS_SEEN


def _parts(values: Numbers, precision: Numbers) -> Numbers:
    """What each row contributes to the squared distance at each point; the parts of a point sum to it."""
    return np.asarray(values * (precision @ values))


def _windowed(values: Numbers, known: npt.NDArray[np.bool_]) -> Numbers:
    """Means over windows of the known values; NaN where none is known."""
    ones = np.ones(WINDOW_POINTS)
    count = np.convolve(known, ones, "valid")
    total = np.convolve(np.where(known, values, 0), ones, "valid")
    return np.where(count > 0.5, total / np.maximum(count, 1), np.nan)
