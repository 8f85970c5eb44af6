"""Windows of many lengths around each point of a series, and how far they lie from those of its past, compiled."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fleet.detectors.compiled import compiled
from fleet.detectors.contract import FloatArray

DOUBLINGS = 5
"""Spans before and after a point: 1, 2, 4, 8 and 16 samples, each where the one before ends."""
_FEATURES = 1 + 2 * DOUBLINGS
_WINSOR = 5.0
"""In robust spreads: past anomalies count for no more than this when covariances are learnt."""
_LEAST_SHARE_OF_DEVIATION = 0.1
_LEAST_SCALE = 0.01
_MAD_TO_SIGMA = 1.4826
_RIDGE = 0.01
_LEAST_VARIANCE = 0.1

Numbers = npt.NDArray[np.float64]
Columns = npt.NDArray[np.intp]


@compiled
def distances(
    values: FloatArray, past_points: int, follows: bool, every_column: bool, most_learnt: int, least_learnt: int
) -> FloatArray:
    """Each point's distance from the past, given how its spans usually go together: 1 is typical.

    Args:
        values: (series, points), the past's columns first; NaN for gaps.
        past_points: how many columns are the past's, from which is learnt.
        follows: whether the columns after the past follow it in time; else spans do not reach across.
        every_column: whether all of the past is scored, or only the columns that were learnt from.
        most_learnt: columns that are learnt from, at most, evenly spread; bounds the time of a series.
        least_learnt: known columns of the past below which a series has no distances.

    Returns:
        (series, points); NaN in gaps, but for their outermost samples, and where not asked for.
    """
    result = np.full(values.shape, np.nan, dtype=np.float32)
    points = values.shape[1]
    for row in range(values.shape[0]):
        series = _small_gaps_filled(values[row])
        known = np.flatnonzero(np.isfinite(series[:past_points]))
        if known.size < least_learnt:
            continue
        count = min(known.size, most_learnt)
        learnt = known[(np.arange(count) * known.size) // count]
        totals, counts = _running_sums(series)
        walls = (0, points if follows else past_points)
        spans = _spans_at(series, totals, counts, learnt, walls)
        centre, scale, whitener = _learn(spans)
        if every_column:
            learnt = known
            spans = _spans_at(series, totals, counts, learnt, walls)
        _put_distances(spans, centre, scale, whitener, learnt, result[row])
        judged = past_points + np.flatnonzero(np.isfinite(series[past_points:]))
        spans = _spans_at(series, totals, counts, judged, (0 if follows else past_points, points))
        _put_distances(spans, centre, scale, whitener, judged, result[row])
    return result


@compiled
def _small_gaps_filled(values: FloatArray) -> FloatArray:
    """Values in which a missing one is the mean of the two beside it, or the one of them that is known."""
    filled = values.copy()
    for column in range(values.size):
        if not np.isfinite(values[column]):
            before = values[column - 1] if column > 0 else np.float32(np.nan)
            after = values[column + 1] if column + 1 < values.size else np.float32(np.nan)
            if np.isfinite(before) and np.isfinite(after):
                filled[column] = (before + after) / 2
            else:
                filled[column] = before if np.isfinite(before) else after
    return filled


@compiled
def _running_sums(values: FloatArray) -> tuple[Numbers, Numbers]:
    """Sum and number of the known values before each column, and after the last."""
    totals, counts = np.zeros(values.size + 1), np.zeros(values.size + 1)
    for column in range(values.size):
        known = np.isfinite(values[column])
        totals[column + 1] = totals[column] + (values[column] if known else 0.0)
        counts[column + 1] = counts[column] + (1.0 if known else 0.0)
    return totals, counts


@compiled
def _spans_at(
    values: FloatArray, totals: Numbers, counts: Numbers, columns: Columns, walls: tuple[int, int]
) -> Numbers:
    """The value at each column and the means of the spans before and after it; of spans without a value, the value.

    No span reaches before the first of ``walls``, or to the second.
    """
    start, end = walls
    spans = np.empty((columns.size, _FEATURES))
    for place in range(columns.size):
        here = columns[place]
        spans[place, 0] = values[here]
        near = 1
        for doubling in range(DOUBLINGS):
            low, high = max(start, here - 2 * near + 1), max(start, here - near + 1)
            seen = counts[high] - counts[low]
            spans[place, 1 + doubling] = (totals[high] - totals[low]) / seen if seen > 0 else values[here]
            low, high = min(end, here + near), min(end, here + 2 * near)
            seen = counts[high] - counts[low]
            spans[place, 1 + DOUBLINGS + doubling] = (totals[high] - totals[low]) / seen if seen > 0 else values[here]
            near *= 2
    return spans


@compiled
def _learn(spans: Numbers) -> tuple[Numbers, Numbers, Numbers]:
    """Centre and robust scale of each feature, and the matrix that makes scaled features alike and independent."""
    count = spans.shape[0]
    centre, scale = np.empty(_FEATURES), np.empty(_FEATURES)
    scaled = np.empty((_FEATURES, count))
    for feature in range(_FEATURES):
        column = np.ascontiguousarray(spans[:, feature])
        centre[feature] = np.median(column)
        column -= centre[feature]
        typical = _MAD_TO_SIGMA * np.median(np.abs(column))
        scale[feature] = max(typical, _LEAST_SHARE_OF_DEVIATION * np.std(column), _LEAST_SCALE)
        for place in range(count):
            scaled[feature, place] = min(max(column[place] / scale[feature], -_WINSOR), _WINSOR)
        mean = np.mean(scaled[feature])
        for place in range(count):
            scaled[feature, place] -= mean
    covariance = np.dot(scaled, scaled.T) / count
    ridge = _RIDGE * max(np.trace(covariance) / _FEATURES, _LEAST_VARIANCE)
    for feature in range(_FEATURES):
        covariance[feature, feature] += ridge
    return centre, scale, np.linalg.inv(np.linalg.cholesky(covariance))


@compiled
def _put_distances(
    spans: Numbers, centre: Numbers, scale: Numbers, whitener: Numbers, columns: Columns, into: FloatArray
) -> None:
    away = np.empty(_FEATURES)
    for place in range(columns.size):
        for feature in range(_FEATURES):
            away[feature] = (spans[place, feature] - centre[feature]) / scale[feature]
        total = 0.0
        for feature in range(_FEATURES):
            part = 0.0
            for other in range(feature + 1):
                part += whitener[feature, other] * away[other]
            total += part * part
        into[columns[place]] = np.sqrt(total / _FEATURES)
