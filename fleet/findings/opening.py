"""Which findings are reason enough for somebody to look: they open an incident; the others stay findings.

A finding that opens none is not lost: it is stored, listed and open as long as it lasts, and may open an incident when
it grows stronger or longer, or when others join it. Unknown is never healthy: silence always opens one.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from fleet.findings.finding import Finding, FindingKind
from fleet.findings.relations import WIDE
from fleet.frames.pack import Severity

_WARNING_LASTS, _WARNING_STRENGTH = timedelta(minutes=15), 2.0
_HINT_LASTS, _HINT_STRENGTH = timedelta(hours=1), 1.5
_MANY_WARNINGS = 2
_MANY_PLACES = 3


def opens_incident(group: Sequence[Finding]) -> bool:
    """Whether findings that belong together are worth an incident.

    One of them is, alone (``is_enough``); or two different warnings agree; or three places with a place of their own
    are touched.
    """
    if any(is_enough(finding) for finding in group):
        return True
    warnings = {finding.fingerprint for finding in group if finding.severity.rank >= Severity.WARNING.rank}
    places = {finding.subject.identity for finding in group if finding.subject.kind not in WIDE}
    return len(warnings) >= _MANY_WARNINGS or len(places) >= _MANY_PLACES


def is_enough(finding: Finding) -> bool:
    """Whether a finding is worth an incident by itself.

    Anything critical is, and any silence. A warning is when it still goes on, lasted, or is strong. A hint has to
    last and be strong: it is short of every bound, and what it may become has bounds of its own.
    """
    if finding.kind is FindingKind.GAP or finding.severity is Severity.CRITICAL:
        return True
    lasted = finding.window.end - finding.window.start
    if finding.severity is Severity.WARNING:
        return finding.ongoing or lasted >= _WARNING_LASTS or finding.strength >= _WARNING_STRENGTH
    return lasted >= _HINT_LASTS and finding.strength >= _HINT_STRENGTH
