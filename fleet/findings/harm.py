"""How bad: severity of a finding, and what users feel of it."""

from __future__ import annotations

from fleet.detectors.contract import Anomaly
from fleet.frames.pack import Direction, PackQuery, QueryKind, Severity
from fleet.inventory.subject import Subject, SubjectKind

_STRONG = 3.0
"""A score this many times its threshold is strong without any bound of the pack."""


def severity_of(anomaly: Anomaly, query: PackQuery) -> Severity:
    """The severity of a value beyond its usual range.

    The pack's hint is how bad the query is at its worst: beyond the critical bound, or where there is no bound, when
    it is strong. Beyond the warning bound it is a warning at most, and short of any bound one rank less than the hint.
    """
    bounds = query.thresholds
    if "threshold" in anomaly.detectors:
        return query.severity
    if _beyond(anomaly, query, bounds.warning):
        return _at_most(query.severity, Severity.WARNING)
    if bounds.warning is None and bounds.critical is None:
        return query.severity if anomaly.score >= _STRONG * anomaly.threshold else _lower(query.severity)
    if query.kind is QueryKind.STATE:
        return query.severity
    return _at_most(_lower(query.severity), Severity.WARNING)


def severity_of_gap(query: PackQuery) -> Severity:
    """Not seeing something is a warning: what it hides may be worse, and may be nothing."""
    return Severity.WARNING if query.severity.rank >= Severity.WARNING.rank else Severity.INFO


def touches_service(subject: Subject) -> bool:
    """Whether something on this subject is felt by the users of the cluster's services."""
    return subject.kind is SubjectKind.ROUTE


def _beyond(anomaly: Anomaly, query: PackQuery, bound: float | None) -> bool:
    if bound is None:
        return False
    return anomaly.observed <= bound if query.direction is Direction.DOWN else anomaly.observed >= bound


def _lower(severity: Severity) -> Severity:
    return list(Severity)[max(0, severity.rank - 1)]


def _at_most(severity: Severity, most: Severity) -> Severity:
    return severity if severity.rank <= most.rank else most
