"""What a series usually does: level, time-of-day profile and spread, learnt robustly from its history.

The foundation that the detectors share. A value is expected to be ``level + season[slot]`` and to stray about
``spread[slot]`` from it, where a slot is a stretch of the day as long as the history's step.

- The season is the median over the days of each slot, smoothed over its neighbours, and shrunk by how much of it can
  be told from noise (James and Stein's estimate in its empirical Bayes form). It needs 3 days; from less, the
  baseline is a level without season. There is no weekday season: two weeks hold each weekday only twice, so
  that a weekend's lower traffic widens the spread instead of being expected.
- The level is that of the whole history, or, for a series that drifts, that of its last 3 days: whichever would have
  foretold each day of the history better. Inside the history each day is judged with the level that would
  have been foretold for it, so that residuals there are as large as those of a day never seen.
- The spread of a slot is shrunk to that of the series, and never falls below what the values can resolve, 1% of the
  level, and half of what the mean absolute deviation says: a constant series does not explode.

Without a history the frame is its own: level and spread of the frame, no season.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import numpy.typing as npt

from fleet.detectors.contract import Baseline, FloatArray
from fleet.detectors.profile.blocks import ROWS_AT_ONCE, day_folds, finite, sorted_quantile, to_blocks
from fleet.detectors.profile.robust_fit import levels_of, season_of, spread_of
from fleet.frames.frame import Frame
from fleet.frames.window import HISTORY_STEP_SECONDS

DAY_SECONDS = 86_400
MIN_SEASON_DAYS = 3
BAND = (0.005, 0.995)
"""The quantiles of the history that bound the usual range."""
REACHED = (0.002, 0.998)
"""The quantiles between which the past's values lie, whatever the time of day."""
_MIN_KNOWN_SECONDS = 12 * 3600
"""A series with less history than this is new: nothing is usual for it yet."""
_MIN_KNOWN_WITHOUT_HISTORY_SECONDS = 3 * 3600
_QUARTILES = (0.25, 0.75)


@dataclass(frozen=True)
class SeasonalProfile:
    """What is usual for each series of a frame; rows are the frame's.

    Attributes:
        season: deviation from the level by slot of the day, (series, slots).
        spread: scale by slot of the day, (series, slots), above zero where the series is known.
        level: what is expected after the history, without season, (series,).
        past: the history's own values, (series, points), rows in the frame's order; NaN for unknown series.
        day_levels: what would have been foretold for each day of ``past``, (series, days).
        band: quantiles 0.5% and 99.5% of the standardised past, (series, 2).
        quartiles: 25% and 75% of it, (series, 2).
        reached: the range of the past's values, but for 0.2% of its samples on either side, (series, 2).
        known: whether there is enough past to judge a series.
        days: how much of a past each series has, (series,).
        end: where the past ends (UTC); ``slot_seconds``: length of a slot and step of ``past``.
        in_sample: whether the past is the judged frame itself.
    """

    season: FloatArray
    spread: FloatArray
    level: FloatArray
    past: FloatArray
    day_levels: FloatArray
    band: FloatArray
    quartiles: FloatArray
    reached: FloatArray
    known: npt.NDArray[np.bool_]
    days: FloatArray
    end: datetime
    slot_seconds: int
    in_sample: bool

    @property
    def slots(self) -> int:
        """Slots of a day."""
        return int(self.season.shape[1])

    def select(self, rows: slice | npt.NDArray[np.intp]) -> SeasonalProfile:
        """The profile of some rows."""
        return SeasonalProfile(
            self.season[rows],
            self.spread[rows],
            self.level[rows],
            self.past[rows],
            self.day_levels[rows],
            self.band[rows],
            self.quartiles[rows],
            self.reached[rows],
            self.known[rows],
            self.days[rows],
            self.end,
            self.slot_seconds,
            self.in_sample,
        )

    def past_frame(self, frame: Frame) -> Frame | None:
        """The past of a frame's series as a frame, rows in the same order; None where it is the frame itself."""
        if self.in_sample:
            return None
        start = self.end - timedelta(seconds=self.slot_seconds * self.past.shape[1])
        return Frame(start, self.slot_seconds, frame.keys, self.past)

    def slots_of(self, frame: Frame) -> npt.NDArray[np.intp]:
        """The slot in which each column of a frame lies."""
        since = frame.timestamps() - self.end.timestamp()
        return ((since % DAY_SECONDS) // self.slot_seconds).astype(np.intp) % self.slots

    def standardised(self, frame: Frame) -> FloatArray:
        """Deviations from what is expected, in spreads: of the judged frame's rows, after the history."""
        slots = self.slots_of(frame)
        expected = self.level[:, None] + self.season[:, slots]
        return np.asarray((finite(frame.values) - expected) / self.spread[:, slots], dtype=np.float32)

    def standardised_past(self) -> FloatArray:
        """The past's deviations in spreads, folded into days: (series, days, slots)."""
        folded = day_folds(self.past, self.slots)
        residual = folded - self.day_levels[:, :, None] - self.season[:, None, :]
        return np.asarray(residual / self.spread[:, None, :], dtype=np.float32)


def fit_profile(frame: Frame, history: Frame | None) -> SeasonalProfile:
    """Learn what is usual for the series of a frame.

    Args:
        frame: what will be judged; only its keys count, unless there is no history.
        history: earlier values on a coarser grid. Columns at or after the frame's start are left out: nothing is judged
            by itself.
    """
    past = _past(frame, history)
    slots = max(1, DAY_SECONDS // past.step_seconds)
    seasonal = past.points * past.step_seconds >= MIN_SEASON_DAYS * DAY_SECONDS and history is not None
    count, days = len(past.keys), max(1, -(-past.points // slots))
    fitted = _Fitted.empty(count, days, slots)
    for first in range(0, count, ROWS_AT_ONCE):
        rows = slice(first, first + ROWS_AT_ONCE)
        _fit_rows(past.values[rows], seasonal=seasonal, into=fitted.view(rows))
    samples = np.isfinite(past.values).sum(axis=1)
    least = _MIN_KNOWN_SECONDS if history is not None else _MIN_KNOWN_WITHOUT_HISTORY_SECONDS
    return SeasonalProfile(
        season=fitted.season,
        spread=fitted.spread,
        level=fitted.level,
        past=past.values,
        day_levels=fitted.day_levels,
        band=fitted.quantiles[:, [0, 3]],
        quartiles=fitted.quantiles[:, [1, 2]],
        reached=fitted.reached,
        known=samples * past.step_seconds >= least,
        days=(samples * past.step_seconds / DAY_SECONDS).astype(np.float32),
        end=past.window.end,
        slot_seconds=past.step_seconds,
        in_sample=history is None,
    )


def baseline_of(frame: Frame, history: Frame | None) -> Baseline:
    """The usual range of every series on the frame's own grid; NaN for series without enough past."""
    return band_of(frame, fit_profile(frame, history))


def band_of(frame: Frame, profile: SeasonalProfile) -> Baseline:
    """The usual range that a profile gives on a frame's grid: where the central 99% of the past lay."""
    slots = profile.slots_of(frame)
    level = np.where(profile.known, profile.level, np.float32(np.nan))
    middle = level[:, None] + profile.season[:, slots]
    spread = profile.spread[:, slots]
    low = middle + spread * np.minimum(profile.band[:, :1], 0)
    # What never was negative is not expected to be.
    low = np.where(profile.reached[:, :1] >= 0, np.maximum(low, 0), low)
    return Baseline(
        low=np.asarray(low, dtype=np.float32),
        middle=np.asarray(middle, dtype=np.float32),
        high=np.asarray(middle + spread * np.maximum(profile.band[:, 1:], 0), dtype=np.float32),
    )


@dataclass(frozen=True)
class _Fitted:
    """Where the fits of blocks of rows are written."""

    season: FloatArray
    spread: FloatArray
    level: FloatArray
    day_levels: FloatArray
    quantiles: FloatArray
    reached: FloatArray

    @classmethod
    def empty(cls, count: int, days: int, slots: int) -> _Fitted:
        def blank(*shape: int) -> FloatArray:
            return np.full(shape, np.nan, dtype=np.float32)

        return cls(
            blank(count, slots),
            blank(count, slots),
            blank(count),
            blank(count, days),
            blank(count, 4),
            blank(count, 2),
        )

    def view(self, rows: slice) -> _Fitted:
        return _Fitted(
            self.season[rows],
            self.spread[rows],
            self.level[rows],
            self.day_levels[rows],
            self.quantiles[rows],
            self.reached[rows],
        )


def _past(frame: Frame, history: Frame | None) -> Frame:
    """The history's rows in the frame's order, or the frame itself in blocks where there is no history."""
    if history is None or history.start >= frame.start:
        return to_blocks(frame, HISTORY_STEP_SECONDS)
    before = (frame.start - history.start).total_seconds() / history.step_seconds
    points = max(1, min(history.points, int(np.ceil(before))))
    known = {key: row for row, key in enumerate(history.keys)}
    values = np.full((len(frame.keys), points), np.nan, dtype=np.float32)
    pairs = [(row, known[key]) for row, key in enumerate(frame.keys) if key in known]
    if pairs:
        here, there = np.array(pairs).T
        values[here] = finite(history.values[there, :points])
    return Frame(history.start, history.step_seconds, frame.keys, values)


def _fit_rows(values: FloatArray, *, seasonal: bool, into: _Fitted) -> None:
    slots = into.season.shape[1]
    folded = day_folds(values, slots)
    season = season_of(folded) if seasonal else np.zeros((values.shape[0], slots), dtype=np.float32)
    deseasoned = folded - season[:, None, :]
    levels, level = levels_of(deseasoned)
    residual = deseasoned - levels[:, :, None]
    spread = spread_of(residual, level, values, seasonal=seasonal)
    flat = (residual / spread[:, None, :]).reshape(values.shape[0], -1)
    flat.sort(axis=1)
    into.season[:] = season
    into.spread[:] = spread
    into.level[:] = level
    into.day_levels[:] = levels
    for column, share in enumerate((BAND[0], *_QUARTILES, BAND[1])):
        into.quantiles[:, column] = sorted_quantile(flat, share)
    ordered = np.sort(values, axis=1)
    for column, share in enumerate(REACHED):
        into.reached[:, column] = sorted_quantile(ordered, share)
