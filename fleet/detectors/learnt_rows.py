"""What a past tells of each series by itself, a part of the series at a time.

What like series tell each other needs all of them: ``learnt``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Self, TypeVar

import numpy as np

from fleet.detectors.catalogue import screens
from fleet.detectors.contract import FloatArray
from fleet.detectors.families import Family, Gauges, maxima_of_past
from fleet.detectors.part import Ints, Part
from fleet.detectors.profile.seasonal import DAY_SECONDS, SeasonalProfile, fit_profile
from fleet.detectors.rules import RowRules
from fleet.detectors.screen.count_rates import Moments, moments_of
from fleet.detectors.screen.gap_habits import GapHabits, learn_gaps
from fleet.detectors.screen.rise_habits import RiseHabits, learn_rises
from fleet.detectors.screen.state_habits import StateHabits, learn_states
from fleet.frames.frame import Frame, SeriesKey
from fleet.frames.pack import QueryPack

_ROWS_AT_ONCE = 1024
"""Series whose past is unfolded at a time: bounds memory."""
_Columns = TypeVar("_Columns", GapHabits, StateHabits, RiseHabits, Moments)


@dataclass(frozen=True)
class LearntRows:
    """What the past tells of some series, each by itself.

    Attributes:
        grid: of the past, without series.
        gauges: maxima of its days, (series, days, screens, 2).
        moments: of those of them that count events.
    """

    keys: list[SeriesKey]
    grid: Frame
    profile: SeasonalProfile
    gauges: FloatArray
    gaps: GapHabits
    states: StateHabits
    rises: RiseHabits
    moments: Moments

    @classmethod
    def of(cls, past: Frame, pack: QueryPack) -> Self:
        """What a past tells; counters come as rates."""
        rules = RowRules.of(past.keys, pack, past.step_seconds)
        family, slots = Gauges(screens()), _slots(past)
        profiles, maxima = [], room_for(family, len(past.keys), past)
        for rows in some_at_once(np.arange(len(past.keys))):
            part = _part(past, rules, rows)
            chosen = np.flatnonzero(family.judges(part.rules) & part.profile.known)
            if chosen.size:
                whole = chosen.size == rows.size
                maxima[rows[chosen]] = maxima_of_past(family, part if whole else part.select(chosen))
            profiles.append(replace(part.profile, past=None))
        return cls(
            past.keys,
            past.select([]),
            _joined_profile(profiles),
            maxima,
            learn_gaps(past),
            _states(past, rules, slots),
            learn_rises(past, pack),
            moments_of(past.select(np.flatnonzero(rules.counted).tolist()), slots),
        )

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """What was learnt of all parts' series, whose pasts are on one grid."""
        return cls(
            [key for each in parts for key in each.keys],
            parts[0].grid,
            _joined_profile([each.profile for each in parts]),
            np.concatenate([each.gauges for each in parts]),
            _joined([each.gaps for each in parts]),
            _joined([each.states for each in parts]),
            _joined([each.rises for each in parts]),
            _joined([each.moments for each in parts]),
        )


def room_for(family: Family, count: int, past: Frame) -> FloatArray:
    """Room for the maxima of the days of a past, (series, days, detectors, 2): nothing is known yet."""
    days = max(1, -(-past.points // _slots(past)))
    return np.full((count, days, len(family.names), 2), np.nan, dtype=np.float32)


def some_at_once(rows: Ints) -> Iterator[Ints]:
    """Rows, so many at a time that their past unfolded is little."""
    for first in range(0, len(rows), _ROWS_AT_ONCE):
        yield rows[first : first + _ROWS_AT_ONCE]


def _slots(past: Frame) -> int:
    return max(1, DAY_SECONDS // past.step_seconds)


def _part(past: Frame, rules: RowRules, rows: Ints) -> Part:
    """Some rows of the past with their profile."""
    part = past.select(rows.tolist())
    after = Frame(past.window.end, past.step_seconds, part.keys, np.empty((len(rows), 0), dtype=np.float32))
    return Part(rows, part, fit_profile(after, part), rules.select(rows))


def _states(past: Frame, rules: RowRules, slots: int) -> StateHabits:
    """Habits of states; of what is no state nothing is known."""
    rows = np.flatnonzero(rules.states)
    return learn_states(past.select(rows.tolist()), slots).widened(rows, len(past.keys))


def _joined(parts: list[_Columns]) -> _Columns:
    """What is nothing but arrays with a row a series, of all parts."""
    return type(parts[0])(
        *(np.concatenate(columns) for columns in zip(*(vars(each).values() for each in parts), strict=True))
    )


def _joined_profile(profiles: list[SeasonalProfile]) -> SeasonalProfile:
    columns = {name: np.concatenate([each.columns[name] for each in profiles]) for name in profiles[0].columns}
    return SeasonalProfile.of_columns(columns, profiles[0].end, profiles[0].slot_seconds)
