"""What was learnt from a past: all that judging needs, as plain arrays, and no raw values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np

from fleet.detectors.calibration.budget import SIDES
from fleet.detectors.calibration.ensemble import Ensemble, learn_ensemble
from fleet.detectors.catalogue import screens
from fleet.detectors.contract import FloatArray
from fleet.detectors.families import Counts, Family, Gauges, maxima_of_past
from fleet.detectors.learnt_rows import LearntRows, room_for, some_at_once
from fleet.detectors.part import Part
from fleet.detectors.profile.grid import decimated, rows_in
from fleet.detectors.profile.seasonal import DAY_SECONDS, SeasonalProfile, fit_profile
from fleet.detectors.rules import RowRules
from fleet.detectors.screen.count_rates import (
    CountRates,
    learn_rates,
    rates_of,
    rates_without_each_day,
)
from fleet.detectors.screen.gap_habits import GapHabits, gaps_without_history
from fleet.detectors.screen.rise_habits import RiseHabits
from fleet.detectors.screen.state_habits import StateHabits, learn_states
from fleet.frames.counters import with_rates
from fleet.frames.frame import Frame, SeriesKey
from fleet.frames.pack import QueryPack
from fleet.frames.window import HISTORY_STEP_SECONDS

_FEW_DAYS = 0.5


@dataclass(frozen=True)
class Learnt:
    """What is usual for series; every field has one row a series, in the order of ``keys``.

    Attributes:
        profile: level, season and spread.
        gaps, states, rates, rises: habits of gaps, states and counts, and of filling up.
        gauges, counts: chances of how high a day gets; None where the past is too short to tell. Then scores are
            judged by themselves.
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
        gaps, rises = self.gaps.select(places), self.rises.select(places)
        return Learnt(
            keys,
            self.profile.aligned(rows),
            GapHabits(gaps.there & here, gaps.longest_seconds),
            self.states.select(rows[here]).widened(np.flatnonzero(here), len(keys)),
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
    return None if history is None else learn_in_parts([history], pack, until)


def learn_in_parts(histories: Iterable[Frame], pack: QueryPack, until: datetime | None = None) -> Learnt | None:
    """Learn the same of series that come some at a time: like ones lend each other their tails, so all are given here.

    Args:
        histories: on one grid. One is held at a time; where events are counted, they are gone through twice, since
            how often these come is told by like series together.
        pack: as above.
        until: as above.
    """
    parts = [LearntRows.of(past, pack) for past in _pasts(histories, pack, until)]
    if not parts:
        return None
    rows = LearntRows.joined(parts)
    rules = RowRules.of(rows.keys, pack, rows.grid.step_seconds)
    after, without_day = _rates(rows, rules)
    counts = Counts(after, without_day)
    counted = _maxima_of_counts(counts, _pasts(histories, pack, until), rules, rows)
    return Learnt(
        rows.keys,
        rows.profile,
        rows.gaps,
        rows.states,
        after,
        rows.rises,
        _chances(Gauges(screens()), rows.gauges, rules, rows),
        _chances(counts, counted, rules, rows),
    )


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


def _pasts(histories: Iterable[Frame], pack: QueryPack, until: datetime | None) -> Iterator[Frame]:
    """Histories up to a time, counters as rates; those that hold nothing are left out."""
    for history in histories:
        end = min(until or history.window.end, history.window.end)
        if history.keys and end > history.start:
            yield with_rates(_before(history, end), pack)


def _before(history: Frame, end: datetime) -> Frame:
    points = min(history.points, -int(-(end - history.start).total_seconds() // history.step_seconds))
    if points == history.points:
        return history
    return Frame(history.start, history.step_seconds, history.keys, history.values[:, :points])


def _maxima_of_counts(family: Counts, pasts: Iterator[Frame], rules: RowRules, learnt: LearntRows) -> FloatArray:
    """Maxima of the days of the past of all series, (series, days, 1, 2); NaN for what is no count."""
    judged = family.judges(rules) & learnt.profile.known
    maxima = room_for(family, len(judged), learnt.grid)
    if not judged.any():
        return maxima
    first = 0
    for past in pasts:
        here = np.flatnonzero(judged[first : first + len(past.keys)])
        for places in some_at_once(here):
            rows = first + places
            part = Part(rows, past.select(places.tolist()), learnt.profile.select(rows), rules.select(rows))
            maxima[rows] = maxima_of_past(family, part)
        first += len(past.keys)
    return maxima


def _rates(learnt: LearntRows, rules: RowRules) -> tuple[CountRates, CountRates]:
    """Rates of counts after the past, and for each of its days by the others; NaN for what is no count."""
    rows = np.flatnonzero(rules.counted)
    counted = [learnt.keys[row] for row in rows.tolist()]
    result = []
    for rates in (rates_of(learnt.moments, counted), rates_without_each_day(learnt.moments, counted)):
        wide = []
        for column in (rates.rate, rates.size):
            wide.append(np.full((len(learnt.keys), *column.shape[1:]), np.nan, dtype=np.float32))
            wide[-1][rows] = column
        result.append(CountRates(*wide))
    return result[0], result[1]


def _chances(family: Family, maxima: FloatArray, rules: RowRules, learnt: LearntRows) -> Ensemble | None:
    """Chances of the rows that a family judges; what the others have means nothing."""
    rows = np.flatnonzero(family.judges(rules) & learnt.profile.known)
    if not rows.size:
        return None
    days = maxima.shape[1]
    weekdays = [(learnt.grid.window.end - timedelta(days=days - day)).weekday() for day in range(days)]
    sides = np.stack([rules.sided(side)[rows] for side in SIDES], axis=1)
    ensemble = learn_ensemble(maxima[rows], rules.pools[rows], family.least, weekdays, sides)
    if ensemble is None:
        return None
    # Levels and seasons were learnt from the same days: the fewer they are, the more they flatter themselves.
    seen = np.maximum(learnt.profile.days[rows], _FEW_DAYS)
    fewer = 1 + _FEW_DAYS * (1 / seen - 1 / float(seen.max()))
    return ensemble.scaled(fewer.astype(np.float32)).widened(rows, len(maxima))
