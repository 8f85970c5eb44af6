"""A state that leaves its usual level."""

from __future__ import annotations

import numpy as np

from fleet.detectors.contract import FloatArray, Scores
from fleet.detectors.profile.blocks import finite, median_last
from fleet.frames.frame import Frame

_TOLERANCE = np.float32(1e-6)


class StateChange:
    """How seldom a state was on this side of its usual level: 2 digits mean 1% of the time.

    Assumption: a state has one level at which it rests, and leaving it means something.
    Fails: for states with several levels that are all usual; for one that has been off its level for most of the
        history, which is then its usual level (scans have thresholds for that).
    Cost: one pass over frame and history.
    Source: empirical distribution function, with one sample added.
    """

    name = "state-change"

    def score(self, frame: Frame, history: Frame | None) -> Scores:
        """Digits of rareness; 0 at the usual level."""
        values = finite(frame.values)
        past = _past_of(frame, values, history)
        usual = median_last(past)[:, None]
        above, below = _rareness(past, usual, 1), _rareness(past, usual, -1)
        away = values - usual
        digits = np.where(away > _TOLERANCE, above, np.where(away < -_TOLERANCE, below, 0))
        known = np.isfinite(away)
        return Scores(
            values=np.where(known, digits, np.nan).astype(np.float32),
            signs=np.where(known & (np.abs(away) > _TOLERANCE), np.sign(away), 0).astype(np.int8),
        )


def _past_of(frame: Frame, values: FloatArray, history: Frame | None) -> FloatArray:
    if history is None:
        return values
    rows = {key: row for row, key in enumerate(history.keys)}
    order = np.array([rows.get(key, -1) for key in frame.keys], dtype=np.intp)
    past = finite(history.values[order]) if history.keys else np.full((len(order), 1), np.nan, dtype=np.float32)
    past[order < 0] = np.nan
    return past


def _rareness(past: FloatArray, usual: FloatArray, side: int) -> FloatArray:
    seen = np.isfinite(past).sum(axis=1)
    with np.errstate(invalid="ignore"):
        beyond = (side * (past - usual) > _TOLERANCE).sum(axis=1)
    return np.asarray(-np.log10((beyond + 1) / (seen + 1)), dtype=np.float32)[:, None]
