"""Each kind of series judged by the detectors that fit it, at the chance that a sensitivity allows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
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
from fleet.detectors.families import Counts, Family, Gauges, Ints, Part, maxima_of_frame, points_ahead
from fleet.detectors.learnt import Learnt
from fleet.detectors.profile.seasonal import DAY_SECONDS
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
    def points_a_day(self) -> int:
        """Points of the history's grid in a day."""
        return max(1, DAY_SECONDS // self.points.step_seconds)

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

    @property
    def weekdays(self) -> list[int]:
        """The weekdays on which what is judged lies, Monday 0."""
        first, last = self.points.time_at(self.first), self.points.time_at(self.points.points - 1)
        days = (last.date() - first.date()).days
        return sorted({(first.weekday() + day) % 7 for day in range(days + 1)})

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
    """What a family's detectors say at the chance that the sensitivity allows, one piece a detector and side.

    Args:
        part: the rows that the family judges.
        chances: of these rows.
        second_looks: at those that these nearly hold to be anomalous.
    """
    terms = Terms.of(judged.chance, len(second_looks))
    highest = np.fmax.reduce(maxima_of_frame(family, part, judged.points_a_day), axis=1)
    found, _ = _passing(highest, chances.thresholds(terms.screen, judged.weekdays))
    evidence = _evidence(judged, part.select(found), family, chances.select(found), terms.screen) if found.size else []
    if second_looks:
        rows, strength = _passing(highest, chances.thresholds(terms.shortlist, judged.weekdays))
        listed = rows[np.argsort(-strength, kind="stable")]
        evidence += [each for look in second_looks for each in _looked_at(judged, part, listed, look, terms.second)]
    return evidence


def _passing(highest: FloatArray, thresholds: FloatArray) -> tuple[Ints, FloatArray]:
    """Rows of which a daily maximum passes its threshold, and by how many times."""
    with np.errstate(invalid="ignore"):
        strength = np.fmax.reduce(highest / thresholds, axis=(1, 2))
        rows = np.flatnonzero(strength >= 1)
    return rows, strength[rows]


def _looked_at(judged: Judged, part: Part, listed: Ints, look: SecondLook, chance: float) -> list[Evidence]:
    """What a detector says of the shortlist at its own chance."""
    again = look.part(part, listed)
    if again is None:
        return []
    chances = look.chances(again)
    return [] if chances is None else _evidence(judged, again, look.family, chances, chance)


def _evidence(judged: Judged, part: Part, family: Family, chances: Chances, chance: float) -> list[Evidence]:
    """Where the scores of rows that are anomalous pass their thresholds."""
    scored = family.of_frame(part)
    thresholds = chances.thresholds(chance, judged.weekdays)

    def chance_of(detector: int, place: int, row: int, score: float) -> float:
        scores = np.full((1, *thresholds.shape[1:]), score, dtype=np.float32)
        return float(chances.select(slice(row, row + 1)).chances(scores, judged.weekdays)[0, detector, place])

    late = points_ahead(family, judged.points.step_seconds)
    evidence = []
    for (detector, name), (place, side) in product(enumerate(family.names), enumerate(SIDES)):
        scores = np.asarray(side * scored.signed[detector] * scored.weights)
        needed = np.where(part.sides[:, place], thresholds[:, detector, place], np.float32(np.inf))
        chance_here = partial(chance_of, detector, place)
        found = Evidence.of((name, side), part.rows, scores, needed, part.rules.shortest, chance_here)
        evidence.append(replace(found, late=late[detector]))
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
