"""A series that varies more than it usually does."""

from __future__ import annotations

import numpy as np

from fleet.detectors.contract import FloatArray, Scores
from fleet.detectors.profile.seasonal import SeasonalProfile, fit_profile
from fleet.detectors.screen.screen import change_over, scores_of, window_of
from fleet.frames.frame import Frame
from fleet.frames.window import HISTORY_STEP_SECONDS

_WINDOW_SECONDS = 3600


class VarianceChange:
    """The median change from one five minutes to the next over the last hour, in spreads; always above.

    What is unusual for a series is told by the same statistic of its past days, as for every screen: one that
    never rests has large changes on each of them. Changes are taken, and not distances from a level, because a level
    that wanders or moves does not lift them.

    Assumption: neighbouring values of a quiet series differ about alike over the day, but for what its spread by
        time of day says.
    Fails: for oscillations of half a day and longer, which are no rougher; a series that becomes calmer than usual
        is not reported; half of an hour has to be seen and rough.
    Cost: one selection over the frame, 4 ns a value.
    Source: J. von Neumann, Annals of Mathematical Statistics 12, 1941 (successive differences as a measure of
        scale that trends do not touch), with the median in place of the mean.
    """

    name = "variance-change"
    least = 0.5
    context_seconds = (_WINDOW_SECONDS + HISTORY_STEP_SECONDS, 0)

    def score(self, frame: Frame, history: Frame | None) -> Scores:
        """Median changes over an hour; the first half hour is unknown."""
        profile = fit_profile(frame, history)
        return scores_of(self.signed(profile.standardised(frame), profile, frame.step_seconds), frame, profile)

    def signed(self, deviations: FloatArray, profile: SeasonalProfile, step_seconds: int) -> FloatArray:
        """Never negative: the change of a series' scale has no side of its own, and more of it is worse."""
        from fleet.detectors.screen.running_median import running_median

        width, spacing = window_of(_WINDOW_SECONDS, step_seconds)
        changes = change_over(deviations, spacing)
        # What was not seen was not rough: the few values beside a gap would tell a scale badly.
        changes[np.isnan(changes)] = 0
        rough = running_median(np.abs(changes, out=changes), width, spacing=spacing)
        rough[np.isnan(deviations)] = np.nan
        return rough
