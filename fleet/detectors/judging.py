"""Each kind of series judged by the detectors that fit it, at the chance that a sensitivity allows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from itertools import product
from math import ceil

import numpy as np

from fleet.detectors.calibration.budget import SIDES
from fleet.detectors.calibration.chances import Chances
from fleet.detectors.calibration.ensemble import Ensemble
from fleet.detectors.calibration.second_look import SecondLook
from fleet.detectors.calibration.shortlist import Terms
from fleet.detectors.catalogue import screens
from fleet.detectors.contract import FloatArray, Sensitivity
from fleet.detectors.evidence import Evidence
from fleet.detectors.families import Counts, Family, Gauges, maxima_of_day, points_ahead
from fleet.detectors.learnt import Learnt
from fleet.detectors.part import Ints, Part
from fleet.detectors.rules import STATE_SECONDS, Flags, RowRules
from fleet.detectors.screen.state_change import StateChange
from fleet.detectors.screen.state_habits import StateHabits
from fleet.detectors.screen.threshold import CRITICAL, Threshold
from fleet.frames.frame import Frame

RARE_STATE_DIGITS = 2.0
RARE_STATE_DIGITS_IN_SAMPLE = 0.6
_RESTLESS_STATE_SHARE = 0.02
"""Days on which like states left their level, as a share of all days, above which leaving it is no news."""


@dataclass(frozen=True)
class Judged:
    """A frame on its history's grid with what is usual for it.

    Attributes:
        frame: as it was given; ``points``: the columns of it that a history would have.
        usual: rows in the frame's order.
        chance: of a false finding, per series and day.
        first: the first point that is judged; those before it are context.
    """

    frame: Frame
    points: Frame
    usual: Learnt
    rules: RowRules
    sensitivity: Sensitivity
    chance: float
    first: int = 0

    @property
    def columns_a_point(self) -> int:
        """Columns of the frame from one point to the next."""
        return max(1, self.points.step_seconds // self.frame.step_seconds)

    @property
    def first_column(self) -> int:
        """The frame's column of the first point that is judged."""
        return self.columns(self.first, self.first)[0]

    def columns(self, first: int, last: int) -> tuple[int, int]:
        """The frame's columns from a point up to the one before the point that follows another, both inclusive."""
        offset = round((self.points.start - self.frame.start).total_seconds() / self.frame.step_seconds)
        end = offset + (last + 1) * self.columns_a_point
        return offset + first * self.columns_a_point, min(end, self.frame.points) - 1

    def points_until(self, time: datetime) -> int:
        """How many points there are before a time that is one of them."""
        return round((time - self.points.start).total_seconds() / self.points.step_seconds)

    def part(self, mask: Flags) -> Part:
        """The rows out of those of a mask of which something is known."""
        rows = np.flatnonzero(mask & self.usual.profile.known)
        return Part(np.arange(len(mask)), self.points, self.usual.profile, self.rules, self.first).select(rows)


def evidence_of(judged: Judged, bounds: Threshold, second_looks: Sequence[SecondLook]) -> list[Evidence]:
    """What every detector says that fits a row's kind of value."""
    usual = judged.usual
    evidence = bounded(judged, bounds) + states(judged)
    families: list[tuple[Family, Ensemble | None, Sequence[SecondLook]]] = [
        (Gauges(screens()), usual.gauges, second_looks if usual.gauges is not None else ()),
        (Counts(usual.rates), usual.counts, ()),
    ]
    for family, learnt, looks in families:
        part = judged.part(family.judges(judged.rules))
        if part.rows.size:
            chances = learnt.select(part.rows) if learnt is not None else family.chances_of_body(part)
            evidence += calibrated(judged, part, family, chances, looks)
    return evidence


def calibrated(
    judged: Judged, part: Part, family: Family, chances: Chances, second_looks: Sequence[SecondLook] = ()
) -> list[Evidence]:
    """What a family's detectors say at the chance that the sensitivity allows, one piece a day, detector and side.

    Args:
        part: the rows that the family judges.
        chances: of these rows.
        second_looks: at those that these nearly hold to be anomalous.
    """
    terms = Terms.of(judged.chance, len(second_looks))
    evidence, strongest = [], np.zeros(len(part.rows), dtype=np.float32)
    for day in part.days():
        highest = maxima_of_day(family, day)
        found = np.flatnonzero(_strength(highest, chances.thresholds(terms.screen, day.weekdays)) >= 1)
        if found.size:
            evidence += _evidence(judged, day.select(found), family, chances.select(found), terms.screen)
        if second_looks:
            strength = _strength(highest, chances.thresholds(terms.shortlist, day.weekdays))
            np.fmax(strongest, strength, out=strongest)
    listed = np.argsort(-strongest, kind="stable")[: np.count_nonzero(strongest >= 1)]
    return evidence + [each for look in second_looks for each in _looked_at(judged, part, listed, look, terms.second)]


def _strength(highest: FloatArray, thresholds: FloatArray) -> FloatArray:
    """How many times as high as its threshold the highest of a row's maxima is, (rows,); NaN where none is known."""
    with np.errstate(invalid="ignore"):
        return np.asarray(np.fmax.reduce(highest / thresholds, axis=(1, 2)))


def _looked_at(judged: Judged, part: Part, listed: Ints, look: SecondLook, chance: float) -> list[Evidence]:
    """What a detector says of the shortlist at its own chance."""
    again = look.part(part, listed)
    if again is None:
        return []
    chances = look.chances(again)
    if chances is None:
        return []
    return [each for day in again.days() for each in _evidence(judged, day, look.family, chances, chance)]


def _evidence(judged: Judged, day: Part, family: Family, chances: Chances, chance: float) -> list[Evidence]:
    """Where the scores of rows that are anomalous on a day pass their thresholds."""
    scored = family.of_frame(day)
    thresholds = chances.thresholds(chance, day.weekdays)
    first = judged.points_until(day.points.start)

    def chance_of(detector: int, place: int, row: int, score: float) -> float:
        scores = np.full((1, *thresholds.shape[1:]), score, dtype=np.float32)
        return float(chances.select(slice(row, row + 1)).chances(scores, day.weekdays)[0, detector, place])

    late = points_ahead(family, judged.points.step_seconds)
    evidence = []
    for (detector, name), (place, side) in product(enumerate(family.names), enumerate(SIDES)):
        scores = np.asarray(side * scored.signed[detector] * scored.weights)
        needed = np.where(day.sides[:, place], thresholds[:, detector, place], np.float32(np.inf))
        chance_here = partial(chance_of, detector, place)
        found = Evidence.of((name, side), day.rows, scores, needed, day.rules.shortest, chance_here)
        evidence.append(replace(found, late=late[detector]).placed(first, judged.points.points))
    return evidence


def states(judged: Judged) -> list[Evidence]:
    """States that left a level which they seldom leave; those that are restless among their like do not count."""
    rows = np.flatnonzero(judged.rules.states)
    if not rows.size:
        return []
    habits = judged.usual.states.select(rows)
    result = StateChange().scores(judged.points.select(rows.tolist()), habits)
    in_sample = judged.usual.in_sample
    needed = RARE_STATE_DIGITS_IN_SAMPLE if in_sample else RARE_STATE_DIGITS
    seconds = STATE_SECONDS[judged.sensitivity]
    shortest = np.full(len(rows), max(1, ceil(seconds / judged.points.step_seconds)), dtype=np.intp)
    evidence = []
    for place, side in enumerate(SIDES):
        scores = np.where(result.signs == side, result.values, 0).astype(np.float32)
        watched = judged.rules.sided(side)[rows]
        if not in_sample:
            watched &= _restful(habits, judged.rules.pools[rows], place)
        thresholds = np.where(watched, np.float32(needed), np.float32(np.inf))
        evidence.append(Evidence.of((StateChange.name, side), rows, scores, thresholds, shortest))
    return evidence


def _restful(habits: StateHabits, pools: Ints, place: int) -> Flags:
    """Rows that never left their level on this side, among series that seldom do."""
    days = np.bincount(pools, weights=habits.days)[pools]
    days_off = np.bincount(pools, weights=habits.days_off[:, place])[pools]
    restless = days_off > _RESTLESS_STATE_SHARE * np.maximum(1, days)
    return np.asarray((habits.days_off[:, place] == 0) & ~restless)


def bounded(judged: Judged, bounds: Threshold) -> list[Evidence]:
    """Points beyond the pack's critical bound: they count however usual they are."""
    rules = judged.rules
    passed = bounds.score(judged.points, None)
    known = rules.measured | rules.counted | rules.states
    with np.errstate(invalid="ignore"):
        rows = np.flatnonzero(known & (passed.values >= CRITICAL).any(axis=1))
    needed = np.full(len(rows), CRITICAL, dtype=np.float32)
    evidence = []
    for side in SIDES:
        scores = np.where(passed.signs[rows] == side, passed.values[rows], np.float32(0))
        evidence.append(Evidence.of((Threshold.name, side), rows, scores, needed, rules.shortest[rows]))
    return evidence
