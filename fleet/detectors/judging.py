"""Each kind of series judged by the detectors that fit it, at the chance that a sensitivity allows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fleet.detectors.calibration.tails import MIN_MAXIMA, Tails, tails_of_body, tails_of_maxima
from fleet.detectors.contract import FloatArray, Scores, Sensitivity
from fleet.detectors.profile.blocks import ROWS_AT_ONCE, day_folds
from fleet.detectors.profile.seasonal import DAY_SECONDS, SeasonalProfile
from fleet.detectors.rules import RowRules
from fleet.detectors.screen.count_tail import CountTail
from fleet.detectors.screen.screen import Screen
from fleet.detectors.screen.state_change import StateChange
from fleet.detectors.screen.threshold import CRITICAL, Threshold
from fleet.frames.frame import Frame

SERIES_OF_BUDGET = 5000
_WARNING_FACTOR = 10.0
"""Beyond the pack's warning bound a departure may be this much more probable: the bound is evidence of its own."""
_USUAL_ELSEWHEN = np.float32(2.0)
"""A value that is usual at another time of day must pass the threshold by this factor: profiles may be off in time."""
_BEYOND_REACH = np.float32(0.05)
"""A value is new when it lies outside of all that the past reached by this share of that range."""
_RARE_STATE_DIGITS = 2.0
_RARE_STATE_DIGITS_IN_SAMPLE = 0.6
_RESTLESS_STATE_SHARE = 0.02
"""Days on which like states left their level, as a share of all days, above which leaving it is no news."""

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Evidence:
    """What one detector says about one side of a frame's rows, in blocks.

    Attributes:
        detector: its name.
        side: +1 or -1.
        flags: where it holds the series to be anomalous, (series, blocks).
        scores: oriented so that higher is further on this side, (series, blocks).
        thresholds: by row.
        tails: gives chances of scores, where there is such a model; ``share`` is the detector's part of the budget.
    """

    detector: str
    side: int
    flags: Flags
    scores: FloatArray
    thresholds: FloatArray
    tails: Tails | None = None
    share: float = 1.0

    def chance(self, row: int, score: float) -> float | None:
        """The chance of such a score on a quiet day of this series, corrected for the other detectors' looks."""
        return None if self.tails is None else min(1.0, self.tails.chance(row, score) / self.share)


@dataclass(frozen=True)
class Judged:
    """A frame in blocks with what is usual for it, and the chance per series and day that the sensitivity allows."""

    blocks: Frame
    profile: SeasonalProfile
    rules: RowRules
    sensitivity: Sensitivity

    @property
    def chance(self) -> float:
        """Expected false findings per series and day."""
        return self.sensitivity.false_findings_per_day / SERIES_OF_BUDGET

    @property
    def blocks_a_day(self) -> float:
        """Blocks in a day."""
        return DAY_SECONDS / self.blocks.step_seconds


def screened(judged: Judged, screen: Screen, bounds: Scores) -> list[Evidence]:
    """Gauges and ratios by one screen, one piece of evidence a side.

    Args:
        bounds: scores of the pack's bounds.
    """
    signed, highest, lowest = _scored(judged, screen)
    candidates = judged.rules.measured & judged.profile.known
    matter = _matters(judged)
    result = []
    for side, maxima in ((1, highest), (-1, lowest)):
        rows = candidates & judged.rules.sided(side)
        if not rows.any():
            continue
        tails = _tails(judged, screen, signed, maxima)
        scores = side * signed
        thresholds = tails.thresholds(judged.chance * screen.share)
        eased = tails.thresholds(judged.chance * _WARNING_FACTOR * screen.share)
        with np.errstate(invalid="ignore"):
            needed = thresholds[:, None] * np.where(_reached(judged, side), _USUAL_ELSEWHEN, np.float32(1))
            flags = (scores >= needed) | ((scores >= eased[:, None]) & (bounds.signs == side))
        flags &= rows[:, None] & matter
        result.append(Evidence(screen.name, side, flags, scores, thresholds, tails, screen.share))
    return result


def counted(judged: Judged) -> list[Evidence]:
    """Counts by their improbability, and by how many days of like series were as high."""
    detector = CountTail()
    rows = np.flatnonzero(judged.rules.counted)
    blocks = judged.blocks.select(rows.tolist())
    profile = judged.profile.select(rows)
    result = detector.score(blocks, profile.past_frame(blocks))
    needed = float(-np.log10(judged.chance / judged.blocks_a_day))
    evidence = []
    for side in (1, -1):
        scores = np.where(result.signs == side, result.values, 0).astype(np.float32)
        flags = (scores >= needed) & judged.rules.sided(side)[rows][:, None]
        if not profile.in_sample:
            flags &= _unseen(blocks.values * side, profile, judged.rules.pools[rows], side, flags, judged.chance)
        evidence.append(_widened(judged, rows, detector.name, side, flags, scores, needed))
    return evidence


def states(judged: Judged) -> list[Evidence]:
    """States that left a level which they seldom leave; those that are restless among their like do not count."""
    detector = StateChange()
    rows = np.flatnonzero(judged.rules.states)
    blocks = judged.blocks.select(rows.tolist())
    profile = judged.profile.select(rows)
    past = profile.past_frame(blocks)
    result = detector.score(blocks, past)
    needed = _RARE_STATE_DIGITS_IN_SAMPLE if past is None else _RARE_STATE_DIGITS
    evidence = []
    for side in (1, -1):
        scores = np.where(result.signs == side, result.values, 0).astype(np.float32)
        flags = (scores >= needed) & judged.rules.sided(side)[rows][:, None]
        if past is not None:
            flags &= _restful(detector, past, judged.rules.pools[rows], side, profile.slots)[:, None]
        evidence.append(_widened(judged, rows, detector.name, side, flags, scores, needed))
    return evidence


def bounded(judged: Judged, bounds: Scores) -> list[Evidence]:
    """Blocks beyond the pack's critical bound: they count however usual they are."""
    known = judged.rules.measured | judged.rules.counted | judged.rules.states
    needed = np.full(len(known), CRITICAL, dtype=np.float32)
    evidence = []
    for side in (1, -1):
        scores = np.where(bounds.signs == side, bounds.values, 0).astype(np.float32)
        flags = (scores >= CRITICAL) & known[:, None]
        evidence.append(Evidence(Threshold.name, side, flags, scores, needed))
    return evidence


def _scored(judged: Judged, screen: Screen) -> tuple[FloatArray, FloatArray, FloatArray]:
    """The frame's signed scores, and by day of the past the highest scores above and below (NaN: day not seen)."""
    past = judged.profile.past
    count, days = len(judged.profile.level), 1 if past is None else past.deviations.shape[1]
    signed = np.full(judged.blocks.values.shape, np.nan, dtype=np.float32)
    highest = np.full((count, days), np.nan, dtype=np.float32)
    lowest = highest.copy()
    for first in range(0, count, ROWS_AT_ONCE):
        rows = slice(first, first + ROWS_AT_ONCE)
        profile = judged.profile.select(rows)
        part = Frame(
            judged.blocks.start, judged.blocks.step_seconds, judged.blocks.keys[rows], judged.blocks.values[rows]
        )
        signed[rows] = screen.signed(profile.standardised(part), profile, part.step_seconds)
        if not profile.in_sample:
            highest[rows], lowest[rows] = _daily_maxima(screen, profile)
    return signed, highest, lowest


def _daily_maxima(screen: Screen, profile: SeasonalProfile) -> tuple[FloatArray, FloatArray]:
    past = profile.standardised_past()
    count, days, slots = past.shape
    scores = screen.signed(past.reshape(count, days * slots), profile, profile.slot_seconds)
    folded = scores.reshape(count, days, slots)
    known = np.isfinite(folded)
    seen = (known.mean(axis=2) >= 0.5) & profile.known[:, None]
    nan = np.float32(np.nan)
    highest = np.where(seen, np.where(known, folded, 0).max(axis=2), nan)
    lowest = np.where(seen, np.where(known, -folded, 0).max(axis=2), nan)
    return highest.astype(np.float32), lowest.astype(np.float32)


def _tails(judged: Judged, screen: Screen, signed: FloatArray, maxima: FloatArray) -> Tails:
    if np.isfinite(maxima[judged.rules.measured]).sum() >= MIN_MAXIMA:
        return tails_of_maxima(
            np.where(judged.rules.measured[:, None], maxima, np.nan), judged.rules.pools, screen.least
        )
    return tails_of_body(signed, judged.blocks_a_day, screen.least)


def _reached(judged: Judged, side: int) -> Flags:
    """Blocks whose value lies, on this side, within what the past reached at any time of day."""
    low, high = judged.profile.reached[:, :1], judged.profile.reached[:, 1:]
    edge = (high if side > 0 else -low) + _BEYOND_REACH * (high - low)
    return np.asarray(side * judged.blocks.values <= edge)


def _matters(judged: Judged) -> Flags:
    expected = judged.profile.expected(judged.blocks)
    least = np.maximum(judged.rules.absolute[:, None], judged.rules.relative[:, None] * np.abs(expected))
    with np.errstate(invalid="ignore"):
        return np.asarray(np.abs(judged.blocks.values - expected) >= least)


def _unseen(
    values: FloatArray,
    profile: SeasonalProfile,
    pools: npt.NDArray[np.intp],
    side: int,
    flags: Flags,
    chance: float,
) -> Flags:
    """Which flagged counts are higher than like series reached on all but a ``chance`` of their days."""
    if profile.past is None:
        return flags
    folded = day_folds(side * np.round(profile.past.values), profile.slots)
    seen = np.asarray(np.isfinite(folded).any(axis=2))
    maxima = np.where(np.isfinite(folded), folded, -np.inf).max(axis=2)
    unseen = np.zeros_like(flags)
    for pool in np.unique(pools[flags.any(axis=1)]):
        rows = np.flatnonzero(pools == pool)
        ordered = np.sort(maxima[rows][seen[rows]])
        as_high = ordered.size - np.searchsorted(ordered, np.round(values[rows]), side="left")
        unseen[rows] = as_high <= chance * ordered.size
    return unseen


def _restful(
    detector: StateChange, past: Frame, pools: npt.NDArray[np.intp], side: int, slots: int
) -> npt.NDArray[np.bool_]:
    """Rows that never left their level on this side, among series that seldom do."""
    away = (detector.score(past, None).signs == side).astype(np.float32)
    days_left = np.asarray(day_folds(away, slots).max(axis=2) > 0)
    seen = np.asarray(np.isfinite(day_folds(past.values, slots)).any(axis=2))
    restful = np.zeros(len(pools), dtype=np.bool_)
    for pool in np.unique(pools):
        rows = pools == pool
        restless = days_left[rows].sum() > _RESTLESS_STATE_SHARE * max(1, int(seen[rows].sum()))
        restful[rows] = ~days_left[rows].any(axis=1) & (not restless)
    return restful


def _widened(
    judged: Judged,
    rows: npt.NDArray[np.intp],
    detector: str,
    side: int,
    flags: Flags,
    scores: FloatArray,
    needed: float,
) -> Evidence:
    """Evidence on some rows as evidence on all."""
    shape = judged.blocks.values.shape
    all_flags = np.zeros(shape, dtype=np.bool_)
    all_scores = np.zeros(shape, dtype=np.float32)
    all_flags[rows], all_scores[rows] = flags, scores
    return Evidence(detector, side, all_flags, all_scores, np.full(shape[0], needed, dtype=np.float32))
