"""Each kind of series judged by the detectors that fit it, at the chance that a sensitivity allows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product
from math import ceil

import numpy as np

from fleet.detectors.calibration.budget import SIDES
from fleet.detectors.calibration.chances import Chances, highest
from fleet.detectors.calibration.shortlist import SecondLook, Terms, on_shortlist
from fleet.detectors.catalogue import screens
from fleet.detectors.contract import FloatArray, Sensitivity
from fleet.detectors.evidence import Evidence
from fleet.detectors.families import Counts, Family, Gauges, Ints, Part, maxima_of_frame
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
    """

    frame: Frame
    points: Frame
    usual: Learnt
    rules: RowRules
    sensitivity: Sensitivity

    @property
    def points_a_day(self) -> int:
        """Points of the history's grid in a day."""
        return max(1, DAY_SECONDS // self.points.step_seconds)

    @property
    def columns_a_point(self) -> int:
        """Columns of the frame from one point to the next."""
        return max(1, self.points.step_seconds // self.frame.step_seconds)

    def columns(self, first: int, last: int) -> tuple[int, int]:
        """The frame's columns from a point up to the one before the point that follows another, both inclusive."""
        offset = round((self.points.start - self.frame.start).total_seconds() / self.frame.step_seconds)
        end = offset + (last + 1) * self.columns_a_point
        return offset + first * self.columns_a_point, min(end, self.frame.points) - 1

    def weekdays(self, day: int) -> list[int]:
        """The weekdays on which a day of the window lies, Monday 0."""
        first = day * self.points_a_day
        last = min(first + self.points_a_day, self.points.points) - 1
        return sorted({self.points.time_at(column).weekday() for column in (first, last)})

    def part(self, mask: Flags) -> Part:
        """The rows out of those of a mask of which something is known."""
        rows = np.flatnonzero(mask & self.usual.profile.known)
        return Part(np.arange(len(mask)), self.points, self.usual.profile, self.rules).select(rows)


def evidence_of(judged: Judged, bounds: Threshold, second_looks: Sequence[SecondLook]) -> list[Evidence]:
    """What every detector says that fits a row's kind of value."""
    usual = judged.usual
    evidence = bounded(judged, bounds) + states(judged)
    for family, learnt in ((Gauges(screens()), usual.gauges), (Counts(usual.rates), usual.counts)):
        part = judged.part(family.judges(judged.rules))
        if part.rows.size:
            chances = learnt.select(part.rows) if learnt is not None else family.chances_of_body(part)
            evidence += calibrated(judged, part, family, chances, second_looks)
    return evidence


def calibrated(
    judged: Judged, part: Part, family: Family, chances: Chances, second_looks: Sequence[SecondLook] = ()
) -> list[Evidence]:
    """What a family's detectors say at the chance that the sensitivity allows, one piece a detector and side.

    Args:
        part: the rows that the family judges.
        chances: of these rows.
        second_looks: at those that it nearly holds to be anomalous.
    """
    terms = Terms.of(judged.sensitivity, second_looks)
    maxima = maxima_of_frame(family, part, judged.points_a_day)
    needed = chances.needed(terms.screen)
    threshold = np.full(len(part.rows), np.inf, dtype=np.float32)
    best = np.zeros(len(part.rows), dtype=np.float32)
    for day in range(maxima.shape[1]):
        digits = highest(chances.digits(maxima[:, day]))
        no_news = chances.no_news(judged.weekdays(day))
        best = np.fmax(best, np.where(digits > no_news, digits, 0))
        wanted = np.maximum(no_news, needed)
        threshold = np.where(digits >= wanted, np.minimum(threshold, wanted), threshold)
    found = np.flatnonzero(np.isfinite(threshold))
    evidence = _evidence(part.select(found), family, chances.select(found), threshold[found]) if found.size else []
    if second_looks:
        again = part.select(on_shortlist(best, chances.needed(terms.shortlist)))
        chance = terms.second / len(second_looks)
        evidence += [each for look in second_looks for each in look.evidence(judged.frame, again, chance)]
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


def _evidence(part: Part, family: Family, chances: Chances, digits: FloatArray) -> list[Evidence]:
    """Where the scores of rows that are anomalous pass the heights that have so many digits."""
    scored = family.of_frame(part)
    heights = chances.heights(digits)
    evidence = []
    for (detector, name), (place, side) in product(enumerate(family.names), enumerate(SIDES)):
        scores = np.asarray(side * scored.signed[detector] * scored.weights)
        scores[~part.sides[:, place]] = np.nan
        evidence.append(
            Evidence.of(
                (name, side),
                part.rows,
                scores,
                heights[:, detector, place],
                part.rules.shortest,
                partial(_chance, chances, detector, place),
            )
        )
    return evidence


def _chance(chances: Chances, detector: int, place: int, row: int, score: float) -> float:
    maxima = np.full((1, *chances.shape), np.nan, dtype=np.float32)
    maxima[0, detector, place] = score
    return chances.chance(float(highest(chances.select(slice(row, row + 1)).digits(maxima))[0]))


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
