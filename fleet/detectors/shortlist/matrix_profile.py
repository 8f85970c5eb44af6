"""Windows that resemble nothing of the past."""

from __future__ import annotations

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

_MOST_PAST_POINTS = 20_000
"""Of a longer past the end counts: a window is compared with each of them."""
_PAST_WINDOWS = 150
"""Windows of the past whose own distances say what is usual, evenly spread."""
_LEAST_DISTANCE = 0.5 * WINDOW_POINTS**0.5
"""Half a spread at each point: nearer than that, windows are alike."""


class MatrixProfile:
    """The distance of each window from the most similar one of the past.

    Windows of deviations are compared as they are, in spreads: normalised ones forget level and size, which is what
    most of our anomalies consist of. Where there is no history, windows are compared with the others of the frame that
    they do not overlap.

    Assumption: what is usual happened before, within the past that we have.
    Fails: for what happened once before (a past incident makes its like usual); for noise: every window is then as far
        from all others as an anomaly of that size; slow drifts, which stay near their last form; without a history,
        what lasts longer than two windows resembles itself.
    Cost: 0.05 s a series for a day against two weeks at 5 minutes: windows judged × windows of the past, so quadratic
        in the frame's length where there is no history.
    Source: C.-C. M. Yeh and others, Matrix Profile I, ICDM 2016; distances by stumpy (MASS, not normalised).
    """

    name = "matrix-profile"

    def score(self, frame: Frame, history: Frame | None) -> Scores:
        """1 is as far from its like as the loneliest hundredth of the past's windows."""
        deviations = Deviations.of(frame, history)
        scores = np.full(deviations.judged.shape, np.nan)
        for row in np.flatnonzero(deviations.profile.known):
            past = deviations.past[row, -_MOST_PAST_POINTS:] if history is not None else deviations.past[row]
            scores[row] = _scores_of_series(past, deviations.judged[row], joined=history is not None)
        return deviations.scores(scores)


def _scores_of_series(past: FloatArray, judged: FloatArray, *, joined: bool) -> npt.NDArray[np.float64]:
    """Scores of a series' points; ``joined``: against the past, otherwise the past is the judged series itself."""
    others, usable = windows_of(past)
    places = np.flatnonzero(usable)
    if places.size < 2 * WINDOW_POINTS or judged.size < WINDOW_POINTS:
        return np.full(judged.size, np.nan)
    sample = places[np.linspace(0, places.size - 1, min(_PAST_WINDOWS, places.size)).astype(np.intp)]
    usual = np.array([_nearest(others[place], others, usable, apart_from=place) for place in sample.tolist()])
    windows, seen = windows_of(judged)
    distances = np.full(len(windows), np.nan)
    for place in np.flatnonzero(seen).tolist():
        distances[place] = _nearest(windows[place], others, usable, apart_from=None if joined else place)
    usual = usual[np.isfinite(usual)]
    return beyond_usual(point_scores(distances), usual, _LEAST_DISTANCE)


def _nearest(
    window: npt.NDArray[np.float64], others: Windows, usable: npt.NDArray[np.bool_], *, apart_from: int | None
) -> float:
    """Euclidean distance of a window to the nearest usable one, those that overlap ``apart_from`` left out."""
    import stumpy

    series = np.concatenate([others[:, 0], others[-1, 1:]])
    distances = stumpy.mass(window, series, normalize=False)
    distances[~usable] = np.inf
    if apart_from is not None:
        distances[max(0, apart_from - WINDOW_POINTS + 1) : apart_from + WINDOW_POINTS] = np.inf
    nearest = float(distances.min())
    return nearest if np.isfinite(nearest) else np.nan
