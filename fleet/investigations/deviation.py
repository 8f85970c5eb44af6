"""One series that was not as expected: a finding, or a weaker deviation that is context only."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np

from fleet.detectors.contract import Anomaly
from fleet.findings.finding import Finding
from fleet.frames.frame import SeriesKey
from fleet.frames.pack import PackQuery
from fleet.frames.window import Window
from fleet.inventory.subject import Subject, SubjectKind
from fleet.investigations.presence import Presence
from fleet.investigations.question import Material
from fleet.investigations.timeline import Timeline

LASTING = frozenset({SubjectKind.NODE, SubjectKind.DEVICE})
"""Subjects whose series are missed when they end; those of pods end with their pods."""
_GONE = 0.5
_FIRST_BLOCKS = 3
_HALF = 0.5
_AT_THE_EDGE = timedelta(minutes=2)
"""What begins this soon in a frame may have begun before it."""
_CERTAIN_BLOCKS = 2
"""Onsets are moved by at least so many blocks; less is the blocks' own coarseness."""


@dataclass(frozen=True)
class Deviation:
    """A stretch of one series that was not as expected.

    Attributes:
        query: what was asked; ``key`` the series, ``row`` its row in the frame (None when it is not there).
        subject: what it is about, under its lasting name.
        sign: +1 above, -1 below, 0 for a gap.
        strength: 0..1, from how far the score passed its threshold.
        expected: the middle of what was expected; NaN where there is no notion of it.
        finding: the finding that says so; None for context.
    """

    query: PackQuery
    key: SeriesKey
    row: int | None
    subject: Subject
    window: Window
    sign: int
    strength: float
    observed: float
    expected: float
    finding: Finding | None = None


def deviations_of(material: Material, cluster_id: str) -> list[Deviation]:
    """Findings and context as one list in order of time; context that a finding already tells is left out."""
    weak = list(_from_context(material, cluster_id))
    told: set[int] = set()
    found = [_widened(each, weak, told) for each in _from_findings(material)]
    context = [each for place, each in enumerate(weak) if place not in told]
    every = [*(_from_onset(material, each) for each in [*found, *context]), *_vanished(material, cluster_id)]
    return sorted(every, key=lambda each: (each.window.start, each.key.query_id, each.key.labels))


def _widened(found: Deviation, context: list[Deviation], told: set[int]) -> Deviation:
    """A finding from where context says that it began: a scan sees what lies in its own window only."""
    start = found.window.start
    for place, each in enumerate(context):
        if each.row == found.row and each.sign == found.sign and each.window.overlaps(found.window):
            told.add(place)
            start = min(start, each.window.start)
    return replace(found, window=Window(start=start, end=found.window.end))


def _vanished(material: Material, cluster_id: str) -> Iterator[Deviation]:
    """Series of nodes and devices that gave samples until shortly before the frame, and are not in it at all."""
    frame, history = material.frame, material.history
    queries = {query.id: query for query in material.pack.queries if query.subject.kind in LASTING}
    here = material.rows_of(frame)
    for key in history.keys if history is not None else []:
        query = queries.get(key.query_id)
        if query is None or key in here:
            continue
        for first, last in Presence.of(material, key).gaps(1)[-1:]:
            yield Deviation(
                query=query,
                key=key,
                row=None,
                subject=material.topology.resolve(query.subject_of(cluster_id, key)),
                window=Window(start=frame.time_at(first), end=frame.time_at(last + 1)),
                sign=0,
                strength=_GONE,
                observed=math.nan,
                expected=math.nan,
            )


def _from_onset(material: Material, deviation: Deviation) -> Deviation:
    """The deviation from where its level began, which may be before the frame.

    Without a history a detector is sure late, since the deviation is part of what it takes for usual.
    """
    censored = deviation.window.start - material.seen_from <= _AT_THE_EDGE
    if not censored and material.knows_past:
        return deviation
    start = _gap_start(material, deviation) if deviation.sign == 0 else _level_start(material, deviation)
    return replace(deviation, window=Window(start=min(start, deviation.window.start), end=deviation.window.end))


def _gap_start(material: Material, deviation: Deviation) -> datetime:
    frame = material.frame
    at = round((deviation.window.start - frame.start).total_seconds() / frame.step_seconds)
    gaps = Presence.of(material, deviation.key).gaps(1)
    return next((frame.time_at(first) for first, last in gaps if first <= at <= last), deviation.window.start)


def _level_start(material: Material, deviation: Deviation) -> datetime:
    """Walks back over blocks that are more than half of the way from what was expected to the first level."""
    timeline = Timeline.of(material, deviation.key)
    at = timeline.block_at(deviation.window.start)
    first = timeline.levels[at : at + _FIRST_BLOCKS]
    known = first[np.isfinite(first)]
    way = float(np.median(known)) - deviation.expected if known.size else math.nan
    if not way * deviation.sign > 0:
        return deviation.window.start
    alike = (timeline.levels[:at] - deviation.expected) / way >= _HALF
    begun = at if alike.all() else at - int(np.argmin(alike[::-1]))
    return timeline.time_of(begun) if at - begun >= _CERTAIN_BLOCKS else deviation.window.start


def _from_findings(material: Material) -> Iterator[Deviation]:
    rows = {key: row for row, key in enumerate(material.frame.keys)}
    queries = {query.id: query for query in material.pack.queries}
    for finding in material.findings:
        query = queries.get(finding.query_id)
        if query is None:
            continue
        key = SeriesKey.of(finding.query_id, finding.series.labels)
        yield Deviation(
            query=query,
            key=key,
            row=rows.get(key),
            subject=material.topology.resolve(finding.subject),
            window=finding.window,
            sign=finding.kind.sign,
            strength=_strength(finding.score, finding.threshold),
            observed=math.nan if finding.observed is None else finding.observed,
            expected=math.nan if finding.baseline_middle is None else finding.baseline_middle,
            finding=finding,
        )


def _from_context(material: Material, cluster_id: str) -> Iterator[Deviation]:
    frame = material.frame
    queries = {query.id: query for query in material.pack.queries}
    for anomaly in material.context:
        key = frame.keys[anomaly.row]
        query = queries.get(key.query_id)
        if query is not None:
            yield Deviation(
                query=query,
                key=key,
                row=anomaly.row,
                subject=material.topology.resolve(query.subject_of(cluster_id, key)),
                window=_window(material, anomaly),
                sign=anomaly.sign,
                strength=_strength(anomaly.score, anomaly.threshold),
                observed=anomaly.observed,
                expected=anomaly.baseline[1],
            )


def _window(material: Material, anomaly: Anomaly) -> Window:
    frame = material.frame
    return Window(
        start=frame.time_at(anomaly.first), end=frame.time_at(anomaly.last) + timedelta(seconds=frame.step_seconds)
    )


def _strength(score: float, threshold: float) -> float:
    """How far a score passed its threshold, on a scale that saturates: 0.28 at the threshold, 0.96 at ten times it."""
    if not math.isfinite(score) or threshold <= 0:
        return 1.0 if score > 0 else 0.0
    return 1 - math.exp(-max(score, 0.0) / threshold / 3)
