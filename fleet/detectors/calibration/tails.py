"""From scores to chances: how high a quiet series' score climbs within a day, and how seldom it climbs higher.

What is modelled is the maximum of a day, not the single score: the dependence between neighbouring scores is inside the
maximum already, and a false alarm is one excursion, not each of its points. Each series' daily maxima are put in
units of its own typical maximum (shrunk to that of like series, those of the same query), and the tails of like
series are pooled: chances of 1 in 10,000 days are asked of series that have been seen for two weeks. Beyond the
highest fifth of the pooled maxima a generalised Pareto tail is fitted by two quantiles, so that a past incident in
the history, which is no part of quiet behaviour, moves it little. A small pool leans on the tail of all.

Source: J. Pickands, Annals of Statistics 3, 1975 (peaks over threshold, fit by quantiles).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fleet.detectors.contract import FloatArray
from fleet.detectors.profile.blocks import median_last, sorted_quantile

MIN_MAXIMA = 60
"""Daily maxima, of all series together, below which no tail is fitted to them."""
_TAIL_SHARE = 0.2
_LEAN_ON_ALL = 400.0
"""With this many maxima a pool's own tail and that of all series weigh the same."""
_TYPICAL_PRIOR_DAYS = 4.0
_SHAPES = np.linspace(0.0, 0.5, 51)
"""Shapes of tails that are considered: exponential to one so heavy that its variance is infinite."""
_MIN_SCALE = 0.12
"""In typical maxima; the maxima of 288 normal values have 0.1."""
_OWN_MARGIN = np.float32(1.2)
"""A score must pass the comparable days of the series' own past by this factor."""
_WEEK = 7
_FEW_DAYS = 0.5
_SMALLEST_CHANCE = 1e-9
"""A fortnight's data support no smaller figure, whatever the fitted tail says."""
_BODY = (0.5, 0.8)
_BODY_MARGIN = 1.25


@dataclass(frozen=True)
class Tails:
    """Tails of many series' daily maxima: P(maximum > s) = share × (1 + shape × (s − start) / scale)^(−1/shape).

    All fields have one value a series. ``start`` and ``scale`` are in the score's unit; ``floor`` is what a score
    has to pass whatever its chance.
    """

    start: FloatArray
    scale: FloatArray
    shape: FloatArray
    share: FloatArray
    floor: FloatArray

    def thresholds(self, chance: float) -> FloatArray:
        """The scores that quiet series pass on one day with this chance."""
        odds = chance / self.share.astype(np.float64)
        shape = np.maximum(self.shape.astype(np.float64), 1e-6)
        beyond = self.scale * np.expm1(-shape * np.log(odds)) / shape
        return np.asarray(np.fmax(self.start + beyond, self.floor), dtype=np.float32)

    def chance(self, row: int, score: float) -> float:
        """The chance that a quiet day of this series has a higher score: at most 1, at least one in a billion."""
        shape = max(float(self.shape[row]), 1e-6)
        beyond = max(0.0, (score - float(self.start[row])) / float(self.scale[row]))
        chance = self.share[row] * np.exp(-np.log1p(shape * beyond) / shape)
        return float(min(1.0, max(_SMALLEST_CHANCE, chance)))


def tails_of_maxima(maxima: FloatArray, pools: npt.NDArray[np.intp], least: float) -> Tails:
    """Tails from a past of several days.

    Args:
        maxima: highest score of each day, (series, days), NaN for days that were not seen.
        pools: number of the group of like series to which each series belongs.
        least: the smallest typical maximum that is believed.
    """
    typical = _typical(maxima, pools, least)
    relative = maxima / typical[:, None]
    of_all = _fit(relative)
    fits = np.tile(np.array(of_all), (len(typical), 1))
    for pool in np.unique(pools):
        rows = pools == pool
        fits[rows] = _leaning(relative[rows], of_all)
    start, scale, shape = fits.T
    # Levels and seasons were learnt from the same days: the fewer they are, the more they flatter themselves.
    typical = typical * (1 + _FEW_DAYS / np.maximum(np.isfinite(maxima).sum(axis=1), 1))
    return Tails(
        start=(start * typical).astype(np.float32),
        scale=(scale * typical).astype(np.float32),
        shape=shape.astype(np.float32),
        share=np.full(len(typical), _TAIL_SHARE, dtype=np.float32),
        floor=_own_floor(maxima),
    )


def tails_of_body(scores: FloatArray, blocks_a_day: float, least: float) -> Tails:
    """Tails where no past is known: those of an exponential fitted to the body of the judged scores themselves.

    The body is what lies between the median and the 80% quantile: an anomaly that fills less than a fifth of
    the window does not move it. For tails heavier than exponential this gives too many alarms, and for a wandering
    level too few; there is no way to know from so little.
    """
    ordered = np.sort(np.abs(scores), axis=1)
    middle, outer = (sorted_quantile(ordered, share) for share in _BODY)
    slope = (outer - middle) / np.log((1 - _BODY[0]) / (1 - _BODY[1]))
    scale = np.fmax(slope, least / 5) * _BODY_MARGIN
    count = scores.shape[0]
    return Tails(
        start=np.where(np.isfinite(outer), outer, 0).astype(np.float32),
        scale=np.asarray(scale, dtype=np.float32),
        shape=np.zeros(count, dtype=np.float32),
        share=np.full(count, (1 - _BODY[1]) * blocks_a_day, dtype=np.float32),
        floor=np.full(count, 2 * least, dtype=np.float32),
    )


def _own_floor(maxima: FloatArray) -> FloatArray:
    """What a series' own past asks for: its second highest day, and the same weekday of the past weeks, by a margin.

    One day may have been an incident and does not count; what happens every week on this day is no incident.
    """
    days = maxima.shape[1]
    known = np.where(np.isfinite(maxima), maxima, -np.inf)
    second = -np.sort(-known, axis=1)[:, min(1, days - 1)]
    same_weekday = known[:, days % _WEEK :: _WEEK].max(axis=1, initial=-np.inf) if days >= _WEEK else second
    highest = np.maximum(second, same_weekday)
    return np.where(np.isfinite(highest), _OWN_MARGIN * highest, 0).astype(np.float32)


def _typical(maxima: FloatArray, pools: npt.NDArray[np.intp], least: float) -> FloatArray:
    """Each series' typical daily maximum: the median of its days, shrunk towards that of its pool."""
    days = np.isfinite(maxima).sum(axis=1)
    own = np.log(np.fmax(median_last(maxima), least))
    weight = days / (days + _TYPICAL_PRIOR_DAYS)
    typical = np.empty_like(own)
    for pool in np.unique(pools):
        rows = pools == pool
        typical[rows] = weight[rows] * own[rows] + (1 - weight[rows]) * np.median(own[rows])
    # Never below its own: shrinking may only raise what a series has to pass.
    return np.exp(np.fmax(typical, own)).astype(np.float32)


def _leaning(relative: FloatArray, of_all: tuple[float, float, float]) -> tuple[float, ...]:
    """A pool's own tail, mixed with that of all series the more, the smaller the pool is."""
    count = int(np.isfinite(relative).sum())
    if count < MIN_MAXIMA:
        return of_all
    weight = count / (count + _LEAN_ON_ALL)
    return tuple(weight * own + (1 - weight) * other for own, other in zip(_fit(relative), of_all, strict=True))


def _fit(relative: FloatArray) -> tuple[float, float, float]:
    """Start, scale and shape of the tail of relative maxima, from the median and the 90% quantile of the excesses."""
    known = relative[np.isfinite(relative)].astype(np.float64)
    if known.size == 0:
        return 1.0, 1.0, 0.0
    start = float(np.quantile(known, 1 - _TAIL_SHARE))
    excess = known[known > start] - start
    if excess.size < MIN_MAXIMA * _TAIL_SHARE:
        return start, max(_MIN_SCALE, 0.25), 0.1
    half, ninth = np.quantile(excess, [0.5, 0.9])
    shapes = np.maximum(_SHAPES, 1e-9)
    ratios = np.expm1(shapes * np.log(10)) / np.expm1(shapes * np.log(2))
    shape = float(np.interp(ninth / max(half, 1e-12), ratios, shapes))
    scale = max(ninth * shape / np.expm1(shape * np.log(10)) if shape > 1e-6 else ninth / np.log(10), _MIN_SCALE)
    return start, float(scale), shape
