"""How much a report tells of each part. What is left out is always said, with where it stands."""

from __future__ import annotations

from dataclasses import dataclass

from fleet.reports.record import ReportKind


@dataclass(frozen=True)
class Depth:
    """Upper bounds, each for one section.

    Attributes:
        clusters: with a section of their own and a line of the overview; the others are summed up by place.
        incidents: with a section of their own; the others stand in the list of all incidents.
        lines: of a list that goes over the whole fleet (incidents, changes, what is unknown).
        charts: series drawn of one incident. ``moments``: lines of its story.
        findings: lines of a table of findings. ``changes``: lines of a table of changes.
    """

    clusters: int
    incidents: int
    lines: int
    charts: int
    moments: int
    findings: int
    changes: int


SURVEY = Depth(clusters=25, incidents=12, lines=60, charts=2, moments=10, findings=10, changes=6)
"""For a report on many clusters, which somebody has to read."""
WHOLE = Depth(clusters=1, incidents=25, lines=100, charts=4, moments=30, findings=40, changes=20)
"""For a report on one cluster or one incident."""


def depth_of(kind: ReportKind) -> Depth:
    """How much a report of a kind tells."""
    return SURVEY if kind is ReportKind.FLEET else WHOLE
