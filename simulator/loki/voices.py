"""Voices: who says what how often and from when to when, and the entries that follow, the same at every asking.

Time is cut into turns as long as a voice's interval; in each turn it speaks once, at a moment that follows from the
voice and the turn's number, or holds its tongue. So any stretch of time is made without what lies before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np
import numpy.typing as npt

from simulator.loki.entries import Ints
from simulator.loki.scripts import LEVEL_NUMBERS, SLOT_COUNT, SLOTS
from simulator.randomness import number_of

Chances = npt.NDArray[np.uint64]
_NS = 1_000_000_000
_LAST_NS = 2**62
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_DAY_SECONDS, _PEAK_SECONDS = 86_400, 14 * 3600


class Mood(IntEnum):
    """How often a voice speaks in its turns: always, more by day than by night, or more towards its end."""

    EVEN = 0
    DAILY = 1
    RISING = 2


@dataclass(frozen=True)
class Voice:
    """One source of lines in a stream. Times are Unix seconds; ``end`` may be infinite.

    Attributes:
        stream: the number of its stream.
        script: what it says.
        interval_seconds: the length of a turn.
        about: what its lines name beside the stream's facts.
        key: makes it differ from others of the same stream and script.
    """

    stream: int
    script: int
    interval_seconds: float
    start: float
    end: float
    mood: Mood = Mood.EVEN
    about: str = ""
    key: str = ""


@dataclass(frozen=True)
class Moment:
    """One line at one time (Unix seconds)."""

    stream: int
    script: int
    at: float
    about: str = ""


@dataclass(frozen=True)
class Spoken:
    """What was said, in no order: when, in which stream, from which template, about what, with which chance."""

    stamps: Ints
    streams: Ints
    templates: Ints
    abouts: Ints
    chances: Chances

    @property
    def levels(self) -> Ints:
        """The number of each line's level."""
        return LEVEL_NUMBERS[self.templates]


class Choir:
    """All voices of some streams, as columns.

    Attributes:
        abouts: the texts that lines name, by the numbers in :class:`Spoken`.
    """

    def __init__(self, voices: Sequence[Voice], moments: Sequence[Moment], seed: str) -> None:
        voices = [each for each in voices if each.start < each.end]
        self.abouts = sorted({each.about for each in voices} | {each.about for each in moments} | {""})
        numbers = {text: number for number, text in enumerate(self.abouts)}
        self._streams = np.array([each.stream for each in voices], dtype=np.int64)
        self._scripts = np.array([each.script for each in voices], dtype=np.int64)
        self._intervals = np.array([round(each.interval_seconds * _NS) for each in voices], dtype=np.int64)
        self._starts = np.array([_nanoseconds(each.start) for each in voices], dtype=np.int64)
        self._ends = np.array([_nanoseconds(each.end) for each in voices], dtype=np.int64)
        self._moods = np.array([each.mood for each in voices], dtype=np.int64)
        self._abouts = np.array([numbers[each.about] for each in voices], dtype=np.int64)
        seeds = [number_of(seed, each.stream, each.script, each.about, each.key) for each in voices]
        self._seeds = np.array(seeds, dtype=np.uint64)
        self._moments = _moments(moments, numbers, seed)

    def entries_a_second(self, wanted: npt.NDArray[np.bool_], start_ns: int, end_ns: int) -> float:
        """How many entries some streams have a second in a stretch of time at most, roughly.

        Args:
            wanted: for each stream whether it counts.
            start_ns: the stretch's beginning.
            end_ns: its end.
        """
        chosen = self._speaking(wanted, start_ns, end_ns)
        shares = np.minimum(self._ends[chosen], end_ns) - np.maximum(self._starts[chosen], start_ns)
        return float(np.sum(shares / self._intervals[chosen])) / max(1, end_ns - start_ns) * _NS

    def spoken(self, wanted: npt.NDArray[np.bool_], start_ns: int, end_ns: int) -> Spoken:
        """What some streams say in a stretch of time; ``wanted`` tells for each stream whether it counts."""
        turns = self._turns(wanted, start_ns, end_ns)
        stamps, streams, _, _, _ = self._moments
        kept = np.flatnonzero((stamps >= start_ns) & (stamps < end_ns) & wanted[streams])
        columns = (np.concatenate([turn, moment[kept]]) for turn, moment in zip(turns, self._moments, strict=True))
        return Spoken(*columns)

    def _speaking(self, wanted: npt.NDArray[np.bool_], start_ns: int, end_ns: int) -> Ints:
        mine = wanted[self._streams] & (self._starts < end_ns) & (self._ends > start_ns)
        found: Ints = np.flatnonzero(mine)
        return found

    def _turns(self, wanted: npt.NDArray[np.bool_], start_ns: int, end_ns: int) -> tuple[npt.NDArray[Any], ...]:
        speaking = self._speaking(wanted, start_ns, end_ns)
        intervals = self._intervals[speaking]
        firsts = np.maximum(self._starts[speaking], start_ns) // intervals
        counts = (np.minimum(self._ends[speaking], end_ns) - 1) // intervals + 1 - firsts
        voices = np.repeat(speaking, counts)
        begins = np.cumsum(counts) - counts
        turns = np.arange(len(voices)) - np.repeat(begins - firsts, counts)
        chances = _mixed(self._seeds[voices] + turns.astype(np.uint64) * _GOLDEN)
        intervals = self._intervals[voices]
        moments = ((chances >> np.uint64(11)) * 2.0**-53 * intervals).astype(np.int64)
        stamps = turns * intervals + np.minimum(moments, intervals - 1)
        chances = _mixed(chances)
        inside = (stamps >= np.maximum(self._starts[voices], start_ns)) & (
            stamps < np.minimum(self._ends[voices], end_ns)
        )
        kept = np.flatnonzero(inside & self._in_mood(voices, stamps, chances))
        voices, stamps, chances = voices[kept], stamps[kept], chances[kept]
        templates = SLOTS[self._scripts[voices], (chances % np.uint64(SLOT_COUNT)).astype(np.int64)]
        return stamps, self._streams[voices], templates, self._abouts[voices], chances

    def _in_mood(self, voices: Ints, stamps: Ints, chances: Chances) -> npt.NDArray[np.bool_]:
        """Whether a voice speaks in a turn."""
        moods = self._moods[voices]
        likely = np.ones(len(voices))
        daily = moods == Mood.DAILY
        hours = (stamps[daily] // _NS % _DAY_SECONDS - _PEAK_SECONDS) / _DAY_SECONDS
        likely[daily] = 0.7 + 0.3 * np.cos(2 * np.pi * hours)
        rising = moods == Mood.RISING
        starts, ends = self._starts[voices[rising]], self._ends[voices[rising]]
        grown = np.clip((stamps[rising] - starts) / np.maximum(ends - starts, 1), 0, 1)
        likely[rising] = 0.1 + 0.9 * grown**1.5
        return (chances >> np.uint64(40)).astype(np.float64) < likely * 2**24


def _moments(moments: Sequence[Moment], abouts: dict[str, int], seed: str) -> tuple[npt.NDArray[Any], ...]:
    chances = [number_of(seed, each.stream, each.script, each.at) for each in moments]
    # A line comes some way into its second.
    both = list(zip(moments, chances, strict=True))
    stamps = [_nanoseconds(each.at) + chance % _NS for each, chance in both]
    return (
        np.array(stamps, dtype=np.int64),
        np.array([each.stream for each in moments], dtype=np.int64),
        np.array([SLOTS[each.script, chance % SLOT_COUNT] for each, chance in both], dtype=np.int64),
        np.array([abouts[each.about] for each in moments], dtype=np.int64),
        np.array(chances, dtype=np.uint64),
    )


def _nanoseconds(at: float) -> int:
    return _LAST_NS if at * _NS >= _LAST_NS else round(at * 1000) * 1_000_000


def _mixed(numbers: Chances) -> Chances:
    """SplitMix64's finaliser: neighbours become numbers that have nothing to do with each other."""
    numbers = (numbers ^ (numbers >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    numbers = (numbers ^ (numbers >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return numbers ^ (numbers >> np.uint64(31))
