"""Values of a query's series at any times, drawn so that the same time always has the same value.

Time is cut into slots of 30 s, the scrape interval: a value holds until the next scrape. Noise is read from one bank of
numbers at places that follow from the series and the slot, so that no state has to be kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b

import numpy as np
import numpy.typing as npt

from simulator.effects import Effect, Mode
from simulator.faults import DAY, HOUR
from simulator.signals.row import Row, Signal

SCRAPE_SECONDS = 30
Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]

_BANK_SIZE = 1 << 16
_BANK: Floats = np.random.Generator(np.random.PCG64(20210)).standard_normal(_BANK_SIZE, dtype=np.float32)
_MINUTES_KNOT, _HOURS_KNOT = 20, 720
"""Slots between two knots of the slow noise: 10 minutes and 6 hours."""
_GAP_BLOCK = 240
"""Slots in which a scrape target is missed at most once: 2 hours."""
_GAP_CHANCE = 0.02


def _week() -> Floats:
    """The shape of a week, one value a slot from Thursday (Unix time 0) on: busy days, quiet nights and weekends."""
    slots = np.arange(7 * DAY // SCRAPE_SECONDS)
    hours = slots * SCRAPE_SECONDS / HOUR
    day = 0.75 * np.cos(2 * np.pi * (hours - 14) / 24) + 0.25 * np.cos(4 * np.pi * (hours - 11) / 24)
    # Saturday 00:00 lies 48 hours after Thursday; the weekend comes and goes within six hours.
    weekend = np.clip((hours - 45) / 6, 0, 1) * np.clip((99 - hours) / 6, 0, 1)
    return (day * (1 - 0.4 * weekend) - 0.45 * weekend).astype(np.float32)


_WEEK = _week()


@dataclass(frozen=True)
class Series:
    """The rows of one signal of one cluster and the effects on them, ready to be evaluated.

    ``phase`` shifts the daily shape by slots (the cluster's time zone).
    """

    signal: Signal
    rows: tuple[Row, ...]
    effects: tuple[tuple[int, Effect], ...]
    phase: int

    @cached_property
    def _strides(self) -> Ints:
        """Four whole numbers a row that say where its noise is read: an odd stride and an offset, twice."""
        names = "\n".join(row.key or f"{self.signal.query}/{sorted(row.labels.items())}" for row in self.rows)
        raw = b"".join(blake2b(name.encode(), digest_size=8).digest() for name in names.split("\n"))
        strides = np.frombuffer(raw, dtype=np.uint16).reshape(len(self.rows), 4).astype(np.int64)
        strides[:, ::2] |= 1
        return strides

    def values(self, slots: Ints, rows: slice) -> Floats:
        """Values of some rows at these slots, NaN where there is no sample."""
        chosen = self.rows[rows]
        base = np.array([row.level for row in chosen], dtype=np.float32)[:, None]
        level = np.repeat(base, len(slots), axis=1)
        mine = [(at - rows.start, effect) for at, effect in self.effects if rows.start <= at < rows.stop]
        times = slots * SCRAPE_SECONDS
        for at, effect in mine:
            if effect.mode is Mode.ADD:
                level[at] += effect.amount * strength(effect, times)
        unrest = self._unrest(slots, rows)
        if unrest is not None:
            level *= np.exp(unrest, out=unrest)
        for at, effect in mine:
            _apply(level[at], effect, times)
        np.clip(level, self.signal.low, self.signal.high, out=level)
        self._cut(level, slots, chosen)
        for at, effect in mine:
            if effect.mode is Mode.GAP:
                level[at, (times >= effect.start) & (times < effect.end)] = np.nan
        return level

    def _unrest(self, slots: Ints, rows: slice) -> Floats | None:
        """The logarithm of the factor on the level: daily shape and noise; None for rows that are still."""
        chosen = self.rows[rows]
        spreads = np.array([(row.daily, row.noise, row.wander) for row in chosen], dtype=np.float32)
        if not spreads.any():
            return None
        daily, noise, wander = (spreads[:, column, None] for column in range(3))
        strides = self._strides[rows]
        unrest = daily * _WEEK[(slots + self.phase) % len(_WEEK)]
        if noise.any():
            unrest += noise * _BANK[(strides[:, :1] * slots + strides[:, 1:2]) & (_BANK_SIZE - 1)]
        if wander.any():
            unrest += wander * _slow_noise(slots, strides[:, 2:])
        return unrest

    def _cut(self, level: Floats, slots: Ints, chosen: tuple[Row, ...]) -> None:
        """Takes away samples outside the series' life and where its target was not scraped."""
        times = slots * SCRAPE_SECONDS
        outages: dict[str, npt.NDArray[np.bool_]] = {}
        for at, row in enumerate(chosen):
            if row.born > times[0] or row.died <= times[-1]:
                level[at, (times < row.born) | (times >= row.died)] = np.nan
            if row.target:
                if row.target not in outages:
                    outages[row.target] = _outages(row.target, slots)
                level[at, outages[row.target]] = np.nan


def _slow_noise(slots: Ints, strides: Ints) -> Floats:
    """Noise that moves within minutes and within hours, of about unit spread."""
    first = slots[0] // _MINUTES_KNOT
    knots = np.arange(first, slots[-1] // _MINUTES_KNOT + 2)
    at_knots = 0.75 * _BANK[(strides[:, :1] * knots + strides[:, 1:]) & (_BANK_SIZE - 1)]
    coarse = knots * _MINUTES_KNOT // _HOURS_KNOT
    share = ((knots * _MINUTES_KNOT % _HOURS_KNOT) / _HOURS_KNOT).astype(np.float32)
    before = _BANK[(strides[:, 1:] * coarse + strides[:, :1]) & (_BANK_SIZE - 1)]
    after = _BANK[(strides[:, 1:] * (coarse + 1) + strides[:, :1]) & (_BANK_SIZE - 1)]
    at_knots += 0.75 * (before + share * (after - before))
    column = slots // _MINUTES_KNOT - first
    fraction = ((slots % _MINUTES_KNOT) / _MINUTES_KNOT).astype(np.float32)
    left: Floats = at_knots[:, column]
    left += fraction * (at_knots[:, column + 1] - left)
    return left


def _outages(target: str, slots: Ints) -> npt.NDArray[np.bool_]:
    """Which slots a target's samples lack: seldom, for a minute or two, at places that follow from its name."""
    seed = int.from_bytes(blake2b(target.encode(), digest_size=4).digest(), "big") | 1
    mixed = (slots // _GAP_BLOCK * 2654435761 + seed) & 0xFFFFFFFF
    mixed ^= mixed >> 15
    mixed = mixed * 2246822519 & 0xFFFFFFFF
    mixed ^= mixed >> 13
    begins = (mixed >> 8) % (_GAP_BLOCK - 8)
    length = 2 + (mixed & 3)
    within = slots % _GAP_BLOCK
    return (mixed < _GAP_CHANCE * 2**32) & (within >= begins) & (within < begins + length)


def strength(effect: Effect, times: Ints) -> Floats:
    """How strong an effect is at times (Unix seconds), from 0 to its peak."""
    elapsed = times - effect.start
    risen: Floats = effect.peak * ((elapsed >= 0) & (times < effect.end + effect.fall)).astype(np.float32)
    if effect.repeat:
        elapsed = elapsed % effect.rise
    if effect.rise:
        risen *= np.clip(elapsed / effect.rise, 0, 1) ** effect.power
    if effect.fall:
        risen *= np.clip(1 - (times - effect.end) / effect.fall, 0, 1)
    return risen


def _apply(values: Floats, effect: Effect, times: Ints) -> None:
    if effect.mode is Mode.SCALE:
        values *= 1 + strength(effect, times) * (effect.amount - 1)
    elif effect.mode is Mode.TOWARDS:
        values += strength(effect, times) * (effect.amount - values)
