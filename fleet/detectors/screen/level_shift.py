"""A level that leaves its usual place for half an hour or more, by a step or by a ramp."""

from __future__ import annotations

from fleet.detectors.contract import FloatArray, Scores
from fleet.detectors.profile.seasonal import SeasonalProfile, fit_profile
from fleet.detectors.screen.screen import scores_of, window_of
from fleet.frames.frame import Frame

_WINDOW_SECONDS = 3600


class LevelShift:
    """The median deviation over the last hour.

    Assumption: an hour's median of a quiet series strays less than its single values, as it does unless
        the series wanders by itself.
    Fails: for shifts shorter than half an hour; its onset is late by half an hour (scans look for it in the values);
        in a series whose level wanders over hours, calibration takes the power away, as it must.
    Cost: one selection over the frame, 3 ns a value.
    Source: the running median as level estimate: J. W. Tukey, Exploratory Data Analysis, 1977; compared with
        the same statistic of the past instead of with a tabled distribution.
    """

    name = "level-shift"
    least = 1.0
    context_seconds = (_WINDOW_SECONDS, 0)

    def score(self, frame: Frame, history: Frame | None) -> Scores:
        """Absolute hourly median deviations; the first half hour is unknown."""
        profile = fit_profile(frame, history)
        return scores_of(self.signed(profile.standardised(frame), profile, frame.step_seconds), frame, profile)

    def signed(self, deviations: FloatArray, profile: SeasonalProfile, step_seconds: int) -> FloatArray:
        """Median deviations of the hour that ends at each value."""
        from fleet.detectors.screen.running_median import running_median

        width, spacing = window_of(_WINDOW_SECONDS, step_seconds)
        return running_median(deviations, width, spacing=spacing)
