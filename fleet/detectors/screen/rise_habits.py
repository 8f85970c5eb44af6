"""How fast series have filled up in the past, and how full they were: what a forecast of an end must go beyond."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fleet.detectors.contract import FloatArray
from fleet.detectors.profile.blocks import sorted_quantile, to_blocks
from fleet.frames.frame import Frame, SeriesKey
from fleet.frames.pack import Direction, PackQuery, QueryKind, QueryPack

BLOCK_SECONDS = 1800
BLOCKS_A_DAY = 48
WINDOWS = (12, 48)
"""Lengths of time in blocks over which rises are compared: six hours and a day."""
_STEADY = (0.1, 0.5, 0.9)
_LEAST_DAYS = 3
_FULL_SHARE = 1.0
_FRESH_SHARE = np.float32(0.05)
"""A series is where it never was when it is this share of its range beyond it."""


@dataclass(frozen=True)
class RiseHabits:
    """Habits of filling up, one row a series; NaN for those without a bound, or with less than four days of past.

    Levels are room: how far a value is from the bound at which it is full, below 0 beyond it.

    Attributes:
        largest: the largest loss of room over each of ``WINDOWS``, (series, 2).
        steady: quantiles 10%, 50% and 90% of the loss from one day to the same time of the next, (series, 3).
        fresh: room below which the series is clearly where it never was, (series,).
        last_day: room in the last half hours of the past, (series, 48).
        end_seconds: when the past ends, in Unix seconds, (series,).
    """

    largest: FloatArray
    steady: FloatArray
    fresh: FloatArray
    last_day: FloatArray
    end_seconds: npt.NDArray[np.float64]

    @classmethod
    def unknown(cls, count: int, end_seconds: float) -> RiseHabits:
        """Of so many series of whose past, which ended then, nothing is known."""
        return cls(
            _nan(count, len(WINDOWS)),
            _nan(count, len(_STEADY)),
            _nan(count),
            _nan(count, BLOCKS_A_DAY),
            np.full(count, end_seconds),
        )

    def select(self, rows: slice | npt.NDArray[np.intp]) -> RiseHabits:
        """The habits of some series."""
        return RiseHabits(
            self.largest[rows], self.steady[rows], self.fresh[rows], self.last_day[rows], self.end_seconds[rows]
        )


def learn_rises(history: Frame, pack: QueryPack) -> RiseHabits:
    """The habits that a history shows but for its last day, in which what is judged may have begun."""
    habits = RiseHabits.unknown(len(history.keys), history.window.end.timestamp())
    bounded, room = rooms(history, pack)
    if not bounded.size or room.shape[1] <= 2 * BLOCKS_A_DAY:
        return habits
    room, habits.last_day[bounded] = room[:, :-BLOCKS_A_DAY], room[:, -BLOCKS_A_DAY:]
    for window, blocks in enumerate(WINDOWS):
        losses = room[:, :-blocks] - room[:, blocks:]
        habits.largest[bounded, window] = np.fmax.reduce(losses, axis=1, initial=np.float32(0))
    daily = np.sort(room[:, :-BLOCKS_A_DAY] - room[:, BLOCKS_A_DAY:], axis=1)
    for place, share in enumerate(_STEADY):
        habits.steady[bounded, place] = sorted_quantile(daily, share)
    least, most = np.fmin.reduce(room, axis=1), np.fmax.reduce(room, axis=1)
    enough = np.isfinite(room).sum(axis=1) >= _LEAST_DAYS * BLOCKS_A_DAY
    habits.fresh[bounded] = np.where(enough, least - _FRESH_SHARE * (most - least), np.float32(np.nan))
    return habits


def rooms(frame: Frame, pack: QueryPack) -> tuple[npt.NDArray[np.intp], FloatArray]:
    """Rows that can be full, and their room by half hours: (rows, blocks)."""
    bound, side = bounds_of(frame.keys, pack)
    bounded = np.flatnonzero(np.isfinite(bound))
    blocks = to_blocks(frame.select(bounded.tolist()), BLOCK_SECONDS)
    return bounded, side[bounded, None] * (bound[bounded, None] - blocks.values)


def bounds_of(keys: list[SeriesKey], pack: QueryPack) -> tuple[FloatArray, FloatArray]:
    """For each series the value at which it is full (NaN where there is none), and the side (+1 or -1) towards it."""
    queries = {query.id: number for number, query in enumerate(pack.queries)}
    of_query = np.array([*map(_bound_of, pack.queries), (np.nan, 1)], dtype=np.float32)
    rows = of_query[[queries.get(key.query_id, -1) for key in keys]]
    return rows[:, 0], rows[:, 1]


def _bound_of(query: PackQuery) -> tuple[float, float]:
    """A share is full at 1; what else has a critical bound is full there."""
    if query.direction not in {Direction.UP, Direction.DOWN} or query.kind not in {QueryKind.RATIO, QueryKind.GAUGE}:
        return np.nan, 1
    if query.direction is Direction.UP and query.kind is QueryKind.RATIO:
        return _FULL_SHARE, 1
    critical = query.thresholds.critical
    return np.nan if critical is None else critical, 1 if query.direction is Direction.UP else -1


def _nan(*shape: int) -> FloatArray:
    return np.full(shape, np.nan, dtype=np.float32)
