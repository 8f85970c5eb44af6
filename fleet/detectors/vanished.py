"""Series of the past that a frame has no row for."""

from __future__ import annotations

from datetime import timedelta

import numpy as np

from fleet.detectors.profile.seasonal import DAY_SECONDS
from fleet.frames.frame import Frame


def with_vanished(frame: Frame, history: Frame | None) -> Frame:
    """The frame with a row of gaps for each series that its history had within a day before it.

    A series that is gone for the whole of a short window has no sample, hence no row, and its absence would
    end unseen when the next window begins. Rows of the frame keep their numbers; the new ones come after them.
    """
    if history is None or not history.keys:
        return frame
    first_day = frame.start - timedelta(seconds=DAY_SECONDS)
    since = max(0, round((first_day - history.start).total_seconds() / history.step_seconds))
    until = max(0, round((frame.start - history.start).total_seconds() / history.step_seconds))
    recent = np.flatnonzero(np.isfinite(history.values[:, since:until]).any(axis=1))
    here = set(frame.keys)
    vanished = [history.keys[row] for row in recent if history.keys[row] not in here]
    if not vanished:
        return frame
    gaps = np.full((len(vanished), frame.points), np.nan, dtype=np.float32)
    return Frame(frame.start, frame.step_seconds, [*frame.keys, *vanished], np.concatenate([frame.values, gaps]))
