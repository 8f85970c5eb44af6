"""The part of the contract that detectors share which judge standardised deviations from the seasonal profile."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from fleet.detectors.contract import Detector, FloatArray, Scores
from fleet.detectors.profile.seasonal import SeasonalProfile, band_of
from fleet.frames.frame import Frame
from fleet.frames.window import HISTORY_STEP_SECONDS


class Screen(Detector, Protocol):
    """A detector over whole frames whose score follows from standardised deviations alone.

    The same function scores a frame and the past that it is calibrated against.

    Attributes:
        least: the smallest daily maximum that is believed to be usual, so that constant series do not
            get a threshold of nothing.
        context_seconds: how much before and after a value its score depends on. Of a window that is shorter than a day
            no score is taken whose context is not known: it would be told from less than those of the past were. What
            lacks the time after it is judged by the scan of the next window.
    """

    least: float
    context_seconds: tuple[int, int]

    def signed(self, deviations: FloatArray, profile: SeasonalProfile, step_seconds: int) -> FloatArray:
        """Signed scores, positive above what was expected, from deviations of shape (series, points)."""
        ...


def scores_of(signed: FloatArray, frame: Frame, profile: SeasonalProfile) -> Scores:
    """Signed scores in the form of the contract; series without enough past get NaN."""
    known = profile.known[:, None] & np.isfinite(signed)
    return Scores(
        values=np.where(known, np.abs(signed), np.float32(np.nan)).astype(np.float32),
        signs=np.where(known, np.sign(signed), 0).astype(np.int8),
        baseline=band_of(frame, profile),
    )


def points_in(seconds: int, step_seconds: int) -> int:
    """How many steps fill a time: at least 1."""
    return max(1, round(seconds / step_seconds))


def window_of(seconds: int, step_seconds: int) -> tuple[int, int]:
    """A window of a length: an odd number of values, and how many columns they lie apart.

    On a finer grid than the history's, a window takes every so many columns: it is the same operator on every grid.
    """
    spacing = points_in(HISTORY_STEP_SECONDS, step_seconds)
    return points_in(seconds, spacing * step_seconds) // 2 * 2 + 1, spacing


def change_over(values: FloatArray, columns: int) -> FloatArray:
    """How far each value lies above the one so many columns before it; NaN before there is one."""
    changes = np.empty(values.shape, dtype=np.float32)
    changes[:, :columns] = np.nan
    np.subtract(values[:, columns:], values[:, :-columns], out=changes[:, columns:])
    return changes


def leading_away(changes: FloatArray, levels: FloatArray) -> FloatArray:
    """Changes that lead away from what is usual; 0 for those that lead back to it, NaN where either is unknown."""
    with np.errstate(over="ignore"):
        return np.asarray(changes * (changes * levels >= 0))
