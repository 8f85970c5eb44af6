"""Titles in plain words: of findings with figures and units, of incidents without."""

from __future__ import annotations

import re

from fleet.detectors.cohorts.outlier import Outlier
from fleet.detectors.contract import Anomaly
from fleet.findings.finding import Finding, FindingKind
from fleet.findings.quantity import quantity, quantity_range, time_range, time_span
from fleet.frames.pack import Direction, PackQuery, QueryKind
from fleet.frames.window import Window
from fleet.inventory.subject import Subject

_PER = re.compile(r",? per [^,]+$|, whole cluster$")
_HALF = 0.5
_LARGE_RATIO = 10
_LEAST_Q = 1e-4


def what_of(query: PackQuery) -> str:
    """What a query's value is, without what it is counted by: the subject says that."""
    return _PER.sub("", query.title)


def incident_title(centre: Finding, others: int) -> str:
    """An incident by its central finding, without figures, for example ``CPU used: unusually high on node worker-1``.

    Pods come and go, so that the title names their workload.
    """
    subject = centre.subject.model_copy(update={"name": centre.subject.workload or centre.subject.name}).display
    if centre.kind is FindingKind.GAP:
        title = f"No data from {subject}"
    elif centre.peers is not None:
        side = "higher" if centre.kind.sign > 0 else "lower"
        title = f"{centre.what}: {side} than on like {centre.peers.members}, on {subject}"
    elif centre.unit == "state":
        title = f"{centre.what}: {'yes' if (centre.observed or 0) > _HALF else 'no'}, on {subject}"
    else:
        title = f"{centre.what}: unusually {'high' if centre.kind is FindingKind.ABOVE else 'low'} on {subject}"
    return f"{title}, and {others} more affected" if others else title


def title_of(anomaly: Anomaly, query: PackQuery, subject: Subject) -> str:
    """For a value beyond its usual range, for example ``CPU used reached 98% (usually 20–35%) on node worker-1``.

    What fills up is told with the time that is left: ``Disk used reached 84% (usually 52–58%), full in 3–5 h, on …``.
    """
    what = what_of(query)
    if query.kind is QueryKind.STATE:
        return f"{what}: {'yes' if anomaly.observed > _HALF else 'no'}, on {subject.display}"
    low, _, high = anomaly.baseline
    usual = quantity_range(low, high, query.unit)
    verb = "reached" if anomaly.sign > 0 else "fell to"
    bracket = f" (usually {usual})" if usual else ""
    # Prometheus extrapolates: one event in the range shows as 1.05.
    observed = round(anomaly.observed) if query.kind is QueryKind.COUNT else anomaly.observed
    return f"{what} {verb} {quantity(observed, query.unit)}{bracket}{_left(anomaly, query)} on {subject.display}"


def _left(anomaly: Anomaly, query: PackQuery) -> str:
    """When it is full, for what fills up."""
    if anomaly.seconds_to_full is None:
        return ""
    share = query.kind is QueryKind.RATIO and query.direction is Direction.UP
    return f", {'full' if share else 'at its critical bound'} in {time_range(*anomaly.seconds_to_full)},"


def peer_title(outlier: Outlier, query: PackQuery) -> str:
    """For what is unlike its like: ``etcd fsync p99 is 1.8 times that of 19 like clusters (q 0.0004) on …``.

    Shares are told by themselves: ``CPU used is 85%, that of 7 like nodes 31–40% (q 0.002) on node worker-1``.
    """
    others = f"{outlier.seen - 1} like {outlier.cohort.kind}"
    if query.kind is QueryKind.RATIO:
        range_ = quantity_range(max(outlier.low, 0), outlier.high, query.unit)
        told = f"{quantity(outlier.value, query.unit)}, that of {others} {range_}"
    else:
        told = f"{times(outlier.value / outlier.centre)} that of {others}"
    return f"{what_of(query)} is {told} ({q_words(outlier.q_value)}) on {outlier.subject.display}"


def times(ratio: float) -> str:
    """A ratio to two digits: ``1.8 times``; half and less in hundredths."""
    return f"{ratio:.0f} times" if ratio >= _LARGE_RATIO else f"{ratio:.2g} times"


def q_words(q_value: float) -> str:
    """A q value to one digit; below a ten-thousandth its size is not to be believed."""
    return f"q {q_value:.1g}" if q_value >= _LEAST_Q else "q < 0.0001"


def gap_title(query: PackQuery, subject: Subject, series: int, window: Window, *, ongoing: bool) -> str:
    """For series that vanished, for example ``33 series of node worker-1 have given no data for 42 min``."""
    length = time_span(window.seconds)
    what = what_of(query)
    if series == 1:
        verb = "has given" if ongoing else "gave"
        return f"{what} {verb} no data for {length} on {subject.display}"
    verb = "have given" if ongoing else "gave"
    return f"{series} series of {subject.display} {verb} no data for {length} ({what} and others)"
