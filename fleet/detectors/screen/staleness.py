"""A series that vanished although it is usually there."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fleet.detectors.contract import Scores
from fleet.detectors.profile.seasonal import DAY_SECONDS
from fleet.frames.frame import Frame

_USUALLY_THERE = 0.98
"""Share of samples that a series has to have for its absence to mean anything."""
_RECENT_SECONDS = DAY_SECONDS
"""A series that was already gone for this long before the frame is no news."""


class Staleness:
    """How long a gap has lasted, in lengths of the longest gap that the series usually has.

    Assumption: exporters answer at every scrape; a sample that is missing has a reason.
    Fails: for things that come and go by design (pods, jobs), which callers leave out; for series that have gaps by
        construction, which it leaves out itself: below 98% of their samples they score 0.
    Cost: one pass over frame and history.
    Source: run lengths; Prometheus' own staleness marks end a series after a scrape without it.
    """

    name = "staleness"

    def score(self, frame: Frame, history: Frame | None) -> Scores:
        """Length of the gap so far over the usual longest gap; 0 where there is a sample. Signs are 0."""
        missing = ~np.isfinite(frame.values)
        there, longest = _habits(frame, history)
        lengths = _run_lengths(missing) * np.float32(frame.step_seconds)
        if history is None:
            # Before its first sample a series may just not have existed.
            lengths[np.cumsum(~missing, axis=1) == 0] = 0
        lengths[~there] = 0
        scores = np.asarray(lengths / longest[:, None], dtype=np.float32)
        return Scores(values=scores, signs=np.zeros(scores.shape, dtype=np.int8))


def _habits(frame: Frame, history: Frame | None) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.float32]]:
    """Whether each series is usually there, and its longest usual gap in seconds."""
    if history is None:
        seen = np.isfinite(frame.values)
        first, last = _first_and_last(seen)
        share = seen.sum(axis=1) / np.maximum(last - first + 1, 1)
        # A series may have one long gap and still be usually there; the frame alone tells no more.
        there = (seen.sum(axis=1) >= frame.points / 2) & (share > _USUALLY_THERE / 2)
        return there, np.full(len(frame.keys), 300.0, dtype=np.float32)
    rows = {key: row for row, key in enumerate(history.keys)}
    order = np.array([rows.get(key, -1) for key in frame.keys], dtype=np.intp)
    seen = np.isfinite(history.values[order]) if history.keys else np.zeros((len(order), 1), dtype=np.bool_)
    seen = np.where((order >= 0)[:, None], seen, False)
    columns = np.arange(seen.shape[1])[None, :]
    first, last = _first_and_last(seen)
    inside = (columns >= first[:, None]) & (columns <= last[:, None])
    share = seen.sum(axis=1) / np.maximum(inside.sum(axis=1), 1)
    recent = max(1, _RECENT_SECONDS // history.step_seconds)
    there = (share >= _USUALLY_THERE) & seen[:, -recent:].any(axis=1)
    gaps = _run_lengths(~seen & inside).max(axis=1)
    return there, np.asarray((gaps + 1) * history.step_seconds, dtype=np.float32)


def _first_and_last(seen: npt.NDArray[np.bool_]) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """First and last column with a sample; last before first where there is none."""
    some = seen.any(axis=1)
    first = np.where(some, seen.argmax(axis=1), seen.shape[1])
    last = np.where(some, seen.shape[1] - 1 - seen[:, ::-1].argmax(axis=1), -1)
    return first.astype(np.intp), last.astype(np.intp)


def _run_lengths(missing: npt.NDArray[np.bool_]) -> npt.NDArray[np.float32]:
    """For each column the number of missing columns in a row up to it."""
    count = np.cumsum(missing, axis=1, dtype=np.float32)
    reset = np.maximum.accumulate(np.where(missing, 0, count), axis=1)
    return np.asarray(count - reset, dtype=np.float32)
