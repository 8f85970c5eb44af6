"""One series that was not as expected: a finding, or a weaker deviation that is context only."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta

import numpy as np
import numpy.typing as npt

from fleet.detectors.contract import Anomaly
from fleet.findings.finding import Finding, FindingKind
from fleet.frames.frame import SeriesKey
from fleet.frames.pack import PackQuery
from fleet.frames.window import Window
from fleet.inventory.subject import Subject, SubjectKind
from fleet.investigations.question import Material
from fleet.investigations.timeline import Timeline

_SIGNS = {FindingKind.ABOVE: 1, FindingKind.BELOW: -1, FindingKind.GAP: 0}
LASTING = frozenset({SubjectKind.NODE, SubjectKind.DEVICE})
"""Subjects whose series are missed when they end; those of pods end with their pods."""
_RECENT = timedelta(hours=6)
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
    found = [_from_onset(material, each) for each in _from_findings(material)]
    told = [(each.row, each.sign, each.window) for each in found if each.row is not None]
    context = [
        _from_onset(material, each)
        for each in _from_context(material, cluster_id)
        if not any(row == each.row and sign == each.sign and each.window.overlaps(window) for row, sign, window in told)
    ]
    vanished = _vanished(material, cluster_id)
    return sorted(
        [*found, *context, *vanished], key=lambda each: (each.window.start, each.key.query_id, each.key.labels)
    )


def _vanished(material: Material, cluster_id: str) -> Iterator[Deviation]:
    """Series of nodes and devices that gave samples until shortly before the frame, and are not in it at all."""
    frame, history = material.frame, material.history
    if history is None or history.window.end != frame.start:
        return
    recent = max(1, int(_RECENT.total_seconds()) // history.step_seconds)
    queries = {query.id: query for query in material.pack.queries if query.subject.kind in LASTING}
    here = material.rows_of(frame)
    for key, row in material.rows_of(history).items():
        seen = np.flatnonzero(np.isfinite(history.values[row, -recent:]))
        query = queries.get(key.query_id)
        if query is None or key in here or not seen.size:
            continue
        since = history.window.end - timedelta(seconds=history.step_seconds * (recent - 1 - int(seen[-1])))
        yield Deviation(
            query=query,
            key=key,
            row=None,
            subject=material.topology.resolve(query.subject_of(cluster_id, key)),
            window=Window(start=since, end=frame.window.end),
            sign=0,
            strength=_GONE,
            observed=math.nan,
            expected=math.nan,
        )


def _from_onset(material: Material, deviation: Deviation) -> Deviation:
    """The deviation from where its level began, which may be before the frame.

    Without a history a detector is sure late, since the deviation is part of what it takes for usual.
    """
    censored = deviation.window.start - material.frame.start <= _AT_THE_EDGE
    if not censored and material.history is not None:
        return deviation
    timeline = Timeline.of(material, deviation.key)
    at = timeline.block_at(deviation.window.start)
    alike = _alike(timeline, at, deviation)
    if alike.all():
        return deviation
    begun = at - int(np.argmin(alike[::-1]))
    if at - begun < _CERTAIN_BLOCKS:
        return deviation
    return replace(deviation, window=Window(start=timeline.time_of(begun), end=deviation.window.end))


def _alike(timeline: Timeline, at: int, deviation: Deviation) -> npt.NDArray[np.bool_]:
    """Which blocks before are like the deviation's first: without a sample, or more than half of the way to it."""
    before, first = timeline.levels[:at], timeline.levels[at : at + _FIRST_BLOCKS]
    if deviation.sign == 0:
        return np.isnan(before)
    known = first[np.isfinite(first)]
    way = float(np.median(known)) - deviation.expected if known.size else math.nan
    if not way * deviation.sign > 0:
        return np.zeros(before.size, dtype=np.bool_)
    return np.asarray((before - deviation.expected) / way >= _HALF)


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
            sign=_SIGNS[finding.kind],
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
