"""Families of series that one set of detectors judges: scores of a judged frame, and of the past in the same way."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from fleet.detectors.calibration.body import BodyChances, body_of, stated
from fleet.detectors.calibration.budget import SIDES
from fleet.detectors.contract import FloatArray
from fleet.detectors.part import Part
from fleet.detectors.profile.blocks import day_folds
from fleet.detectors.profile.pieces import in_pieces
from fleet.detectors.profile.seasonal import DAY_SECONDS
from fleet.detectors.rules import Flags, RowRules
from fleet.detectors.screen.count_rates import CountRates
from fleet.detectors.screen.count_tail import CountTail
from fleet.detectors.screen.screen import Screen

ROWS_IN_PIECE = 64
_LEAST_SEEN = 0.5
"""A day of the past of which less was seen says nothing of how high days get."""


@dataclass(frozen=True)
class Scored:
    """Scores of some series.

    Attributes:
        signed: by detector, (series, points): positive above what was expected, NaN unknown.
        weights: factors of all of them, (series, points).
    """

    signed: Sequence[FloatArray]
    weights: FloatArray

    def reshaped(self, shape: tuple[int, ...]) -> Scored:
        """The same in another shape."""
        return Scored([scores.reshape(shape) for scores in self.signed], self.weights.reshape(shape))

    def since(self, point: int) -> Scored:
        """The scores from a point on."""
        if not point:
            return self
        signed = [np.ascontiguousarray(scores[:, point:]) for scores in self.signed]
        return Scored(signed, np.ascontiguousarray(self.weights[:, point:]))


class Family(Protocol):
    """Detectors of one kind of series. The same score is made of a frame and of the past that it is compared with.

    Each day of the past is scored as if nothing were known of the day before: that is how a frame of a day is scored.
    """

    @property
    def names(self) -> Sequence[str]:
        """Of the detectors."""
        ...

    @property
    def least(self) -> Sequence[float]:
        """For each detector the smallest daily maximum that is believed to be usual."""
        ...

    @property
    def ahead_seconds(self) -> Sequence[int]:
        """For each detector how much after a value its score depends on, where windows shorter than a day know it."""
        ...

    def judges(self, rules: RowRules) -> Flags:
        """The rows that it is for."""
        ...

    def of_frame(self, part: Part) -> Scored:
        """Scores of the part's points."""
        ...

    def of_past(self, part: Part) -> Scored:
        """Scores of every day of the past that the part's profile was learnt from, by what the other days say."""
        ...

    def chances_of_body(self, part: Part) -> BodyChances:
        """Chances where the past tells none."""
        ...


@dataclass(frozen=True)
class Gauges:
    """Gauges and ratios, judged by screens over deviations from the seasonal profile."""

    screens: Sequence[Screen]

    @property
    def names(self) -> Sequence[str]:
        """Of the screens."""
        return [screen.name for screen in self.screens]

    @property
    def least(self) -> Sequence[float]:
        """Of the screens."""
        return [screen.least for screen in self.screens]

    @property
    def ahead_seconds(self) -> Sequence[int]:
        """Of the screens."""
        return [screen.context_seconds[1] for screen in self.screens]

    def judges(self, rules: RowRules) -> Flags:
        """Gauges and ratios."""
        return rules.measured

    def of_frame(self, part: Part) -> Scored:
        """Scores of the part's points."""
        deviations = part.profile.standardised(part.points)
        residuals = np.asarray(part.points.values - part.profile.expected(part.points), dtype=np.float32)
        scored = self._scored(deviations, part.points.values, residuals, part)
        if part.points.points - part.first < part.profile.slots:
            for screen, signed in zip(self.screens, scored.signed, strict=True):
                _leave_out_edges(signed, screen.context_seconds, part)
        return scored

    def of_past(self, part: Part) -> Scored:
        """Scores of every day of the past, each with the season of the others and a level from before it."""
        folded = part.profile.standardised_past()
        with np.errstate(invalid="ignore"):
            residuals = (folded * part.profile.spread[:, None, :]).reshape(len(folded), -1)
        return self._scored(folded, _in_whole_days(part), residuals, part)

    def chances_of_body(self, part: Part) -> BodyChances:
        """Tails of the body of the part's own scores."""
        return body_of(self.of_frame(part).signed, self.least, DAY_SECONDS / part.points.step_seconds)

    def _scored(self, deviations: FloatArray, values: FloatArray, residuals: FloatArray, part: Part) -> Scored:
        """Scores of deviations of shape (series, points), or (series, days, points) where each day begins anew."""
        from fleet.detectors.weights import weights_of

        apart = deviations.reshape(-1, deviations.shape[-1])
        signed = [screen.signed(apart, part.profile, part.profile.slot_seconds) for screen in self.screens]
        return Scored([scores.reshape(values.shape) for scores in signed], weights_of(values, residuals, part.rules))


@dataclass(frozen=True)
class Counts:
    """Counts, judged by how improbable they are at the rates of other days.

    Attributes:
        after: rates for what comes after the past, one row for each row of the whole that parts are taken from.
        without_day: rates for each day of the past by its other days, likewise; None where nothing is learnt any more.
    """

    after: CountRates
    without_day: CountRates | None = None
    names: Sequence[str] = (CountTail.name,)
    least: Sequence[float] = (CountTail.least,)
    ahead_seconds: Sequence[int] = (0,)

    def judges(self, rules: RowRules) -> Flags:
        """Counts."""
        return rules.counted

    def of_frame(self, part: Part) -> Scored:
        """Digits of the part's points."""
        return self._scored(part.points.values, self.after.select(part.rows), part)

    def of_past(self, part: Part) -> Scored:
        """Digits of every day of the past at the rate of the others."""
        if self.without_day is None:
            raise ValueError("rates of past days are known only while learning")
        rates = self.without_day.select(part.rows)
        apart = CountRates(rates.rate.reshape(-1), rates.size.reshape(-1))
        values = _in_whole_days(part)
        return self._scored(values.reshape(len(apart.rate), -1), apart, part).reshaped(values.shape)

    def chances_of_body(self, part: Part) -> BodyChances:
        """The digits as they are: chances of one point."""
        return stated(len(part.rows), len(self.names), DAY_SECONDS / part.points.step_seconds)

    def _scored(self, values: FloatArray, rates: CountRates, part: Part) -> Scored:
        apart = np.repeat(part.rules.apart, len(values) // max(1, len(part.rows)))
        signed = CountTail().signed(values, rates, part.profile.slot_seconds, apart)
        return Scored([signed], np.ones_like(signed))


def maxima_of_day(family: Family, part: Part) -> FloatArray:
    """Lasting maxima of the points of a day that are judged, (rows, detectors, 2).

    NaN for sides that do not hurt. Of the context so much counts as a detector is late by, and as what lasts may reach
    back.
    """
    late = max(points_ahead(family, part.points.step_seconds))
    first = max(0, part.first - late - int(part.rules.shortest.max()) + 1)
    grid = (1, part.points.points - first)
    return _maxima(family, part, lambda piece: family.of_frame(piece).since(first), grid)[:, 0]


def points_ahead(family: Family, step_seconds: int) -> list[int]:
    """For each detector how many points after a value its score depends on."""
    return [-(-seconds // step_seconds) for seconds in family.ahead_seconds]


def maxima_of_past(family: Family, part: Part, rows_at_once: int = ROWS_IN_PIECE) -> FloatArray:
    """Lasting maxima of the days of the past, (rows, days, detectors, 2); NaN where too little was seen.

    Args:
        family: whose scores.
        part: its profile knows the past.
        rows_at_once: scored together: all of them by families that compare rows.
    """
    slots = part.profile.slots
    known = np.isfinite(_in_whole_days(part)).reshape(len(part.rows), -1, slots)
    seen = np.count_nonzero(known, axis=2) / slots
    maxima = _maxima(family, part, family.of_past, (seen.shape[1], slots), rows_at_once)
    maxima[seen < _LEAST_SEEN] = np.nan
    return maxima


def _leave_out_edges(signed: FloatArray, context_seconds: tuple[int, int], part: Part) -> None:
    """Scores become unknown where less was seen before or after them than those of past days depend on.

    A frame that begins where days of the past begin misses nothing before it.
    """
    before, after = (-(-seconds // part.points.step_seconds) for seconds in context_seconds)
    if part.profile.slots_of(part.points)[0] > 0:
        signed[:, :before] = np.nan
    signed[:, max(0, signed.shape[1] - after) :] = np.nan


def _in_whole_days(part: Part) -> FloatArray:
    """The part's values with gaps before them, so that its last day is a whole one and so is its first."""
    values = part.points.values
    if values.shape[1] % part.profile.slots == 0:
        return values
    return day_folds(values, part.profile.slots).reshape(len(part.rows), -1)


def _maxima(
    family: Family,
    part: Part,
    score: Callable[[Part], Scored],
    grid: tuple[int, int],
    rows_at_once: int = ROWS_IN_PIECE,
) -> FloatArray:
    from fleet.detectors.calibration.lasting import lasting_maxima

    days, points_a_day = grid
    maxima = np.full((len(part.rows), days, len(family.names), len(SIDES)), np.nan, dtype=np.float32)

    def work(rows: slice) -> None:
        piece = part.select(rows)
        scored = score(piece)
        for detector, signed in enumerate(scored.signed):
            lasting_maxima(signed, scored.weights, points_a_day, piece.rules.shortest, maxima[rows, :, detector])

    in_pieces(len(part.rows), work, rows_at_once)
    maxima[~np.broadcast_to(part.sides[:, None, None, :], maxima.shape)] = np.nan
    return maxima
