"""Titles of findings: one sentence in plain words with figures and units."""

from __future__ import annotations

import re

from fleet.detectors.contract import Anomaly
from fleet.findings.quantity import quantity, quantity_range, time_span
from fleet.frames.pack import PackQuery, QueryKind
from fleet.frames.window import Window
from fleet.inventory.subject import Subject

_PER = re.compile(r",? per [^,]+$|, whole cluster$")
_HALF = 0.5


def title_of(anomaly: Anomaly, query: PackQuery, subject: Subject) -> str:
    """For a value beyond its usual range, for example ``CPU used reached 98% (usually 20–35%) on node worker-1``."""
    what = _PER.sub("", query.title)
    if query.kind is QueryKind.STATE:
        return f"{what}: {'yes' if anomaly.observed > _HALF else 'no'}, on {subject.display}"
    low, _, high = anomaly.baseline
    usual = quantity_range(low, high, query.unit)
    verb = "reached" if anomaly.sign > 0 else "fell to"
    bracket = f" (usually {usual})" if usual else ""
    # Prometheus extrapolates: one event in the range shows as 1.05.
    observed = round(anomaly.observed) if query.kind is QueryKind.COUNT else anomaly.observed
    return f"{what} {verb} {quantity(observed, query.unit)}{bracket} on {subject.display}"


def gap_title(query: PackQuery, subject: Subject, series: int, window: Window, *, ongoing: bool) -> str:
    """For series that vanished, for example ``33 series of node worker-1 have given no data for 42 min``."""
    length = time_span(window.seconds)
    what = _PER.sub("", query.title)
    if series == 1:
        verb = "has given" if ongoing else "gave"
        return f"{what} {verb} no data for {length} on {subject.display}"
    verb = "have given" if ongoing else "gave"
    return f"{series} series of {subject.display} {verb} no data for {length} ({what} and others)"
