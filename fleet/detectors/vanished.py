"""Series of the past that a frame has no row for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import numpy.typing as npt

from fleet.detectors.trained_state import TrainedState
from fleet.frames.frame import Frame, SeriesKey

_RECENT = timedelta(days=1)
_LAST_SEEN = "last_seen"


def last_seen(history: Frame) -> npt.NDArray[np.float64]:
    """The time of each series' last sample (Unix seconds; NaN for none)."""
    seen = np.isfinite(history.values)
    last = history.points - 1 - np.argmax(seen[:, ::-1], axis=1)
    times = np.where(seen.any(axis=1), history.start.timestamp() + history.step_seconds * last, np.nan)
    return np.asarray(times, dtype=np.float64)


def with_last_seen(state: TrainedState, times: npt.NDArray[np.float64]) -> TrainedState:
    """What was learnt of a history, with ``last_seen`` of its series."""
    return replace(state, columns={**state.columns, _LAST_SEEN: times})


def with_vanished(
    frame: Frame, state: TrainedState, holds: Callable[[SeriesKey], bool], since: datetime | None = None
) -> Frame:
    """The frame with a row of gaps for each series that its past had within a day before what is judged.

    A series that is gone for the whole of a short window has no sample, hence no row, and its absence would
    end unseen when the next window begins. Rows of the frame keep their numbers; the new ones come after them.

    Args:
        frame: some of a cluster's series.
        state: what was learnt of its past.
        holds: whether a series of the past would be among those of the frame.
        since: from when on the frame is judged; its start where that is None.
    """
    recently = ((since or frame.start) - _RECENT).timestamp()
    here = set(frame.keys)
    recent = np.flatnonzero(state.columns[_LAST_SEEN] >= recently)
    vanished = [key for row in recent.tolist() if holds(key := state.keys[row]) and key not in here]
    if not vanished:
        return frame
    gaps = np.full((len(vanished), frame.points), np.nan, dtype=np.float32)
    return Frame(frame.start, frame.step_seconds, [*frame.keys, *vanished], np.concatenate([frame.values, gaps]))
