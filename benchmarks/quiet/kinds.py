"""Quiet data of many kinds: two weeks of history at 5 minutes and what follows at 30 s, of one process each.

Every kind is stationary in the sense that matters: the day that follows the history is of the process that made the
history, and nothing happens on it. A history's samples are those that the process has every 5 minutes, so that a
process with memory is drawn with the memory of 5 minutes first and of 30 s after it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import numpy.typing as npt
from scipy.signal import lfilter

from fleet.frames.frame import Frame, SeriesKey
from fleet.frames.pack import (
    Direction,
    PackQuery,
    QueryKind,
    QueryPack,
    Severity,
    SignalGroup,
    SubjectLabels,
    Thresholds,
)
from fleet.inventory.subject import SubjectKind

Values = npt.NDArray[np.float32]
Times = npt.NDArray[np.float64]

DAYS = 14
SLOTS = 288
POINTS = 2880
EVERY = POINTS // SLOTS
SERIES_OF_QUERY = 200
FIRST_DAY = datetime(2026, 1, 5, tzinfo=UTC)
"""A Monday."""


@dataclass(frozen=True)
class Clock:
    """Times of a process's samples.

    Attributes:
        days: of the samples since Monday, first the history's and then those up to the end of what is judged.
        steps: from each sample to the next, in steps of 30 s.
    """

    days: Times
    weekday: int

    @property
    def history(self) -> int:
        """Samples of the history."""
        return DAYS * SLOTS

    @property
    def after(self) -> int:
        """Samples after the history."""
        return self.days.size - self.history

    @classmethod
    def starting(cls, weekday: int, hour: int) -> Clock:
        """A history that starts on a weekday (Monday 0), and what follows up to an hour of the second day."""
        past = np.arange(DAYS * SLOTS) / SLOTS
        after = np.arange(POINTS + hour * POINTS // 24) / POINTS
        return cls(weekday + np.concatenate([past, DAYS + after]), weekday)


Draw = Callable[[np.random.Generator, int, Clock], Values]


@dataclass(frozen=True)
class Kind:
    """A kind of quiet data."""

    name: str
    draw: Draw
    kind: QueryKind = QueryKind.GAUGE
    direction: Direction = Direction.BOTH


def _uniform(rng: np.random.Generator, rows: int, low: float, high: float) -> Values:
    return rng.uniform(low, high, (rows, 1)).astype(np.float32)


def _normal(rng: np.random.Generator, rows: int, count: int) -> Values:
    return rng.standard_normal((rows, count), dtype=np.float32)


def wandering(rng: np.random.Generator, rows: int, clock: Clock, memory: float, every: int = 1) -> Values:
    """A stationary AR(1) process of variance 1.

    Args:
        memory: correlation of neighbours on a grid of ``every`` × 30 s.
    """
    of_step = memory ** (1 / every)
    past = _autoregression(_normal(rng, rows, clock.history), of_step**EVERY, None)
    day = _autoregression(_normal(rng, rows, clock.after), of_step, past[:, -1] * of_step ** (EVERY - 1))
    return np.concatenate([past, day], axis=1)


def _autoregression(noise: Values, memory: float, before: Values | None) -> Values:
    noise *= np.float32(np.sqrt(1 - memory**2))
    if before is None:
        noise[:, 0] /= np.float32(np.sqrt(1 - memory**2))
    else:
        noise[:, 0] += np.float32(memory) * before
    return np.asarray(lfilter([1.0], [1.0, -memory], noise, axis=1), dtype=np.float32)


def _level(rng: np.random.Generator, rows: int, deviations: Values) -> Values:
    """Deviations around levels of different sizes, with spreads of 5% to 40% of them."""
    level = np.exp(_uniform(rng, rows, 0, 8))
    return level * (1 + _uniform(rng, rows, 0.05, 0.4) * deviations)


def _daily(rng: np.random.Generator, rows: int, clock: Clock) -> Values:
    phase = _uniform(rng, rows, 0, 2 * np.pi)
    day = np.asarray(2 * np.pi * clock.days[None, :], dtype=np.float32)
    return np.sin(day + phase) + _uniform(rng, rows, 0, 0.5) * np.sin(2 * day + 3 * phase)


def gaussian(rng: np.random.Generator, rows: int, clock: Clock) -> Values:
    """Independent normal values."""
    return _level(rng, rows, _normal(rng, rows, clock.days.size))


def student(rng: np.random.Generator, rows: int, clock: Clock) -> Values:
    """Independent values of Student's t with 3 degrees of freedom."""
    return _level(rng, rows, rng.standard_t(3, (rows, clock.days.size)).astype(np.float32))


def lognormal(rng: np.random.Generator, rows: int, clock: Clock) -> Values:
    """Exponentials of processes with a memory of some minutes: latencies."""
    return np.exp(_uniform(rng, rows, 0, 5) + _uniform(rng, rows, 0.2, 1.0) * wandering(rng, rows, clock, 0.8))


def memory_90(rng: np.random.Generator, rows: int, clock: Clock) -> Values:
    """AR(1), 0.9 from one 30 s to the next."""
    return _level(rng, rows, wandering(rng, rows, clock, 0.9))


def memory_99(rng: np.random.Generator, rows: int, clock: Clock) -> Values:
    """AR(1), 0.99 from one 30 s to the next."""
    return _level(rng, rows, wandering(rng, rows, clock, 0.99))


def memory_99_slow(rng: np.random.Generator, rows: int, clock: Clock) -> Values:
    """AR(1), 0.99 from one 5 minutes to the next: a level that wanders over 8 hours."""
    return _level(rng, rows, wandering(rng, rows, clock, 0.99, EVERY))


def seasonal(rng: np.random.Generator, rows: int, clock: Clock) -> Values:
    """Days, weekends at two thirds of a working day, and a drift of up to a spread in ten days."""
    weekend = np.where(np.floor(clock.days) % 7 >= 5, np.float32(2 / 3), np.float32(1))
    traffic = (1.5 + _daily(rng, rows, clock)) * weekend
    drift = _uniform(rng, rows, -0.1, 0.1) * np.asarray(clock.days - clock.days[0], dtype=np.float32)
    noise = wandering(rng, rows, clock, 0.9) * _uniform(rng, rows, 0.3, 1.0)
    return _level(rng, rows, traffic + drift + noise)


def bursty(rng: np.random.Generator, rows: int, clock: Clock) -> Values:
    """Events that come in crowds: negative binomial numbers at random moments, seen for 5 minutes."""
    rate = np.exp(_uniform(rng, rows, -7.5, 1.0))
    size = np.exp(_uniform(rng, rows, -2, 1))
    slots = DAYS * SLOTS + clock.after // EVERY
    counts = rng.negative_binomial(size, size / (size + rate), (rows, slots)).astype(np.float32)
    return np.concatenate([counts[:, : clock.history], np.repeat(counts[:, clock.history :], EVERY, axis=1)], axis=1)


def crowds(rng: np.random.Generator, rows: int, clock: Clock) -> Values:
    """Events whose rate wanders over hours."""
    rate = np.exp(_uniform(rng, rows, -6.5, 0.5) + _uniform(rng, rows, 0.2, 1.2) * wandering(rng, rows, clock, 0.99))
    counts = rng.poisson(np.concatenate([rate[:, : clock.history], rate[:, clock.history :: EVERY]], axis=1))
    day = np.repeat(counts[:, clock.history :], EVERY, axis=1)
    return np.concatenate([counts[:, : clock.history], day], axis=1).astype(np.float32)


def quantised(rng: np.random.Generator, rows: int, clock: Clock) -> Values:
    """Wandering values in steps of 0.2 to 2 of their spreads: a few levels, some of them seldom."""
    step = np.exp(_uniform(rng, rows, np.log(0.2), np.log(2)))
    deviations = wandering(rng, rows, clock, 0.9) + _uniform(rng, rows, 0, 1)
    return _level(rng, rows, step * np.round(deviations / step))


def missing(rng: np.random.Generator, rows: int, clock: Clock) -> Values:
    """Wandering values of which a fifth is missing."""
    values = _level(rng, rows, wandering(rng, rows, clock, 0.9))
    values[rng.random(values.shape, dtype=np.float32) < 0.2] = np.nan
    return values


def sawtooth(rng: np.random.Generator, rows: int, clock: Clock) -> Values:
    """Levels that climb until a restart takes them back, some hours apart: memory of a process that leaks."""
    restarts = np.zeros((rows, clock.days.size), dtype=np.float32)
    spans = rng.uniform(0.15, 0.6, (rows, 1))
    moments = np.cumsum(spans * rng.uniform(0.5, 1.5, (rows, 220)), axis=1) - rng.uniform(1.0, 1.5, (rows, 1))
    since = clock.days - clock.weekday
    for row in range(rows):
        restarts[row] = since - moments[row, np.searchsorted(moments[row], since, side="right") - 1]
    noise = 0.03 * wandering(rng, rows, clock, 0.8)
    return _uniform(rng, rows, 1, 100) * (1 + restarts / spans.astype(np.float32) + noise)


def counters(rng: np.random.Generator, rows: int, clock: Clock) -> Values:
    """Bytes counted since the last restart, one in three days; what comes between two samples is a gamma process."""
    steps = np.diff(clock.days, prepend=clock.days[0] - 1 / SLOTS)
    crowds_a_day = np.exp(_uniform(rng, rows, np.log(2_000), np.log(200_000)))
    counted = np.cumsum(rng.standard_gamma(crowds_a_day * steps, dtype=np.float32), axis=1, dtype=np.float64)
    restarted = rng.random(counted.shape, dtype=np.float32) < steps / 3
    before = np.maximum.accumulate(np.where(restarted, counted, -crowds_a_day * rng.random((rows, 1))), axis=1)
    return (_uniform(rng, rows, 1, 1000) * (counted - before)).astype(np.float32)


KINDS = (
    Kind("Gaussian", gaussian),
    Kind("Student's t, 3", student),
    Kind("log-normal, memory of minutes", lognormal, direction=Direction.UP),
    Kind("AR(1) 0.9 at 30 s", memory_90),
    Kind("AR(1) 0.99 at 30 s", memory_99),
    Kind("AR(1) 0.99 at 5 min", memory_99_slow),
    Kind("day, week and drift", seasonal),
    Kind("bursty counts", bursty, QueryKind.COUNT, Direction.UP),
    Kind("counts in crowds over hours", crowds, QueryKind.COUNT, Direction.UP),
    Kind("quantised", quantised),
    Kind("a fifth missing", missing),
    Kind("climbing from restart to restart", sawtooth, direction=Direction.UP),
    Kind("counters that restart", counters, QueryKind.COUNTER),
)


def pack_of(kind: Kind, queries: int) -> QueryPack:
    """A pack of queries that say nothing but the kind of value and the side that hurts."""
    return QueryPack(
        name="quiet",
        version=1,
        queries=[
            PackQuery(
                id=f"quiet_{number}",
                title=f"Quiet values {number}",
                group=SignalGroup.CPU,
                promql=f"quiet_{number}",
                unit="cores",
                kind=kind.kind,
                direction=kind.direction,
                subject=SubjectLabels(kind=SubjectKind.CONTAINER, name="pod", namespace="namespace", part="container"),
                severity=Severity.WARNING,
                needs=[f"quiet_{number}"],
                thresholds=Thresholds(warning=None, critical=None),
            )
            for number in range(queries)
        ],
    )


def cluster_day(
    kind: Kind, rng: np.random.Generator, weekday: int, series: int, hour: int = 0
) -> tuple[Frame, Frame, QueryPack]:
    """A history, 24 hours that begin on the day after it, and the pack that they are of.

    Args:
        weekday: on which the history starts, and hence the judged hours begin (Monday 0).
        series: of the cluster, a multiple of those of a query.
        hour: at which what is judged begins (UTC).
    """
    queries = max(1, series // SERIES_OF_QUERY)
    keys = [
        SeriesKey.of(f"quiet_{number % queries}", {"namespace": "n", "pod": str(number // queries), "container": "c"})
        for number in range(series)
    ]
    clock = Clock.starting(weekday, hour)
    values = kind.draw(rng, series, clock)
    start = FIRST_DAY + timedelta(days=weekday)
    return (
        Frame(start, 300, keys, np.ascontiguousarray(values[:, : clock.history], dtype=np.float32)),
        Frame(
            start + timedelta(days=DAYS, hours=hour),
            30,
            keys,
            np.ascontiguousarray(values[:, -POINTS:], dtype=np.float32),
        ),
        pack_of(kind, queries),
    )
