"""A value that stands out from the hour around it."""

from __future__ import annotations

import numpy as np

from fleet.detectors.contract import FloatArray, Scores
from fleet.detectors.profile.seasonal import SeasonalProfile, fit_profile
from fleet.detectors.screen.screen import scores_of, window_of
from fleet.frames.frame import Frame

_WINDOW_SECONDS = 3600
_MAD_TO_SIGMA = np.float32(1.4826)
_NARROWEST = np.float32(1.0)
"""In usual spreads: a dozen values tell a scale so badly that a smaller one is not believed."""


class Hampel:
    """How far a value lies from the running median of an hour, in the hour's robust spreads.

    Assumption: over an hour a quiet series moves less than its neighbouring values differ, so that wandering levels,
        late seasons and drift lie in the median.
    Fails: by design for what lasts half an hour and longer; in the last half hour of a frame, where the window
        looks back only.
    Cost: two selections over the frame, 7 ns a value.
    Source: F. R. Hampel, Journal of the American Statistical Association 69, 1974; L. Davies and U. Gather,
        ibid. 88, 1993.
    """

    name = "hampel"
    least = 1.5
    context_seconds = (_WINDOW_SECONDS // 2, _WINDOW_SECONDS // 2)

    def score(self, frame: Frame, history: Frame | None) -> Scores:
        """Absolute distances from the running median in local spreads."""
        profile = fit_profile(frame, history)
        return scores_of(self.signed(profile.standardised(frame), profile, frame.step_seconds), frame, profile)

    def signed(self, deviations: FloatArray, profile: SeasonalProfile, step_seconds: int) -> FloatArray:
        """Positive above the median of the hour around each value."""
        from fleet.detectors.screen.running_median import running_scale

        width, spacing = window_of(_WINDOW_SECONDS, step_seconds)
        medians, distances = running_scale(deviations, width, ahead=width // 2 * spacing, spacing=spacing)
        distances *= _MAD_TO_SIGMA
        signed = np.subtract(deviations, medians, out=medians)
        signed /= np.fmax(distances, _NARROWEST, out=distances)
        return signed
