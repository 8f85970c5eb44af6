"""What a series usually does: level, season and spread, learnt robustly from its history.

The foundation that the detectors share. A value is expected to be ``level + season`` and to stray about ``spread``
from it, where season and spread are told by slot: a stretch of the day as long as the history's step.

- The time-of-day season is the median over the days of each slot, smoothed over its neighbours, and shrunk by how much
  of it can be told from noise (James and Stein's estimate in its empirical Bayes form). It needs 3 days.
- From 3 weeks on there is a weekday season, too: what a weekday differs by from its week, likewise shrunk. With less,
  a weekend's lower traffic widens the spread instead of being expected.
- The level is that of the last week, or, for a series that drifts, that of its last 3 days: whichever would have
  foretold each day of the history better.
- The spread of a slot is shrunk to that of the series, and never falls below what the values can resolve, 1% of the
  level, and half of what the mean absolute deviation says: a constant series does not explode.

Each day of the history is judged as if it had not been seen: with season and spread of the other days, and a level
foretold from the days before it (in the first week, where they are too few for a week's level, from the others of that
week). The profile for the day after leaves out the oldest day instead, so that it knows as many. What holds for the
days of the past then holds for a day never seen. The spreads of the days differ in their course alone, and have one
size: a wild day widens the spread of all others, and would be the wilder beside them, if its own were left as it is.

Without a history the frame is its own: level and spread of the frame, no season.

Spreads are 1e-9 at least: values that differ by less are constant. A series that reaches 1e20 is beyond what float32
can square, and is unknown.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from fleet.detectors.contract import Baseline, FloatArray
from fleet.detectors.profile.grid import before, decimated
from fleet.detectors.profile.learning import learn
from fleet.detectors.profile.pieces import in_pieces
from fleet.frames.frame import Frame
from fleet.frames.window import HISTORY_STEP_SECONDS

DAY_SECONDS = 86_400
_MIN_KNOWN_SECONDS = 12 * 3600
"""A series with less history than this is new: nothing is usual for it yet."""
_MIN_KNOWN_WITHOUT_HISTORY_SECONDS = 3 * 3600


class Season(StrEnum):
    """A rhythm that was learnt."""

    TIME_OF_DAY = "time of day"
    WEEKDAY = "weekday"


@dataclass(frozen=True)
class Past:
    """The history that a profile was learnt from; rows are the profile's.

    Attributes:
        values: (series, points) in steps of a slot, up to the profile's ``end``; NaN for unknown series.
        deviations: each day as judged by a profile that did not see it, in spreads, (series, days, slots): days counted
            back from the end. NaN for gaps, and for days whose level nothing foretold: the first 3 of each series.
    """

    values: FloatArray
    deviations: FloatArray

    def select(self, rows: slice | npt.NDArray[np.intp]) -> Past:
        """The past of some rows."""
        return Past(self.values[rows], self.deviations[rows])


@dataclass(frozen=True)
class SeasonalProfile:
    """What is usual for each series of a frame; rows are the frame's.

    Attributes:
        season: deviation from the level, (series, 1) where none was learnt, by slot of the day, (series, slots), or by
            slot of the week, (series, 7 × slots); counted from ``end``.
        spread: scale by slot of the day, (series, slots), above zero where the series is known.
        level: what is expected after the history, without season, (series,).
        band: quantiles 0.5% and 99.5% of the standardised past, (series, 2).
        quartiles: 25% and 75% of it, (series, 2).
        reached: the range of the past's values, but for 0.2% of its samples on either side, (series, 2).
        known: whether there is enough past to judge a series.
        days: how much of a past each series has, (series,).
        end: where the past ends (UTC).
        slot_seconds: length of a slot and step of the past.
        in_sample: whether the past is the judged frame itself.
        past: what it was learnt from; None where a stored profile was read back.
    """

    season: FloatArray
    spread: FloatArray
    level: FloatArray
    band: FloatArray
    quartiles: FloatArray
    reached: FloatArray
    known: npt.NDArray[np.bool_]
    days: FloatArray
    end: datetime
    slot_seconds: int
    in_sample: bool
    past: Past | None = None

    @classmethod
    def of_columns(cls, columns: Mapping[str, npt.NDArray[Any]], end: datetime, slot_seconds: int) -> Self:
        """A stored profile: what ``columns`` gave, with the facts that hold for all its series."""
        known: dict[str, Any] = {name: columns[name] for name in _COLUMNS}
        return cls(**known, end=end, slot_seconds=slot_seconds, in_sample=False)

    @property
    def columns(self) -> dict[str, npt.NDArray[Any]]:
        """All that was learnt, as arrays with one row a series."""
        return {name: getattr(self, name) for name in _COLUMNS}

    @property
    def slots(self) -> int:
        """Slots of a day."""
        return int(self.spread.shape[1])

    @property
    def seasons(self) -> tuple[Season, ...]:
        """The rhythms that were learnt."""
        if self.season.shape[1] == 1:
            return ()
        return (Season.TIME_OF_DAY,) if self.season.shape[1] == self.slots else (Season.TIME_OF_DAY, Season.WEEKDAY)

    def select(self, rows: slice | npt.NDArray[np.intp]) -> SeasonalProfile:
        """The profile of some rows."""
        chosen: dict[str, Any] = {name: column[rows] for name, column in self.columns.items()}
        return replace(self, **chosen, past=None if self.past is None else self.past.select(rows))

    def aligned(self, rows: npt.NDArray[np.intp]) -> SeasonalProfile:
        """The profile for other series, without its past.

        Args:
            rows: for each of them its row here, or -1 for one that is new: nothing is known of it.
        """
        here = rows >= 0
        chosen: dict[str, Any] = {}
        for name, column in self.columns.items():
            chosen[name] = np.full((len(rows), *column.shape[1:]), _UNKNOWN[column.dtype.kind], dtype=column.dtype)
            chosen[name][here] = column[rows[here]]
        return replace(self, **chosen, past=None)

    def past_frame(self, frame: Frame) -> Frame | None:
        """The past of a frame's series as a frame, rows in the same order; None where there is no other than it."""
        if self.in_sample or self.past is None:
            return None
        start = self.end - timedelta(seconds=self.slot_seconds * self.past.values.shape[1])
        return Frame(start, self.slot_seconds, frame.keys, self.past.values)

    def days_of(self, frame: Frame) -> npt.NDArray[np.intp]:
        """The day in which each column of a frame lies, as those of the past are counted: 0 begins where it ends."""
        return self._places(frame) // self.slots

    def slots_of(self, frame: Frame) -> npt.NDArray[np.intp]:
        """The slot of the day in which each column of a frame lies."""
        return self._places(frame) % self.slots

    def expected(self, frame: Frame) -> FloatArray:
        """What is expected at each point of a frame: level and season; (series, points)."""
        return np.asarray(self.level[:, None] + self.season[:, self._places(frame) % self.season.shape[1]])

    def standardised(self, frame: Frame) -> FloatArray:
        """Deviations from what is expected, in spreads: of the judged frame's rows, after the history."""
        deviations = np.empty(frame.values.shape, dtype=np.float32)
        self._standardise(frame, slice(None), deviations)
        return deviations

    def judge_in_pieces(self, frame: Frame, use: Callable[[slice, FloatArray], None]) -> None:
        """The deviations of a frame's rows, a piece of them at a time, so that never all of them are in memory.

        Args:
            use: takes the rows of a piece and their deviations, (rows of the piece, points), which are gone
                when it returns. It is called for several pieces at once, and writes nothing but what belongs to its
                rows.
        """

        def work(rows: slice) -> None:
            deviations = np.empty((rows.stop - rows.start, frame.points), dtype=np.float32)
            self._standardise(frame, rows, deviations)
            use(rows, deviations)

        in_pieces(len(frame.keys), work)

    def _standardise(self, frame: Frame, rows: slice, deviations: FloatArray) -> None:
        from fleet.detectors.profile.deviation_loops import standardise_rows

        places = self._places(frame)
        firsts = np.flatnonzero(np.diff(places, prepend=places[:1] - 1))
        runs = np.stack(
            [
                firsts,
                np.append(firsts[1:], frame.points),
                places[firsts] % self.season.shape[1],
                places[firsts] % self.slots,
            ],
            axis=1,
        )
        standardise_rows(frame.values[rows], self.level[rows], self.season[rows], self.spread[rows], runs, deviations)

    def standardised_past(self) -> FloatArray:
        """The deviations of each day of the past, in spreads, as judged by a profile that did not see it.

        Returns:
            (series, days, slots); see ``Past.deviations``.

        Raises:
            ValueError: the profile was stored, and has no past.
        """
        if self.past is None:
            raise ValueError("a stored profile does not hold the past that it was learnt from")
        return self.past.deviations

    def _places(self, frame: Frame) -> npt.NDArray[np.intp]:
        """In which slot since the end of the past each column lies."""
        since = frame.timestamps() - self.end.timestamp()
        return np.asarray(np.floor(since / self.slot_seconds).astype(np.intp))


_COLUMNS = tuple(
    field.name for field in fields(SeasonalProfile) if field.name not in {"end", "slot_seconds", "in_sample", "past"}
)


_UNKNOWN = {"b": False, "f": np.nan}


def fit_profile(frame: Frame, history: Frame | None) -> SeasonalProfile:
    """Learn what is usual for the series of a frame.

    Args:
        frame: what will be judged; only its keys count, unless there is no history.
        history: earlier values on a coarser grid. Columns at or after the frame's start are left out: nothing is judged
            by itself.
    """
    in_sample = history is None or history.start >= frame.start
    if history is None or in_sample:
        past, least = decimated(frame, HISTORY_STEP_SECONDS), _MIN_KNOWN_WITHOUT_HISTORY_SECONDS
    else:
        past, least = before(frame, history), _MIN_KNOWN_SECONDS
    learnt = learn(past.values, max(1, DAY_SECONDS // past.step_seconds), seasonal=not in_sample)
    seconds = learnt.samples * past.step_seconds
    return SeasonalProfile(
        season=learnt.season,
        spread=learnt.spread,
        level=learnt.level,
        band=learnt.band,
        quartiles=learnt.quartiles,
        reached=learnt.reached,
        known=seconds >= least,
        days=(seconds / DAY_SECONDS).astype(np.float32),
        end=past.window.end,
        slot_seconds=past.step_seconds,
        in_sample=in_sample,
        past=None if in_sample else Past(past.values, learnt.deviations),
    )


def baseline_of(frame: Frame, history: Frame | None) -> Baseline:
    """The usual range of every series on the frame's own grid; NaN for series without enough past."""
    return band_of(frame, fit_profile(frame, history))


def band_of(frame: Frame, profile: SeasonalProfile) -> Baseline:
    """The usual range that a profile gives on a frame's grid: where the central 99% of the past lay."""
    middle = np.where(profile.known[:, None], profile.expected(frame), np.float32(np.nan))
    spread = profile.spread[:, profile.slots_of(frame)]
    low = middle + spread * np.minimum(profile.band[:, :1], 0)
    # What never was negative is not expected to be.
    low = np.where(profile.reached[:, :1] >= 0, np.maximum(low, 0), low)
    return Baseline(
        low=np.asarray(low, dtype=np.float32),
        middle=np.asarray(middle, dtype=np.float32),
        high=np.asarray(middle + spread * np.maximum(profile.band[:, 1:], 0), dtype=np.float32),
    )
