"""Distance beyond the quartiles of a series' deviations from its seasonal profile."""

from __future__ import annotations

import numpy as np

from fleet.detectors.contract import FloatArray, Scores
from fleet.detectors.profile.seasonal import SeasonalProfile, fit_profile
from fleet.detectors.screen.screen import scores_of
from fleet.frames.frame import Frame

_NARROWEST = np.float32(1.0)
"""In spreads; quartiles of normal values lie 1.35 apart."""


class Interquartile:
    """How many interquartile ranges a value lies beyond the nearer quartile; 0 between them.

    Assumption: half of the history lies within the quartiles, and its tails shrink from there on.
    Fails: for series that rest at one value most of the time both quartiles are that value, and the floor on the
        spread decides; like every score of single values it does not see small shifts that last.
    Cost: one pass over the frame; the quartiles come with the profile.
    Source: J. W. Tukey, Exploratory Data Analysis, 1977 (fences).
    """

    name = "interquartile"
    least = 1.0
    context_seconds = (0, 0)

    def score(self, frame: Frame, history: Frame | None) -> Scores:
        """Distances beyond the fences' inner edges, in interquartile ranges."""
        profile = fit_profile(frame, history)
        return scores_of(self.signed(profile.standardised(frame), profile, frame.step_seconds), frame, profile)

    def signed(self, deviations: FloatArray, profile: SeasonalProfile, step_seconds: int) -> FloatArray:
        """Positive beyond the upper quartile, negative beyond the lower one."""
        lower, upper = profile.quartiles[:, :1], profile.quartiles[:, 1:]
        width = np.fmax(upper - lower, _NARROWEST)
        beyond = np.maximum(deviations - upper, 0) + np.minimum(deviations - lower, 0)
        return np.asarray(beyond / width, dtype=np.float32)
