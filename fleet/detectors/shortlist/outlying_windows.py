"""Windows of a series judged by a model of outliers that learnt the windows of its past.

The models are PyOD's, one instance a series: what they give is a score, and nothing else of theirs is used (no
contamination, no threshold, no labels).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np
import numpy.typing as npt

from fleet.detectors.contract import FloatArray, Scores
from fleet.detectors.shortlist.windows import (
    WINDOW_POINTS,
    Deviations,
    Windows,
    beyond_usual,
    point_scores,
    windows_of,
)
from fleet.frames.frame import Frame

MOST_WINDOWS = 2000
"""Windows of the past that a model learns from, evenly spread: bounds time and memory of a series."""
LEAST_WINDOWS = 36
_GRAIN = 0.01
"""Smaller differences, in spreads, mean nothing; noise of this size keeps what is learnt from being constant."""
_LEAST_DISTANCE = 1e-3


class OutlierModel(Protocol):
    """The part of a PyOD model that is used.

    Attributes:
        decision_scores_: after fitting, the scores of the rows that it learnt from.
    """

    decision_scores_: npt.NDArray[np.float64]

    def fit(self, features: npt.NDArray[np.float64]) -> object:
        """Learn from rows of features."""
        ...

    def decision_function(self, features: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Scores of rows of features, higher is more anomalous."""
        ...


def scores_of_windows(frame: Frame, history: Frame | None, model: Callable[[], OutlierModel]) -> Scores:
    """Scores by a model of each series' own: learnt from its history, or from the frame where there is none.

    Args:
        frame: what is judged.
        history: as in the contract.
        model: makes an unfitted model; the same one every time.
    """
    deviations = Deviations.of(frame, history)
    scores = np.full(deviations.judged.shape, np.nan)
    for row in np.flatnonzero(deviations.profile.known):
        scores[row] = _scores_of_series(deviations.past[row], deviations.judged[row], model())
    return deviations.scores(scores)


def _scores_of_series(past: FloatArray, judged: FloatArray, model: OutlierModel) -> npt.NDArray[np.float64]:
    windows, seen = windows_of(past)
    learnt = _features(windows[seen])
    if len(learnt) < LEAST_WINDOWS or judged.size < WINDOW_POINTS:
        return np.full(judged.size, np.nan)
    if len(learnt) > MOST_WINDOWS:
        learnt = learnt[np.linspace(0, len(learnt) - 1, MOST_WINDOWS).astype(np.intp)]
    model.fit(learnt + _GRAIN * np.random.default_rng(0).standard_normal(learnt.shape))
    windows, seen = windows_of(judged)
    of_windows = np.full(len(windows), np.nan)
    if seen.any():
        of_windows[seen] = model.decision_function(_features(windows[seen]))
    return beyond_usual(point_scores(of_windows), model.decision_scores_, _LEAST_DISTANCE)


def _features(windows: Windows) -> npt.NDArray[np.float64]:
    """Level, width, extremes, slope, roughness and last value of windows, (windows, 7), all in spreads."""
    moments = np.arange(WINDOW_POINTS) - (WINDOW_POINTS - 1) / 2
    return np.stack(
        [
            windows.mean(axis=1),
            windows.std(axis=1),
            windows.min(axis=1),
            windows.max(axis=1),
            windows @ (moments * WINDOW_POINTS / (moments @ moments)),
            np.abs(np.diff(windows, axis=1)).mean(axis=1),
            windows[:, -1],
        ],
        axis=1,
    )
