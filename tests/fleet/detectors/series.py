"""Frames for tests: fortnights of history at 5 minutes and a day at 30 s, quiet or with something planted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import numpy.typing as npt

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

NOW = datetime(2026, 1, 15, tzinfo=UTC)
DAY_POINTS = 2880
HISTORY_EVERY = 10

Values = npt.NDArray[np.float32]


def query(
    query_id: str,
    kind: QueryKind = QueryKind.GAUGE,
    direction: Direction = Direction.UP,
    *,
    subject: SubjectLabels | None = None,
    unit: str = "cores",
    severity: Severity = Severity.WARNING,
    warning: float | None = None,
    critical: float | None = None,
) -> PackQuery:
    return PackQuery(
        id=query_id,
        title=f"Values of {query_id}",
        group=SignalGroup.CPU,
        promql=f"metric_{query_id}",
        unit=unit,
        kind=kind,
        direction=direction,
        subject=subject or SubjectLabels(kind=SubjectKind.NODE, name="instance"),
        severity=severity,
        needs=["metric"],
        thresholds=Thresholds(warning=warning, critical=critical),
    )


def pack_of(*queries: PackQuery) -> QueryPack:
    return QueryPack(name="test", version=1, queries=list(queries))


GAUGES = pack_of(
    query("gauge"),
    query("both", direction=Direction.BOTH),
    query("context", direction=Direction.NONE),
    query("ratio", QueryKind.RATIO, unit="ratio", warning=0.9, critical=0.97),
    query("falls", QueryKind.RATIO, Direction.DOWN, unit="ratio"),
    query("count", QueryKind.COUNT, unit="count"),
    query("state", QueryKind.STATE, Direction.DOWN, unit="state"),
)


def keys_of(query_id: str, count: int) -> list[SeriesKey]:
    return [SeriesKey.of(query_id, {"instance": f"node-{number}"}) for number in range(count)]


def split(values: Values, query_id: str, *, days: int = 14) -> tuple[Frame, Frame]:
    """The last day of values at 30 s as a frame, the days before as its history at 5 minutes."""
    keys = keys_of(query_id, values.shape[0])
    past = values[:, : values.shape[1] - DAY_POINTS : HISTORY_EVERY][:, -days * 288 :]
    return (
        Frame(NOW, 30, keys, np.ascontiguousarray(values[:, -DAY_POINTS:], dtype=np.float32)),
        Frame(NOW - timedelta(seconds=300 * past.shape[1]), 300, keys, np.ascontiguousarray(past, dtype=np.float32)),
    )


def points(days: int = 15) -> int:
    return days * DAY_POINTS


def wandering(rng: np.random.Generator, rows: int, count: int, memory: float) -> Values:
    """A stationary AR(1) process of variance 1, approximated by a moving average over an exponential window."""
    length = min(int(8 / (1 - memory)), 4000)
    kernel = memory ** np.arange(length)
    kernel /= np.sqrt((kernel**2).sum())
    size = count + length
    spectrum = np.fft.rfft(rng.standard_normal((rows, size)), axis=1) * np.fft.rfft(kernel, size)
    return np.fft.irfft(spectrum, size, axis=1)[:, length:].astype(np.float32)


def daily(count: int, amplitude: float = 1.0) -> Values:
    return (amplitude * np.sin(np.arange(count) / DAY_POINTS * 2 * np.pi)).astype(np.float32)


def quiet(rows: int = 20, seed: int = 0, level: float = 10.0) -> Values:
    rng = np.random.default_rng(seed)
    return (level + daily(points(), 2.0) + 0.5 * wandering(rng, rows, points(), 0.95)).astype(np.float32)


def joined(*frames: Frame) -> Frame:
    """Frames of one grid with their rows below each other."""
    first = frames[0]
    keys = [key for frame in frames for key in frame.keys]
    return Frame(first.start, first.step_seconds, keys, np.concatenate([frame.values for frame in frames]))
