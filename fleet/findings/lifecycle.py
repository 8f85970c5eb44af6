"""When a finding and an incident are over, and when they are back: decided by data, with hysteresis.

A finding is over (resolved) when its end is sure:

- two windows that reach beyond it were seen, do not show it any more, and the later of them ends at least
  ``QUIET_FOR`` behind it; or
- the window that shows it also shows its end, with ``END_SEEN_FOR`` of data behind that.

Until then it is open, so that one that comes and goes from scan to scan does not flap. What was not seen is no
evidence: a window whose query could not be seen is never counted. Both rules speak of the time of the data, not of
the clock, and of ends of windows, not of runs: a scan that runs twice is one look.

An incident is over when all of its findings are. When one comes back within ``RELAPSE``, the incident is the same
one, open again.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from fleet.findings.finding import ONE_EPISODE, ONGOING_WITHIN, UNRESOLVED, Finding, FindingState
from fleet.findings.incident import Incident, Stretch

QUIET_LOOKS = 2
QUIET_FOR = timedelta(minutes=30)
END_SEEN_FOR = timedelta(hours=2)
"""As long as two scans of an hour look: who sees a day at once need not wait for the next."""
RELAPSE = timedelta(hours=6)
"""Short of a day: what recurs daily is a new incident each time, and its rank says that it is no news."""


def seen_again(finding: Finding, until: datetime, *, whole: bool) -> Finding:
    """A finding after a scan that saw it.

    Args:
        finding: as it is stored with the sighting in it.
        until: the end of the scan's window.
        whole: whether the query was seen whole in that window.
    """
    behind = until - finding.window.end if whole else timedelta()
    ongoing = finding.ongoing and behind <= ONGOING_WITHIN
    quiet = [end for end in finding.quiet_at if end > max(until, finding.window.end)]
    return _settled(finding.model_copy(update={"ongoing": ongoing}), quiet, end_seen=behind >= END_SEEN_FOR)


def seen_no_more(finding: Finding, until: datetime) -> Finding:
    """A finding after a scan that would have shown it up to ``until``, and did not."""
    quiet = sorted({*finding.quiet_at, until})
    return _settled(finding.model_copy(update={"ongoing": False}), quiet, end_seen=False)


def _settled(finding: Finding, quiet: list[datetime], *, end_seen: bool) -> Finding:
    confirmed = len(quiet) >= QUIET_LOOKS and quiet[-1] - finding.window.end >= QUIET_FOR
    over = end_seen or confirmed
    return finding.model_copy(
        update={
            "state": FindingState.RESOLVED if over else finding.state,
            "ongoing": finding.ongoing and not over,
            "quiet_at": quiet,
        }
    )


def after_findings(incident: Incident, findings: Sequence[Finding]) -> Incident:
    """An incident whose findings are these by now: over when all of them are, and back when one is open again.

    Done twice it is the same as done once.

    Args:
        incident: as it was known; its state and stretches are those before.
        findings: all that belong to it; without any (they expired, or went to another incident) it is over.
    """
    resolved = incident.state is FindingState.RESOLVED
    stretches = _resumed(incident.stretches, findings, resolved=resolved)
    ended_at = stretches[-1].end if stretches else incident.ended_at
    if any(finding.state in UNRESOLVED for finding in findings):
        state = FindingState.OPEN if resolved else incident.state
    else:
        state, ended_at = FindingState.RESOLVED, ended_at or incident.started_at
    return incident.model_copy(
        update={
            "state": state,
            "started_at": min(incident.started_at, stretches[0].start) if stretches else incident.started_at,
            "ended_at": ended_at,
            "stretches": stretches,
        }
    )


def _resumed(known: Sequence[Stretch], findings: Sequence[Finding], *, resolved: bool) -> list[Stretch]:
    """The stretches that were known, the last one led on, and new ones after breaks that are sure."""
    ordered = sorted(findings, key=lambda each: (each.window.start, each.window.end))
    stretches = _closed(known, ordered)
    for finding in ordered:
        start, end = finding.window.start, None if finding.ongoing else finding.window.end
        last = stretches[-1] if stretches else None
        if last is None:
            stretches.append(Stretch(start=start, end=end))
        elif last.end is None or (end is not None and end <= last.end):
            continue
        elif start - last.end > (ONE_EPISODE if resolved else END_SEEN_FOR):
            stretches.append(Stretch(start=start, end=end))
            resolved = False
        else:
            stretches[-1] = Stretch(start=last.start, end=end)
    return stretches


def _closed(known: Sequence[Stretch], ordered: Sequence[Finding]) -> list[Stretch]:
    """The known stretches, the first from the first finding on, for the findings to lead on.

    One that had no end yet lasted until the next finding, unless those from then tell it.
    """
    stretches = list(known)
    if stretches and ordered:
        first, last = stretches[0], stretches[-1]
        stretches[0] = Stretch(start=min(first.start, ordered[0].window.start), end=first.end)
        if last.end is None:
            told = any(each.window.start <= last.start <= each.window.end for each in ordered)
            later = [each.window.start for each in ordered if each.window.start > last.start and not told]
            stretches[-1] = Stretch(start=stretches[-1].start, end=min(later, default=last.start))
    return stretches
