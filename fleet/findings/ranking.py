"""Which incident to look at first: harm, as a key to sort by and in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from math import log2

from fleet.findings.finding import Finding
from fleet.findings.incident import Harm, Incident, Phase
from fleet.findings.relations import WIDE
from fleet.inventory.subject import SubjectKind

LOOK_BACK = timedelta(days=14)
"""How far back a finding counts as seen before."""
_WORKLOADS = {SubjectKind.POD, SubjectKind.CONTAINER, SubjectKind.WORKLOAD}
_NODES = {SubjectKind.NODE, SubjectKind.DEVICE}
_STRENGTH_COUNTS_UP_TO = 16.0
"""Beyond that, more strength is no more harm: a counter that was always 0 gives any score."""
_MUCH_STRONGER = 2.0
_NEWS = 2.0
"""What has not been seen in a fortnight weighs as much as four times the subjects, or four times the strength."""

Earlier = Mapping[str, Sequence[datetime]]
"""When earlier findings of a fingerprint began."""


def weight_of(finding: Finding) -> tuple[int, bool, float, str, datetime]:
    """Which finding of an incident stands for it: the highest."""
    narrow = finding.subject.kind not in WIDE
    return finding.severity.rank, narrow, min(finding.strength, 1e6), finding.fingerprint, finding.window.start


def centre_of(findings: Sequence[Finding], stood: str) -> Finding:
    """The finding that stands for an incident, and keeps standing for it until another is clearly stronger.

    Args:
        findings: of the incident, at least one.
        stood: the fingerprint that stood for it so far; any other text where there was none.
    """
    strongest = max(findings, key=weight_of)
    before = max((each for each in findings if each.fingerprint == stood), key=weight_of, default=strongest)
    return strongest if _outweighs(strongest, before) else before


def _outweighs(one: Finding, other: Finding) -> bool:
    """Whether it is more severe, has a place of its own instead of none, or is much stronger."""
    kind, other_kind = weight_of(one)[:2], weight_of(other)[:2]
    stronger = min(one.strength, _STRENGTH_COUNTS_UP_TO) >= _MUCH_STRONGER * other.strength
    return kind > other_kind or (kind == other_kind and stronger)


def harm_of(findings: Sequence[Finding], centre: Finding, began: datetime, earlier: Earlier) -> Harm:
    """What an incident does, without the words (``explained``).

    Args:
        findings: by which it is told.
        centre: the one that stands for it.
        began: when it began; what was seen in the fortnight before is no news.
        earlier: when findings of these fingerprints began.
    """
    felt = [finding for finding in findings if finding.service_level]
    days = {start.date() for start in earlier.get(centre.fingerprint, ()) if began - LOOK_BACK <= start < began}
    return Harm(
        service=max(felt, key=weight_of).subject.display if felt else "",
        workloads=len(
            {(each.subject.namespace, _workload(each)) for each in findings if each.subject.kind in _WORKLOADS}
        ),
        nodes=len({each.subject.name for each in findings if each.subject.kind in _NODES}),
        subjects=len({each.subject.identity for each in findings}),
        strength=round(max(each.strength for each in findings), 1),
        days_seen=len(days),
    )


def ranked(incidents: Sequence[Incident]) -> list[Incident]:
    """Incidents in order of harm, each with its rank (1 is the worst) and why it is there."""
    ordered = sorted(incidents, key=lambda each: (worst_first(each), each.started_at, each.id))
    return [explained(incident.model_copy(update={"rank": rank})) for rank, incident in enumerate(ordered, start=1)]


def explained(incident: Incident) -> Incident:
    """An incident whose harm says in words why it ranks where it does, as it stands now."""
    return incident.model_copy(update={"harm": incident.harm.model_copy(update={"why": _in_words(incident)})})


def worst_first(incident: Incident) -> tuple[float, ...]:
    """By which incidents are ordered, of one cluster and of many.

    Severity first, then services that users feel, then what still goes on; then reach, strength and news.
    """
    harm = incident.harm
    strength = log2(max(1.0, min(harm.strength, _STRENGTH_COUNTS_UP_TO)))
    reach = log2(1 + harm.subjects)
    return (
        -incident.severity.rank,
        not harm.service,
        incident.phase is not Phase.ONGOING,
        -round(reach + strength + _NEWS / (1 + harm.days_seen), 6),
    )


def _in_words(incident: Incident) -> str:
    """For example ``critical; users feel it on route shop/cart; goes on; touches 3 workloads; new within 14 days``."""
    harm = incident.harm
    touched = [_counted(harm.workloads, "workload"), _counted(harm.nodes, "node")]
    days = LOOK_BACK.days
    news = f"seen on {harm.days_seen} of the {days} days before" if harm.days_seen else f"new within {days} days"
    parts = [
        incident.severity.value,
        f"users feel it on {harm.service}" if harm.service else "",
        "goes on" if incident.phase is Phase.ONGOING else "ended",
        "touches " + " and ".join(filter(None, touched)) if any(touched) else "",
        f"{_plain(harm.strength)} times its threshold",
        news,
    ]
    return "; ".join(filter(None, parts))


def _plain(strength: float) -> str:
    return f"{min(strength, 1000):,.{1 if strength < 10 else 0}f}{'' if strength <= 1000 else ' and more'}"


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}" if number else ""


def _workload(finding: Finding) -> str:
    return finding.subject.workload or finding.subject.name
