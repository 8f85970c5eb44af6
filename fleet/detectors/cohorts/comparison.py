"""Members of cohorts compared with their like, over many cohorts and metrics at once."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from fleet.detectors.cohorts.discovery import q_values
from fleet.detectors.cohorts.scale import Scale
from fleet.detectors.cohorts.spread import SpreadPrior
from fleet.detectors.cohorts.tail import Tail
from fleet.detectors.cohorts.trimmed import MIN_MEMBERS, FloatArray, Others, reference
from fleet.frames.pack import Direction

MOST_FALSE = 0.01
"""The false-discovery rate: of a hundred findings one may be chance. It does not depend on the sensitivity."""
_FARTHEST = 37.0
"""Standard deviations beyond which a normal probability is zero to the computer."""
_ODD_METRICS, _ODD_SHARE = 3, 0.2
_CENTRAL = 2.5758
"""Half of the width of the central 99% of a normal distribution."""


@dataclass(frozen=True)
class Column:
    """One metric of one cohort.

    Attributes:
        pool: cohorts and metrics of one pool share what is known of spreads and tails.
        members: who they are, the same in each column that they have.
        values: a figure a member, NaN where it was not seen, (members,).
        usual: the same figure of the days before, NaN where it is not known, (members,); None where nothing is known.
        direction: in which direction a departure hurts.
    """

    pool: str
    scale: Scale
    direction: Direction
    members: Sequence[str]
    values: FloatArray
    usual: FloatArray | None = None


@dataclass(frozen=True)
class Departures:
    """What a column's members are beside their like; all arrays are (members,), NaN where there is no statement.

    Attributes:
        size: members that were seen.
        chance: of being so far from the others where nothing is wrong (p value), on the side that hurts.
        q: the false-discovery rate over all columns that were compared together.
        sign: +1 above the others, -1 below.
        centre, low, high: of the others, in the metric's unit: their centre, and about the central 99% of them.
        matters: whether the departure is large enough to matter, now and, where it is known, in the days before.
    """

    size: int
    chance: FloatArray
    q: FloatArray
    sign: FloatArray
    centre: FloatArray
    low: FloatArray
    high: FloatArray
    matters: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]

    def compared(self) -> list[int]:
        """Members of which it can be said whether they are unlike the others."""
        return np.flatnonzero(np.isfinite(self.q)).tolist()

    def outliers(self) -> list[int]:
        """Members that are unlike the others."""
        return np.flatnonzero(self.matters & (self.q < MOST_FALSE)).tolist()


@dataclass(frozen=True)
class _Standing:
    """Where a column's members stand among each other on its scale."""

    seen: np.ndarray[tuple[int, ...], np.dtype[np.intp]]
    values: FloatArray
    others: Others


def compare(columns: Sequence[Column]) -> list[Departures]:
    """Compare the members of each column, and control false discoveries over all of them.

    A member counts only for what it was before as well: where ``usual`` is known, its probability is the larger of
    both (an intersection-union test). What began lately is for the detectors that know a series' own past; what is
    said here holds for as long as the thing is known.

    Assumption: members of a cohort vary alike around one centre, on the scale of the metric.
    Fails: where a cohort is a mixture (two generations of machines under one name): its spread then is wide, and
        nothing is found. Where more than a fifth of the members are bad on one side, they are a part of the centre.
    Cost: a sort for each column, and a fit of about 0.1 s for each pool.
    Source: robust leave-one-out t (``trimmed``), moderated spreads (``spread``), fitted tails (``tail``) and
        false-discovery control (``discovery``); see there.
    """
    now = [_standing(column, column.values) for column in columns]
    before = [_standing(column, column.usual) if column.usual is not None else None for column in columns]
    deviations, spreads = _deviations(columns, now)
    earlier, _ = _deviations(columns, before)
    signs = [_sign(column.direction, each) for column, each in zip(columns, deviations, strict=True)]
    chances = _chances(columns, deviations, signs)
    past = _chances(columns, earlier, signs)
    joint = [np.fmax(one, other) * np.where(np.isnan(one), np.nan, 1) for one, other in zip(chances, past, strict=True)]
    ends = np.cumsum([each.size for each in joint])[:-1]
    q = np.split(q_values(np.concatenate(joint)), ends) if joint else []
    return [
        _departures(column, standing, sign, spread, chance, q_column, _matters(column, standing, earlier_on, sign))
        for column, standing, earlier_on, sign, spread, chance, q_column in zip(
            columns, now, before, signs, spreads, joint, q, strict=True
        )
    ]


def _standing(column: Column, values: FloatArray) -> _Standing | None:
    scaled = column.scale.of(values) if np.isfinite(values).sum() >= MIN_MEMBERS else None
    if scaled is None:
        return None
    seen = np.flatnonzero(np.isfinite(scaled))
    return _Standing(seen, scaled[seen], Others.of(scaled[seen]))


def _deviations(
    columns: Sequence[Column], standings: Sequence[_Standing | None]
) -> tuple[list[FloatArray], list[FloatArray]]:
    """Normal scores of the members' deviations, and the spread of the others; NaN where there is no statement."""
    priors = _priors(columns, standings)
    scores = [np.full(column.values.size, np.nan) for column in columns]
    spreads = [np.full(column.values.size, np.nan) for column in columns]
    for column, standing, score, spread in zip(columns, standings, scores, spreads, strict=True):
        if standing is None:
            continue
        expected = reference(standing.seen.size)
        least = np.maximum(standing.others.variance, column.scale.finest**2)
        variance, freedom = priors[column.pool].shrunk(least, expected.freedom)
        spread[standing.seen] = np.sqrt(variance * (1 + expected.centre_variance))
        away = (standing.values - standing.others.centre) / spread[standing.seen]
        normal = -special.ndtri(special.stdtr(freedom, -np.abs(away)))
        score[standing.seen] = np.sign(away) * np.clip(normal, 0, _FARTHEST)
    return scores, spreads


def _priors(columns: Sequence[Column], standings: Sequence[_Standing | None]) -> dict[str, SpreadPrior]:
    variances: defaultdict[str, list[float]] = defaultdict(list)
    freedoms: defaultdict[str, list[float]] = defaultdict(list)
    for column, standing in zip(columns, standings, strict=True):
        if standing is None:
            continue
        variance = float(np.median(standing.others.variance))
        if variance > column.scale.finest**2:
            variances[column.pool].append(variance)
            freedoms[column.pool].append(reference(standing.seen.size).freedom)
    pools = {column.pool for column in columns}
    return {pool: SpreadPrior.of(variances[pool], freedoms[pool]) for pool in pools}


def _sign(direction: Direction, scores: FloatArray) -> FloatArray:
    """The side on which each member is judged."""
    sides = {Direction.UP: 1.0, Direction.DOWN: -1.0}
    return np.full(scores.shape, sides[direction]) if direction in sides else np.sign(scores)


def _chances(columns: Sequence[Column], scores: list[FloatArray], signs: list[FloatArray]) -> list[FloatArray]:
    odd = _odd_members(columns, scores)
    pools: defaultdict[str, list[FloatArray]] = defaultdict(list)
    for column, score in zip(columns, scores, strict=True):
        pools[column.pool].append(score[[member not in odd for member in column.members]])
    tails = {pool: Tail.of(np.concatenate(members)) for pool, members in pools.items()}
    chances = []
    for column, score, sign in zip(columns, scores, signs, strict=True):
        sides = 2 if column.direction is Direction.BOTH else 1
        chances.append(np.minimum(sides * tails[column.pool].chance(sign * score), 1))
    return chances


def _odd_members(columns: Sequence[Column], scores: list[FloatArray]) -> set[str]:
    """Members that are far out in many of their metrics: they are what is sought, and tell nothing of usual tails."""
    far: Counter[str] = Counter()
    seen: Counter[str] = Counter()
    for column, score in zip(columns, scores, strict=True):
        for member, each in zip(column.members, np.abs(score).tolist(), strict=True):
            seen[member] += each >= 0
            far[member] += each > _CENTRAL
    return {member for member, count in far.items() if count >= max(_ODD_METRICS, _ODD_SHARE * seen[member])}


def _matters(
    column: Column, now: _Standing | None, before: _Standing | None, sign: FloatArray
) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    matters = np.zeros(column.values.size, dtype=np.bool_)
    if now is not None:
        matters[now.seen] = sign[now.seen] * (now.values - now.others.centre) >= column.scale.least
    if before is not None:
        matters[before.seen] &= sign[before.seen] * (before.values - before.others.centre) >= column.scale.least
    return matters


def _departures(
    column: Column,
    standing: _Standing | None,
    sign: FloatArray,
    spread: FloatArray,
    chance: FloatArray,
    q: FloatArray,
    matters: np.ndarray[tuple[int, ...], np.dtype[np.bool_]],
) -> Departures:
    centre = np.full(column.values.size, np.nan)
    if standing is not None:
        centre[standing.seen] = standing.others.centre
    usual = [centre, centre - _CENTRAL * spread, centre + _CENTRAL * spread]
    middle, low, high = (np.exp(each) if column.scale.logarithmic else each for each in usual)
    size = 0 if standing is None else standing.seen.size
    return Departures(size, chance, q, sign, middle, low, high, matters)
