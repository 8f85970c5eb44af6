"""Which series are usually there, and how long their gaps are: learnt from a history."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fleet.detectors.contract import FloatArray
from fleet.detectors.profile.blocks import ROWS_AT_ONCE
from fleet.detectors.profile.seasonal import DAY_SECONDS
from fleet.frames.frame import Frame

Flags = npt.NDArray[np.bool_]
_USUALLY_THERE = 0.98
"""Share of samples that a series has to have for its absence to mean anything."""
_SHORTEST_SECONDS = 300.0
_HALF = 0.5


@dataclass(frozen=True)
class GapHabits:
    """Habits of gaps, one row a series.

    Attributes:
        there: whether the series is usually there, and was within the last day.
        longest_seconds: its longest gap, one step more than what was missing.
    """

    there: Flags
    longest_seconds: FloatArray

    def select(self, rows: slice | npt.NDArray[np.intp]) -> GapHabits:
        """The habits of some series."""
        return GapHabits(self.there[rows], self.longest_seconds[rows])


def learn_gaps(history: Frame) -> GapHabits:
    """The habits that a history shows; what was not there before its first sample may not have existed."""
    count = len(history.keys)
    habits = GapHabits(np.empty(count, dtype=np.bool_), np.empty(count, dtype=np.float32))
    recent = max(1, DAY_SECONDS // history.step_seconds)
    for first in range(0, count, ROWS_AT_ONCE):
        rows = slice(first, first + ROWS_AT_ONCE)
        seen = np.isfinite(history.values[rows])
        share, longest = _shares_and_gaps(seen)
        habits.there[rows] = (share >= _USUALLY_THERE) & seen[:, -recent:].any(axis=1)
        habits.longest_seconds[rows] = (longest + 1) * history.step_seconds
    return habits


def gaps_without_history(frame: Frame) -> GapHabits:
    """What can be said of series of which there is nothing but the judged frame."""
    seen = np.isfinite(frame.values)
    share, _ = _shares_and_gaps(seen)
    # A series may have one long gap and still be usually there; the frame alone tells no more.
    there = (seen.mean(axis=1) >= _HALF) & (share > _USUALLY_THERE / 2)
    return GapHabits(there, np.full(len(frame.keys), _SHORTEST_SECONDS, dtype=np.float32))


def run_lengths(missing: Flags) -> FloatArray:
    """For each column the number of missing columns in a row up to it."""
    lengths = np.zeros(missing.shape, dtype=np.float32)
    rows = np.flatnonzero(missing.any(axis=1))
    count = np.cumsum(missing[rows], axis=1, dtype=np.float32)
    lengths[rows] = count - np.maximum.accumulate(np.where(missing[rows], 0, count), axis=1)
    return lengths


def _shares_and_gaps(seen: Flags) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Share of samples from the first to the last one, and points of the longest gap between them; 0 without any."""
    share, longest = np.ones(len(seen)), np.zeros(len(seen))
    rows = np.flatnonzero(~seen.all(axis=1))
    part = seen[rows]
    points = part.shape[1]
    some = part.any(axis=1)
    first = np.where(some, part.argmax(axis=1), points)
    last = np.where(some, points - 1 - part[:, ::-1].argmax(axis=1), -1)
    columns = np.arange(points)[None, :]
    inside = (columns >= first[:, None]) & (columns <= last[:, None])
    share[rows] = part.sum(axis=1) / np.maximum(inside.sum(axis=1), 1)
    longest[rows] = run_lengths(~part & inside).max(axis=1, initial=0)
    return share, longest
