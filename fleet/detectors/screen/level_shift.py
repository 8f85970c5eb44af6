"""A level that leaves its usual place for an hour or more, by a step or by a ramp."""

from __future__ import annotations

import numpy as np

from fleet.detectors.contract import FloatArray, Scores
from fleet.detectors.profile.blocks import median_last
from fleet.detectors.profile.seasonal import SeasonalProfile, fit_profile
from fleet.detectors.screen.screen import scores_of
from fleet.frames.frame import Frame

_WINDOW_SECONDS = 3600
_MIN_SHARE = 0.5


class LevelShift:
    """The median deviation over the last hour, anew every half hour.

    Assumption: an hour's median of a quiet series strays less than its single values, as it does unless
        the series wanders by itself.
    Fails: for shifts shorter than half an hour; its onset is late by up to an hour (scans look for it in the values);
        in a series whose level wanders over hours, calibration takes the power away, as it must.
    Cost: sorts each value of the frame twice, in rows of an hour.
    Source: the running median as level estimate: J. W. Tukey, Exploratory Data Analysis, 1977; compared with
        the same statistic of the past instead of with a tabled distribution.
    """

    name = "level-shift"
    share = 0.4
    least = 1.0

    def score(self, frame: Frame, history: Frame | None) -> Scores:
        """Absolute hourly median deviations; the first half hour is unknown."""
        profile = fit_profile(frame, history)
        return scores_of(self.signed(profile.standardised(frame), profile, frame.step_seconds), frame, profile)

    def signed(self, deviations: FloatArray, profile: SeasonalProfile, step_seconds: int) -> FloatArray:
        """Hourly median deviations, each held over the half hour in which its window ends."""
        half = max(1, round(_WINDOW_SECONDS / 2 / step_seconds))
        rows, points = deviations.shape
        halves = -(-points // half)
        if halves < 2:
            return np.full_like(deviations, np.nan)
        padded = np.pad(deviations, ((0, 0), (0, halves * half - points)), constant_values=np.nan)
        folded = padded.reshape(rows, halves, half)
        windows = np.concatenate([folded[:, :-1], folded[:, 1:]], axis=2)
        seen = np.isfinite(windows).mean(axis=2)
        medians = np.where(seen >= _MIN_SHARE, median_last(windows), np.float32(np.nan))
        held = np.repeat(medians, half, axis=1)
        start = np.full((rows, half), np.nan, dtype=np.float32)
        return np.ascontiguousarray(np.concatenate([start, held], axis=1)[:, :points])
