"""One score for every point of a subject: what the pipeline holds of it, before any threshold.

Detectors' findings are stretches, judged day by day against a budget. This is the same knowledge as an order of points,
for reading, plotting and measuring. It joins, per subject,

1. the distance of the values around a point from the past (``SubspaceWindows``), over all series of the subject;
2. what is near: how long an anomaly lasts is not known, from one sample to some hundreds, and no length is more
   probable than its double. So the distance is averaged over windows of 1, 2, 4 … samples on either side, all with the
   same weight;
3. what is in the neighbourhood of the worst: the same for squared distances, with weights that grow with the window.
   It orders what is not remarkable by itself: the quiet hours of an incident come before those of a quiet day.

Both are told as digits: how seldom the past of the same subject is higher, 2 for one point in a hundred. What is near
decides where it is less usual than one point in sixteen; all other points come after these, ordered by their
neighbourhood.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fleet.detectors.contract import FloatArray
from fleet.detectors.shortlist.subjects import SubjectOf, rows_by_subject
from fleet.detectors.shortlist.subspace import distances, together
from fleet.detectors.shortlist.windows import Deviations
from fleet.frames.frame import Frame

_HALF_WIDTHS = tuple(2**doubling for doubling in range(9))
"""In samples of the history's grid: up to 21 hours on either side at 5 minutes."""
_REMARKABLE_DIGITS = float(np.log10(16))
_BEYOND = 0.999
"""Quantile of the past beyond which its highest value is passed in proportion."""

Numbers = npt.NDArray[np.float64]


def point_scores(frame: Frame, history: Frame | None, subject_of: SubjectOf) -> dict[object, FloatArray]:
    """A score of every subject at every point of a frame; higher is more anomalous.

    Args:
        frame: what is judged, of any length.
        history: as in the detectors' contract. Without one the frame is judged by itself.
        subject_of: what each series tells of.

    Returns:
        By subject, in the order of its first series: float32, (frame.points,); NaN where nothing of it is known.
    """
    deviations = Deviations.of(frame, history)
    found = distances(deviations, every_column=True)
    since = frame.timestamps() - deviations.grid.start.timestamp()
    columns = np.maximum(since // deviations.grid.step_seconds, 0).astype(np.intp)
    past_points, points = deviations.past.shape[1], deviations.grid.points
    follows = deviations.profile.end == deviations.grid.start
    parted = [slice(None)] if follows else [slice(past_points), slice(past_points, None)]
    scores: dict[object, FloatArray] = {}
    for subject, rows in rows_by_subject(subject_of, frame.keys, range(len(frame.keys))).items():
        distance = together(found[rows]).astype(np.float64)
        near, around = (
            np.concatenate([_widened(distance[part] ** power, power - 1) for part in parted]) for power in (1, 2)
        )
        joined = _joined(_digits(near, past_points), _digits(around, past_points))
        known = np.isfinite(frame.values[rows]).any(axis=0) & np.isfinite(distance[-points:][columns])
        scores[subject] = np.where(known, joined[-points:][columns], np.nan).astype(np.float32)
    return scores


def _widened(values: Numbers, weight: int) -> Numbers:
    """Means over windows of all widths, averaged with weights that grow with that power of the width."""
    known = np.isfinite(values)
    totals = np.concatenate([[0.0], np.cumsum(np.where(known, values, 0))])
    counts = np.concatenate([[0], np.cumsum(known)])
    columns = np.arange(values.size)
    widened = np.zeros(values.size)
    for half in _HALF_WIDTHS:
        low, high = np.maximum(columns - half, 0), np.minimum(columns + half + 1, values.size)
        seen = counts[high] - counts[low]
        widened += float(half) ** weight * (totals[high] - totals[low]) / np.maximum(seen, 1)
    return widened / sum(float(half) ** weight for half in _HALF_WIDTHS)


def _digits(values: Numbers, past_points: int) -> Numbers:
    """How many digits the share of the past has that is as high; beyond its highest point, by how many times."""
    past = np.sort(values[:past_points])
    as_high = past.size - np.searchsorted(past, values, side="left")
    beyond = np.maximum(values / max(float(np.quantile(past, _BEYOND)), np.finfo(np.float64).tiny), 1)
    digits = -np.log10((as_high + 0.5) / (past.size + 1))
    return np.where(as_high == 0, digits + np.log10(beyond), digits)


def _joined(near: Numbers, around: Numbers) -> Numbers:
    """What is near, where it is remarkable; all else after it, by its neighbourhood."""
    return np.where(near > _REMARKABLE_DIGITS, near, _REMARKABLE_DIGITS * around / (around + 1))
