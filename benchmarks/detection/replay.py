"""The pipeline as it runs: each day is judged by what the days before it taught, at each sensitivity."""

from __future__ import annotations

from datetime import timedelta

import numpy as np

from benchmarks.detection.cases import Case
from benchmarks.detection.measures import Events
from benchmarks.detection.vus import Labels
from fleet.detectors.contract import Sensitivity
from fleet.detectors.learnt import learn
from fleet.detectors.profile.grid import decimated
from fleet.detectors.scan import detect
from fleet.frames.frame import Frame
from fleet.frames.pack import Direction, PackQuery, QueryKind, QueryPack, Severity, SignalGroup, SubjectLabels
from fleet.frames.window import HISTORY_STEP_SECONDS
from fleet.inventory.subject import SubjectKind

_DAY_SECONDS = 86_400
_LEAST_DAYS = 3
PACK = QueryPack(
    name="benchmark",
    version=1,
    queries=[
        PackQuery(
            id="value",
            title="A value",
            group=SignalGroup.CPU,
            promql="value",
            unit="count",
            kind=QueryKind.GAUGE,
            direction=Direction.BOTH,
            subject=SubjectLabels(kind=SubjectKind.CLUSTER),
            severity=Severity.WARNING,
            needs=["value"],
        )
    ],
)


def replay(case: Case, events: dict[Sensitivity, Events]) -> None:
    """Judge a file day by day and count its findings, those of all its metrics together.

    A day is judged from three days of past on: of the train part, and of what of the file lies before the day.
    """
    series = case.frame if case.in_sample else _whole(case)
    first = 0 if case.in_sample else case.history.points
    a_day = max(1, _DAY_SECONDS // series.step_seconds)
    labels = np.zeros(series.points, dtype=np.int64)
    labels[first:] = _on_grid(case)
    judged = np.zeros_like(labels)
    flags = {each: np.zeros_like(labels) for each in events}
    for start in range(max(first, _LEAST_DAYS * a_day), series.points, a_day):
        day = slice(start, min(start + a_day, series.points))
        judged[day] = 1
        learnt = learn(decimated(_columns(series, slice(0, start)), HISTORY_STEP_SECONDS), PACK)
        for sensitivity, flagged in flags.items():
            for anomaly in detect(_columns(series, day), learnt, PACK, sensitivity):
                if anomaly.sign:
                    flagged[start + anomaly.first : start + anomaly.last + 1] = 1
    for sensitivity, counted in events.items():
        counted.add(flags[sensitivity], labels, judged, series.step_seconds)


def _on_grid(case: Case) -> Labels:
    """Labels by column of the frame; a column without a sample has the label of the one before it."""
    latest = np.zeros(case.frame.points, dtype=np.intp)
    latest[case.columns] = np.arange(len(case.columns))
    return case.labels[np.maximum.accumulate(latest)]


def _columns(frame: Frame, columns: slice) -> Frame:
    values = np.ascontiguousarray(frame.values[:, columns])
    return Frame(
        frame.start + timedelta(seconds=columns.start * frame.step_seconds), frame.step_seconds, frame.keys, values
    )


def _whole(case: Case) -> Frame:
    """Train and test part as one frame: they follow each other."""
    values = np.concatenate([case.history.values, case.frame.values], axis=1)
    return Frame(case.history.start, case.frame.step_seconds, case.frame.keys, values)
