"""A state that leaves its usual level."""

from __future__ import annotations

import numpy as np

from fleet.detectors.contract import Scores
from fleet.detectors.profile.blocks import finite
from fleet.detectors.profile.grid import before
from fleet.detectors.profile.seasonal import DAY_SECONDS
from fleet.detectors.screen.screen import points_in
from fleet.detectors.screen.state_habits import TOLERANCE, StateHabits, learn_states
from fleet.frames.frame import Frame


class StateChange:
    """How seldom a state was on this side of its usual level: 2 digits mean 1% of the time.

    Assumption: a state has one level at which it rests, and leaving it means something.
    Fails: for states with several levels that are all usual; for one that has been off its level for most of the
        history, which is then its usual level (scans have thresholds for that).
    Cost: one pass over the frame; learning sorts the series that ever change.
    Source: empirical distribution function, with one sample added.
    """

    name = "state-change"

    def score(self, frame: Frame, history: Frame | None) -> Scores:
        """Digits of rareness; 0 at the usual level."""
        past = frame if history is None else before(frame, history)
        return self.scores(frame, learn_states(past, points_in(DAY_SECONDS, past.step_seconds)))

    def scores(self, frame: Frame, habits: StateHabits) -> Scores:
        """The same against habits that were learnt before, rows in the frame's order."""
        away = finite(frame.values) - habits.usual[:, None]
        above, below = away > TOLERANCE, away < -TOLERANCE
        digits = np.where(above, habits.rareness[:, :1], np.where(below, habits.rareness[:, 1:], np.float32(0)))
        return Scores(
            values=np.where(np.isfinite(away), digits, np.float32(np.nan)),
            signs=above.astype(np.int8) - below.astype(np.int8),
        )
