"""Robust z-score against the seasonal profile."""

from __future__ import annotations

from fleet.detectors.contract import FloatArray, Scores
from fleet.detectors.profile.seasonal import SeasonalProfile, fit_profile
from fleet.detectors.screen.screen import scores_of
from fleet.frames.frame import Frame


class RobustZScore:
    """How many spreads a value lies from what its time of day lets expect.

    Assumption: around its daily profile a series has one level and spreads alike on both sides.
    Fails: for skewed series the longer side decides both thresholds; a shift of less than the day's usual extremes is
        not seen, however long it lasts; an anomaly older than half of the history is the new normal.
    Cost: one pass over the frame; learning sorts the history a few times.
    Source: B. Iglewicz and D. Hoaglin, How to Detect and Handle Outliers, ASQC 1993 (median and MAD).
    """

    name = "robust-zscore"
    least = 2.0
    context_seconds = (0, 0)

    def score(self, frame: Frame, history: Frame | None) -> Scores:
        """Absolute deviations in spreads."""
        profile = fit_profile(frame, history)
        return scores_of(self.signed(profile.standardised(frame), profile, frame.step_seconds), frame, profile)

    def signed(self, deviations: FloatArray, profile: SeasonalProfile, step_seconds: int) -> FloatArray:
        """The deviations themselves."""
        return deviations
