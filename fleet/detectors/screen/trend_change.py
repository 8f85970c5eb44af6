"""A level that moves over hours, faster than it usually does."""

from __future__ import annotations

from fleet.detectors.contract import FloatArray, Scores
from fleet.detectors.profile.seasonal import SeasonalProfile, fit_profile
from fleet.detectors.screen.screen import change_over, leading_away, points_in, scores_of, window_of
from fleet.frames.frame import Frame

_SPAN_SECONDS = 6 * 3600
_LEVEL_SECONDS = 1800
_PAIRS = 7
"""Half an hour apart over three hours."""


class TrendChange:
    """The robust rise over six hours, where it leads away from what is usual, in spreads per half of that time.

    Values of the later three hours are paired with those three hours before them; the rise is the median
    of the pairs' differences, each of which is taken between medians of half an hour.

    Assumption: on quiet days a series does not move to one side for hours, its daily course taken out.
    Fails: for steps that last less than two hours; its onset is late by hours; where the season is not learnt yet,
        every morning is a trend, and calibration takes the power away.
    Cost: two selections over the frame, 5 ns a value.
    Source: H. Theil, Indagationes Mathematicae 12, 1950 (the incomplete method: values paired half a span apart).
    """

    name = "trend-change"
    least = 1.0
    context_seconds = (_SPAN_SECONDS + _LEVEL_SECONDS, 0)

    def score(self, frame: Frame, history: Frame | None) -> Scores:
        """Absolute rises; the first hours are unknown."""
        profile = fit_profile(frame, history)
        return scores_of(self.signed(profile.standardised(frame), profile, frame.step_seconds), frame, profile)

    def signed(self, deviations: FloatArray, profile: SeasonalProfile, step_seconds: int) -> FloatArray:
        """Positive where the level rises above what was expected."""
        from fleet.detectors.screen.running_median import running_median

        width, spacing = window_of(_LEVEL_SECONDS, step_seconds)
        half = points_in(_SPAN_SECONDS // 2, step_seconds)
        levels = running_median(deviations, width, spacing=spacing)
        rises = running_median(change_over(levels, half), _PAIRS, spacing=max(1, half // (_PAIRS - 1)))
        return leading_away(rises, levels)
