"""Episodes: sightings of one fingerprint that overlap or touch are one finding, whoever saw them and when."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from fleet.findings.finding import ONE_EPISODE, Finding, FindingState, episode_id
from fleet.frames.window import Window


def touches(one: Window, other: Window) -> bool:
    """Whether two windows overlap or lie at most ``ONE_EPISODE`` apart."""
    return one.start <= other.end + ONE_EPISODE and other.start <= one.end + ONE_EPISODE


def first_sighting(finding: Finding, at: datetime) -> Finding:
    """A finding as it is stored when nothing is known of its episode."""
    return finding.model_copy(
        update={
            "id": episode_id(finding.fingerprint, finding.window.start),
            "first_seen_at": finding.first_seen_at or at,
            "last_seen_at": finding.last_seen_at or at,
        }
    )


def unite(known: Sequence[Finding], seen: Finding, at: datetime) -> Finding:
    """One finding of the known ones that a new sighting touches, and the sighting.

    It keeps the id of the earliest and the first time of all. Figures are those of whichever ends last, so that a
    scan of the past does not overwrite the present. An acknowledgement stays; a resolved one opens again only when
    the sighting reaches further than what was resolved.

    Args:
        known: one or more stored findings of the fingerprint, each touching the sighting (or one another over it).
        seen: the new sighting.
        at: when it was seen.
    """
    earliest = min(known, key=lambda finding: finding.window.start)
    latest = max(known, key=lambda finding: finding.window.end)
    reaches_further = seen.window.end > latest.window.end
    figures = seen if seen.window.end >= latest.window.end else latest
    everyone = [*sorted(known, key=lambda finding: finding.window.start), seen]
    first = min(everyone, key=lambda finding: finding.window.start)
    # What always was so is shown by each window alone: it may last for years, and what is cited is kept.
    shown_by = [figures] if figures.kind.among_peers else everyone
    object_keys = list(dict.fromkeys(key for finding in shown_by for key in finding.series.object_keys))
    return figures.model_copy(
        update={
            "id": earliest.id,
            "scan_id": seen.scan_id,
            "state": _state(known, latest, seen, reaches_further=reaches_further),
            "window": Window(
                start=first.window.start,
                end=max(finding.window.end for finding in everyone),
            ),
            "undated": first.undated,
            "series": figures.series.model_copy(update={"object_keys": object_keys}),
            "first_seen_at": min(finding.first_seen_at or at for finding in known),
            "last_seen_at": seen.last_seen_at or at,
            "incident_id": seen.incident_id or latest.incident_id,
            "quiet_at": sorted({end for finding in known for end in finding.quiet_at}),
        }
    )


def _state(known: Sequence[Finding], latest: Finding, seen: Finding, *, reaches_further: bool) -> FindingState:
    if any(finding.state is FindingState.ACKNOWLEDGED for finding in known):
        return FindingState.ACKNOWLEDGED
    if latest.state is FindingState.RESOLVED and not reaches_further:
        return FindingState.RESOLVED
    return seen.state
