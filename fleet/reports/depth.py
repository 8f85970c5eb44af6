"""How much a report tells of each part. What is left out is always said, with where it stands."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Depth:
    """Upper bounds, each for one section.

    Attributes:
        incidents: with a section of their own; the others stand in the list of all incidents.
        charts: series drawn of one incident. ``moments``: lines of its story.
        findings: lines of a table of findings. ``changes``: lines of a table of changes.
    """

    incidents: int
    charts: int
    moments: int
    findings: int
    changes: int


SURVEY = Depth(incidents=12, charts=2, moments=10, findings=10, changes=6)
"""For a report on many clusters, which somebody has to read."""
WHOLE = Depth(incidents=25, charts=4, moments=30, findings=40, changes=20)
"""For a report on one cluster or one incident."""
