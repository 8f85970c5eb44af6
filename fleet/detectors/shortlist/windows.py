"""Sliding windows of deviations from the seasonal profile, and windows' scores as scores of points.

Detectors of the shortlist judge windows of twelve points of the history's grid: an hour of 5-minute samples. A point's
score is the mean of those of the windows that hold it, which sees an anomaly from its first point to its last.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fleet.detectors.contract import FloatArray, Scores
from fleet.detectors.profile.grid import decimated
from fleet.detectors.profile.seasonal import SeasonalProfile, band_of, fit_profile
from fleet.frames.frame import Frame

WINDOW_POINTS = 12
_MIN_SEEN = 0.75
"""A window with fewer of its points than this says nothing; smaller gaps are drawn straight."""
_USUAL_EXTREME = 0.99

Windows = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Deviations:
    """A frame's series and their past as deviations in spreads, on the history's grid.

    Attributes:
        frame: what is judged, on its own grid.
        grid: the same on the history's.
        profile: what is usual for its series.
        past: (series, points), NaN where unknown; the judged frame itself where there is no history. Each day as judged
            by the others, but for the first ones, whose level nothing foretold.
        judged: (series, lead + points): the last columns of the past, so that the first point of the frame already has
            its windows, and then the frame's.
        lead: how many columns of ``judged`` lie before the frame.
    """

    frame: Frame
    grid: Frame
    profile: SeasonalProfile
    past: FloatArray
    judged: FloatArray
    lead: int

    @classmethod
    def of(cls, frame: Frame, history: Frame | None) -> Deviations:
        """Learn the profiles of a frame's series and apply them."""
        profile = fit_profile(frame, history)
        grid = decimated(frame, profile.slot_seconds)
        judged = profile.standardised(grid)
        earlier = profile.past_frame(frame)
        if earlier is None:
            return cls(frame, grid, profile, judged, judged, 0)
        foretold = profile.standardised_past()
        rows, days, slots = foretold.shape
        foretold = foretold.reshape(rows, days * slots)[:, days * slots - earlier.points :]
        past = np.where(np.isfinite(foretold), foretold, profile.standardised(earlier))
        lead = min(WINDOW_POINTS - 1, earlier.points) if profile.end == grid.start else 0
        before = past[:, past.shape[1] - lead :]
        return cls(frame, grid, profile, past, np.concatenate([before, judged], axis=1), lead)

    def scores(self, values: npt.NDArray[np.floating]) -> Scores:
        """Scores of ``judged``'s shape in the form of the contract: a column of the frame has its last grid point's."""
        since = self.frame.timestamps() - self.grid.start.timestamp()
        columns = np.maximum(since // self.grid.step_seconds, 0).astype(np.intp)
        known = np.isfinite(self.frame.values) & self.profile.known[:, None]
        placed = np.where(known, values[:, self.lead :][:, columns], np.nan).astype(np.float32)
        sides = np.sign(self.profile.standardised(self.frame))
        return Scores(
            values=placed,
            signs=np.where(np.isfinite(placed) & (placed > 0), sides, 0).astype(np.int8),
            baseline=band_of(self.frame, self.profile),
        )


def windows_of(deviations: FloatArray) -> tuple[Windows, npt.NDArray[np.bool_]]:
    """All windows of one series, (points - 11, 12), gaps drawn straight, and which of them were seen well enough.

    A series that is shorter than a window, or has no value, gives no window that was seen.
    """
    known = np.isfinite(deviations)
    if deviations.size < WINDOW_POINTS or not known.any():
        count = max(0, deviations.size - WINDOW_POINTS + 1)
        return np.zeros((count, WINDOW_POINTS)), np.zeros(count, dtype=np.bool_)
    columns = np.arange(deviations.size)
    filled = np.interp(columns, columns[known], deviations[known].astype(np.float64))
    seen = np.lib.stride_tricks.sliding_window_view(known, WINDOW_POINTS).mean(axis=1) >= _MIN_SEEN
    return np.lib.stride_tricks.sliding_window_view(filled, WINDOW_POINTS), seen


def point_scores(of_windows: Windows) -> Windows:
    """The mean score of the windows that hold each point; NaN in ``of_windows`` is a window that says nothing."""
    known = np.isfinite(of_windows)
    ones = np.ones(WINDOW_POINTS)
    count = np.convolve(known, ones)
    total = np.convolve(np.where(known, of_windows, 0), ones)
    # Sums of so few ones are exact, but for rounding of the convolution.
    return np.where(count > 0.5, total / np.maximum(count, 1), np.nan)


def beyond_usual(scores: Windows, usual: Windows, least: float) -> Windows:
    """Scores so that 0 is the usual window's and 1 that of the strangest hundredth of usual ones; never negative.

    Args:
        scores: of the judged windows, NaN where unknown.
        usual: of the past's windows, all known, at least one.
        least: the smallest distance between the two that is believed, so that constant series do not explode.
    """
    middle, extreme = np.quantile(usual, (0.5, _USUAL_EXTREME))
    return np.asarray(np.maximum((scores - middle) / max(extreme - middle, least), 0))
