"""At which level a state rests, and how seldom it leaves it: learnt from a history."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fleet.detectors.contract import FloatArray
from fleet.detectors.profile.blocks import ROWS_AT_ONCE, day_folds, finite, median_last
from fleet.frames.frame import Frame

TOLERANCE = np.float32(1e-6)
"""Levels that differ by less are one."""
_ABOVE, _BELOW = 0, 1


@dataclass(frozen=True)
class StateHabits:
    """Habits of states, one row a series; the last dimension of pairs is above and below the usual level.

    Attributes:
        usual: the level at which it rests, (series,); NaN where no value is known.
        rareness: digits of how seldom it was off that level, with one sample added, (series, 2): 2 is 1% of the time.
        days_off: days on which it was, (series, 2).
        days: days on which it was seen, (series,).
    """

    usual: FloatArray
    rareness: FloatArray
    days_off: npt.NDArray[np.int32]
    days: npt.NDArray[np.int32]

    @classmethod
    def unknown(cls, count: int) -> StateHabits:
        """Of so many series of which nothing is known."""
        return cls(
            np.full(count, np.nan, dtype=np.float32),
            np.zeros((count, 2), dtype=np.float32),
            np.zeros((count, 2), dtype=np.int32),
            np.zeros(count, dtype=np.int32),
        )

    def select(self, rows: slice | npt.NDArray[np.intp]) -> StateHabits:
        """The habits of some series."""
        return StateHabits(self.usual[rows], self.rareness[rows], self.days_off[rows], self.days[rows])

    def widened(self, rows: npt.NDArray[np.intp], count: int) -> StateHabits:
        """These series among ``count``, of whose others nothing is known."""
        habits = StateHabits.unknown(count)
        for name, column in vars(habits).items():
            column[rows] = getattr(self, name)
        return habits


def learn_states(history: Frame, points_a_day: int) -> StateHabits:
    """The habits that a history shows; days are counted back from its end."""
    count = len(history.keys)
    habits = StateHabits.unknown(count)
    for first in range(0, count, ROWS_AT_ONCE):
        rows = slice(first, first + ROWS_AT_ONCE)
        _learn_rows(finite(history.values[rows]), points_a_day, habits.select(rows))
    return habits


def _learn_rows(values: FloatArray, points_a_day: int, into: StateHabits) -> None:
    into.usual[:] = _medians(values)
    folded = day_folds(values, points_a_day)
    known = np.isfinite(folded)
    seen = known.sum(axis=(1, 2))
    into.days[:] = known.any(axis=2).sum(axis=1)
    away = folded - into.usual[:, None, None]
    for side, off in ((_ABOVE, away > TOLERANCE), (_BELOW, away < -TOLERANCE)):
        into.rareness[:, side] = -np.log10((off.sum(axis=(1, 2)) + 1) / (seen + 1))
        into.days_off[:, side] = off.any(axis=2).sum(axis=1)


def _medians(values: FloatArray) -> FloatArray:
    """Medians along the rows; most states never change, and need no sorting."""
    medians: FloatArray = np.fmin.reduce(values, axis=1)
    moving = np.flatnonzero(medians < np.fmax.reduce(values, axis=1))
    medians[moving] = median_last(values[moving])
    return medians
