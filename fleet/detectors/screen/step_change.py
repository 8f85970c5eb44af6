"""A level that moves from one hour to the next."""

from __future__ import annotations

from fleet.detectors.contract import FloatArray, Scores
from fleet.detectors.profile.seasonal import SeasonalProfile, fit_profile
from fleet.detectors.screen.screen import change_over, leading_away, scores_of, window_of
from fleet.frames.frame import Frame

_WINDOW_SECONDS = 3600


class StepChange:
    """The median deviation of the last hour less that of the hour before it, where it leads away from what is usual.

    Assumption: whatever moves a quiet series for days moves it little from one hour to the next.
    Fails: for shifts shorter than half an hour and for ramps over many hours; sees a step for an hour, and not how
        long it lasts; in series without a wandering level it is weaker than the level itself.
    Cost: one selection and three passes over the frame, 4 ns a value.
    Source: difference of running medians on both sides of a point: J. Astola and P. Kuosmanen, Fundamentals of
        Nonlinear Digital Filtering, 1997.
    """

    name = "step-change"
    least = 1.0
    context_seconds = (2 * _WINDOW_SECONDS, 0)

    def score(self, frame: Frame, history: Frame | None) -> Scores:
        """Absolute differences of hourly medians; the first hour and a half are unknown."""
        profile = fit_profile(frame, history)
        return scores_of(self.signed(profile.standardised(frame), profile, frame.step_seconds), frame, profile)

    def signed(self, deviations: FloatArray, profile: SeasonalProfile, step_seconds: int) -> FloatArray:
        """Positive where the level rises above what was expected."""
        from fleet.detectors.screen.running_median import running_median

        width, spacing = window_of(_WINDOW_SECONDS, step_seconds)
        levels = running_median(deviations, width, spacing=spacing)
        return leading_away(change_over(levels, width * spacing), levels)
