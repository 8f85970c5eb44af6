"""What was learnt from a past: all that judging needs, as plain arrays, and no raw values."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np

from fleet.detectors.calibration.ensemble import Ensemble, learn_ensemble
from fleet.detectors.catalogue import screens
from fleet.detectors.contract import FloatArray
from fleet.detectors.families import Counts, Family, Gauges, maxima_of_past
from fleet.detectors.part import Ints, Part
from fleet.detectors.profile.grid import decimated, rows_in
from fleet.detectors.profile.seasonal import DAY_SECONDS, SeasonalProfile, fit_profile
from fleet.detectors.rules import RowRules
from fleet.detectors.screen.count_rates import CountRates, learn_rates, learn_rates_without_each_day
from fleet.detectors.screen.gap_habits import GapHabits, gaps_without_history, learn_gaps
from fleet.detectors.screen.rise_habits import RiseHabits, learn_rises
from fleet.detectors.screen.state_habits import StateHabits, learn_states
from fleet.frames.counters import with_rates
from fleet.frames.frame import Frame, SeriesKey
from fleet.frames.pack import QueryPack
from fleet.frames.window import HISTORY_STEP_SECONDS

_ROWS_AT_ONCE = 1024
"""Series whose past is unfolded at a time: bounds memory."""
_FEW_DAYS = 0.5


@dataclass(frozen=True)
class Learnt:
    """What is usual for series; every field has one row a series, in the order of ``keys``.

    Attributes:
        profile: level, season and spread.
        gaps, states, rates, rises: habits of gaps, states and counts, and of filling up.
        gauges, counts: chances of how high a day gets; None where the past is too short to tell. Then scores are
            judged by themselves, and no budget is promised.
    """

    keys: list[SeriesKey]
    profile: SeasonalProfile
    gaps: GapHabits
    states: StateHabits
    rates: CountRates
    rises: RiseHabits
    gauges: Ensemble | None
    counts: Ensemble | None

    @property
    def in_sample(self) -> bool:
        """Whether this was learnt from the judged frame itself."""
        return self.profile.in_sample

    @property
    def holds_budget(self) -> bool:
        """Whether the past suffices for a sensitivity's number of false findings to be promised."""
        return self.gauges is not None or self.counts is not None

    @property
    def seasons(self) -> list[str]:
        """The rhythms that were learnt, in words."""
        return [season.value for season in self.profile.seasons]

    def levels(self, keys: list[SeriesKey]) -> FloatArray:
        """What is expected of series after the history, without season; NaN where it is not known."""
        known = np.where(self.profile.known, self.profile.level, np.float32(np.nan))
        # The last row, of which nothing is known, is that of series that are new.
        return np.append(known, np.float32(np.nan)).astype(np.float32)[rows_in(self.keys, keys)]

    def aligned(self, keys: list[SeriesKey]) -> Learnt:
        """The same for other series, in their order; of those that are new nothing is known."""
        if keys == self.keys:
            return self
        rows = rows_in(self.keys, keys)
        here = rows >= 0
        places = np.maximum(rows, 0)
        gaps, states, rises = self.gaps.select(places), self.states.select(places), self.rises.select(places)
        return Learnt(
            keys,
            self.profile.aligned(rows),
            GapHabits(gaps.there & here, gaps.longest_seconds),
            replace(states, usual=np.where(here, states.usual, np.float32(np.nan))),
            self.rates.select(places),
            replace(rises, fresh=np.where(here, rises.fresh, np.float32(np.nan))),
            self.gauges and self.gauges.select(places),
            self.counts and self.counts.select(places),
        )


def learn(history: Frame | None, pack: QueryPack, until: datetime | None = None) -> Learnt | None:
    """Learn what is usual.

    Args:
        history: values on a coarse grid (5 minutes, up to 14 days; from 21 days on weekdays are told apart).
        pack: says what the values are. Rows whose query it lacks are never judged.
        until: columns at or after this time are left out, so that nothing is judged by itself.

    Returns:
        None where there is nothing to learn from.
    """
    if history is None or not history.keys:
        return None
    end = min(until or history.window.end, history.window.end)
    if end <= history.start:
        return None
    past = with_rates(_before(history, end), pack)
    rules = RowRules.of(past.keys, pack, past.step_seconds)
    slots = max(1, DAY_SECONDS // past.step_seconds)
    after, without_day = _rates(past, np.flatnonzero(rules.counted), slots)
    families: list[Family] = [Gauges(screens()), Counts(after, without_day)]
    profiles, maxima = [], [_room(family, past, slots) for family in families]
    for first in range(0, len(past.keys), _ROWS_AT_ONCE):
        rows = np.arange(first, min(first + _ROWS_AT_ONCE, len(past.keys)))
        part = _part(past, rules, rows)
        for family, highest in zip(families, maxima, strict=True):
            chosen = np.flatnonzero(family.judges(part.rules) & part.profile.known)
            if chosen.size:
                whole = chosen.size == rows.size
                highest[rows[chosen]] = maxima_of_past(family, part if whole else part.select(chosen))
        profiles.append(replace(part.profile, past=None))
    profile = _joined(profiles)
    gauges, counts = (
        _chances(family, highest, past, rules, profile) for family, highest in zip(families, maxima, strict=True)
    )
    gaps, states, rises = learn_gaps(past), _states(past, rules, slots), learn_rises(past, pack)
    return Learnt(past.keys, profile, gaps, states, after, rises, gauges, counts)


def learn_from_itself(frame: Frame) -> Learnt:
    """What can be said of a frame without any history: its own level and spread."""
    points = decimated(frame, HISTORY_STEP_SECONDS)
    a_day = max(1, DAY_SECONDS // points.step_seconds)
    return Learnt(
        frame.keys,
        fit_profile(frame, None),
        gaps_without_history(points),
        learn_states(points, a_day),
        learn_rates(points),
        RiseHabits.unknown(len(frame.keys), frame.start.timestamp()),
        None,
        None,
    )


def _before(history: Frame, end: datetime) -> Frame:
    points = min(history.points, -int(-(end - history.start).total_seconds() // history.step_seconds))
    if points == history.points:
        return history
    return Frame(history.start, history.step_seconds, history.keys, history.values[:, :points])


def _part(past: Frame, rules: RowRules, rows: Ints) -> Part:
    """Some rows of the past with their profile."""
    part = past.select(rows.tolist())
    after = Frame(past.window.end, past.step_seconds, part.keys, np.empty((len(rows), 0), dtype=np.float32))
    return Part(rows, part, fit_profile(after, part), rules.select(rows))


def _room(family: Family, past: Frame, slots: int) -> FloatArray:
    days = max(1, -(-past.points // slots))
    return np.full((len(past.keys), days, len(family.names), 2), np.nan, dtype=np.float32)


def _rates(past: Frame, rows: Ints, slots: int) -> tuple[CountRates, CountRates]:
    """Rates of counts after the past, and for each of its days by the others; NaN for what is no count."""
    counts = past.select(rows.tolist())
    result = []
    for learnt in (learn_rates(counts), learn_rates_without_each_day(counts, slots)):
        wide = []
        for column in (learnt.rate, learnt.size):
            wide.append(np.full((len(past.keys), *column.shape[1:]), np.nan, dtype=np.float32))
            wide[-1][rows] = column
        result.append(CountRates(*wide))
    return result[0], result[1]


def _states(past: Frame, rules: RowRules, slots: int) -> StateHabits:
    """Habits of states; of what is no state nothing is known."""
    rows = np.flatnonzero(rules.states)
    return learn_states(past.select(rows.tolist()), slots).widened(rows, len(past.keys))


def _joined(profiles: list[SeasonalProfile]) -> SeasonalProfile:
    columns = {name: np.concatenate([each.columns[name] for each in profiles]) for name in profiles[0].columns}
    return SeasonalProfile.of_columns(columns, profiles[0].end, profiles[0].slot_seconds)


def _chances(
    family: Family, maxima: FloatArray, past: Frame, rules: RowRules, profile: SeasonalProfile
) -> Ensemble | None:
    """Chances of the rows that a family judges; what the others have means nothing."""
    rows = np.flatnonzero(family.judges(rules) & profile.known)
    if not rows.size:
        return None
    days = maxima.shape[1]
    weekdays = [(past.window.end - timedelta(days=days - day)).weekday() for day in range(days)]
    part = Part(rows, past, profile, rules)
    ensemble = learn_ensemble(maxima[rows], rules.pools[rows], family.least, weekdays, part.sides[rows])
    if ensemble is None:
        return None
    # Levels and seasons were learnt from the same days: the fewer they are, the more they flatter themselves.
    seen = np.maximum(profile.days[rows], _FEW_DAYS)
    fewer = 1 + _FEW_DAYS * (1 / seen - 1 / float(seen.max()))
    return ensemble.scaled(fewer.astype(np.float32)).widened(rows, len(past.keys))
