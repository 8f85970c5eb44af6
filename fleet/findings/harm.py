"""How bad: which side of a value hurts, severity of a finding, and what users feel of it."""

from __future__ import annotations

from fleet.detectors.contract import Anomaly
from fleet.findings.finding import FindingKind
from fleet.frames.pack import Direction, PackQuery, QueryKind, Severity, SignalGroup
from fleet.inventory.subject import Subject, SubjectKind

_STRONG = 3.0
"""A score this many times its threshold is strong without any bound of the pack."""
_NEARLY_NOTHING = 0.1
"""A share of the least that is usual."""
_SIDES = {Direction.UP: {1}, Direction.DOWN: {-1}, Direction.BOTH: {1, -1}, Direction.NONE: set[int]()}


def hurts(anomaly: Anomaly, query: PackQuery) -> bool:
    """Whether the value went where it hurts: less CPU on an idle node does not, a lower share of successes does."""
    return anomaly.sign in _SIDES[query.direction]


def why_it_hurts(kind: FindingKind, query: PackQuery, subject: Subject) -> str:
    """What harm a departure may be of a value that may hurt on both sides; empty where the title says it."""
    if query.direction is not Direction.BOTH or kind is FindingKind.GAP:
        return ""
    if subject.kind is SubjectKind.ROUTE:
        return {
            -1: "So few may mean that callers do not get through any more; or that they have gone.",
            1: "So many may overload what answers; or callers try again since it fails.",
        }[kind.sign]
    return {
        -1: "So little may mean that work does not reach it any more; or that it has gone elsewhere.",
        1: "So much may be load that others miss, or a loop; or work that somebody wants.",
    }[kind.sign]


def severity_of(anomaly: Anomaly, query: PackQuery) -> Severity:
    """The severity of a value beyond its usual range.

    The pack's hint is how bad the query is at its worst: beyond the critical bound, or where there is no bound, when
    it is strong. Beyond the warning bound it is a warning at most, and short of any bound one rank less than the hint.
    A route that hardly anybody reaches any more is a warning whatever the hint: its users feel it.
    """
    bounds = query.thresholds
    if "threshold" in anomaly.detectors:
        return query.severity
    if _beyond(anomaly, query, bounds.warning):
        return _at_most(query.severity, Severity.WARNING)
    if _fell_silent(anomaly, query):
        return Severity.WARNING
    if bounds.warning is None and bounds.critical is None:
        return query.severity if anomaly.score >= _STRONG * anomaly.threshold else _lower(query.severity)
    if query.kind is QueryKind.STATE:
        return query.severity
    return _at_most(_lower(query.severity), Severity.WARNING)


def severity_among_peers(query: PackQuery) -> Severity:
    """One rank less than the pack's hint, a warning at most: it was always so, and was borne."""
    return _at_most(_lower(query.severity), Severity.WARNING)


def severity_of_gap(query: PackQuery) -> Severity:
    """Not seeing something is a warning: what it hides may be worse, and may be nothing."""
    return Severity.WARNING if query.severity.rank >= Severity.WARNING.rank else Severity.INFO


def touches_service(query: PackQuery) -> bool:
    """Whether users of the cluster's services feel a departure: of a route, or of what a service level counts."""
    return query.subject.kind is SubjectKind.ROUTE or query.group is SignalGroup.SERVICE_LEVELS


def _fell_silent(anomaly: Anomaly, query: PackQuery) -> bool:
    if query.direction is not Direction.BOTH or query.subject.kind is not SubjectKind.ROUTE or anomaly.sign > 0:
        return False
    low = anomaly.baseline[0]
    return low > 0 and anomaly.observed <= _NEARLY_NOTHING * low


def _beyond(anomaly: Anomaly, query: PackQuery, bound: float | None) -> bool:
    if bound is None:
        return False
    return anomaly.observed <= bound if query.direction is Direction.DOWN else anomaly.observed >= bound


def _lower(severity: Severity) -> Severity:
    return list(Severity)[max(0, severity.rank - 1)]


def _at_most(severity: Severity, most: Severity) -> Severity:
    return severity if severity.rank <= most.rank else most
