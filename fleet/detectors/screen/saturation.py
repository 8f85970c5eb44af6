"""What will be full within days if it goes on like this."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fleet.detectors.contract import FloatArray, Scores
from fleet.detectors.profile.grid import before
from fleet.detectors.screen.rise_habits import (
    BLOCK_SECONDS,
    BLOCKS_A_DAY,
    WINDOWS,
    RiseHabits,
    bounds_of,
    learn_rises,
    rooms,
)
from fleet.frames.frame import Frame
from fleet.frames.pack import QueryPack

_HORIZON_SECONDS = 4 * 86_400
_LEAST_SHARE = np.float32(0.02)
"""Of the bound: a smaller loss of room within a window matters to nobody."""


@dataclass(frozen=True)
class TimeToFull:
    """Seconds from a frame's end until each series is full, (series,): infinite where it does not clearly fill up.

    ``low`` and ``high`` are the edges of a band about ``middle``: the earliest and the latest time. NaN is unknown.
    """

    low: FloatArray
    middle: FloatArray
    high: FloatArray


class Saturation:
    """Four days over the latest time at which a series is full: 1 is four days, 96 an hour; 0 if it does not fill up.

    A share is full at 1, a gauge at its critical bound. The slope is the robust one over the last six hours or the
    last day, where room is lost half as fast again as ever in the past over as long a time; or that of all days of the
    past, where nearly each of them lost room. Whichever fills up sooner counts, and none as long as the series has been
    as full before: so mornings, collected garbage and rotated logs tell nothing.

    Assumption: what fills up goes on as it did for the last hours.
    Fails: for what is full within hours of its first move; where a cycle (a rotation of logs) takes longer than the
        history; for steps, of which it says nothing; a slope that bends is extrapolated as if it did not.
    Cost: medians of half hours, for series with a bound; slopes only for those that lose room faster than ever.
    Source: H. Theil, Indagationes Mathematicae 12, 1950; band of the slope after P. K. Sen, Journal of the American
        Statistical Association 63, 1968.
    """

    name = "saturation"

    def __init__(self, pack: QueryPack) -> None:
        self._pack = pack

    def score(self, frame: Frame, history: Frame | None) -> Scores:
        """Nearness of the end; the sign is the side of the bound. Without a history nothing is known."""
        if history is None:
            return Scores(
                np.full(frame.values.shape, np.nan, dtype=np.float32), np.zeros(frame.values.shape, dtype=np.int8)
            )
        return self.scores(frame, learn_rises(before(frame, history), self._pack))

    def scores(self, frame: Frame, habits: RiseHabits) -> Scores:
        """The same against habits that were learnt before, rows in the frame's order."""
        bounded, times = self._times(frame, habits)
        values = np.full(frame.values.shape, np.nan, dtype=np.float32)
        width = max(1, round(BLOCK_SECONDS / frame.step_seconds))
        nearness = _HORIZON_SECONDS / np.maximum(times[:, :, 2], BLOCK_SECONDS)
        values[bounded] = np.repeat(nearness, width, axis=1)[:, : frame.points]
        values[~np.isfinite(frame.values)] = np.nan
        _, side = bounds_of(frame.keys, self._pack)
        return Scores(values=values, signs=np.where(values > 0, side[:, None], 0).astype(np.int8))

    def time_to_full(self, frame: Frame, habits: RiseHabits) -> TimeToFull:
        """Times counted from the frame's end, for all of its rows."""
        bounded, times = self._times(frame, habits)
        last = np.full((3, len(frame.keys)), np.nan, dtype=np.float32)
        last[:, bounded] = times[:, -1].T
        return TimeToFull(*last)

    def _times(self, frame: Frame, habits: RiseHabits) -> tuple[npt.NDArray[np.intp], FloatArray]:
        """Rows that have a bound, and their earliest, middle and latest seconds to it: (rows, half hours, 3)."""
        from fleet.detectors.screen.robust_slopes import times_to_zero

        bounded, room = rooms(frame, self._pack)
        habits = habits.select(bounded)
        missing = round((frame.start.timestamp() - float(habits.end_seconds.max(initial=0))) / BLOCK_SECONDS)
        unseen = np.full((len(bounded), min(max(missing, 0), BLOCKS_A_DAY)), np.nan, dtype=np.float32)
        levels = np.concatenate([habits.last_day, unseen, room], axis=1)
        bound, _ = bounds_of([frame.keys[row] for row in bounded], self._pack)
        past = np.concatenate([habits.fresh[:, None], habits.largest, habits.steady], axis=1)
        times = np.empty((*room.shape, 3), dtype=np.float32)
        strides = (WINDOWS[0] // 12, WINDOWS[1] // 12)
        times_to_zero(levels, levels.shape[1] - room.shape[1], strides, _LEAST_SHARE * np.abs(bound), past, times)
        return bounded, times * np.float32(BLOCK_SECONDS)
