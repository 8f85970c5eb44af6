"""A series that vanished although it is usually there."""

from __future__ import annotations

import numpy as np

from fleet.detectors.contract import FloatArray, Scores
from fleet.detectors.profile.grid import before
from fleet.detectors.screen.gap_habits import GapHabits, gaps_without_history, learn_gaps, run_lengths
from fleet.frames.frame import Frame


class Staleness:
    """How long a gap has lasted, in lengths of the longest gap that the series usually has.

    Assumption: exporters answer at every scrape; a sample that is missing has a reason.
    Fails: for things that come and go by design (pods, jobs), which callers leave out; for series that have gaps by
        construction, which it leaves out itself: below 98% of their samples they score 0.
    Cost: one pass over the frame, and a few over the series that have a gap.
    Source: run lengths; Prometheus' own staleness marks end a series after a scrape without it.
    """

    name = "staleness"

    def score(self, frame: Frame, history: Frame | None) -> Scores:
        """Length of the gap so far over the usual longest gap; 0 where there is a sample. Signs are 0."""
        if history is not None:
            return self.scores(frame, learn_gaps(before(frame, history)))
        lengths = self._lengths(frame)
        # Before its first sample a series may just not have existed.
        lengths[np.cumsum(np.isfinite(frame.values), axis=1) == 0] = 0
        return _scores(lengths, gaps_without_history(frame))

    def scores(self, frame: Frame, habits: GapHabits) -> Scores:
        """The same against habits that were learnt before, rows in the frame's order."""
        return _scores(self._lengths(frame), habits)

    def _lengths(self, frame: Frame) -> FloatArray:
        """Seconds that each gap has lasted so far."""
        return run_lengths(~np.isfinite(frame.values)) * np.float32(frame.step_seconds)


def _scores(lengths: FloatArray, habits: GapHabits) -> Scores:
    values = np.where(habits.there[:, None], lengths / habits.longest_seconds[:, None], np.float32(0))
    return Scores(values=values, signs=np.zeros(values.shape, dtype=np.int8))
