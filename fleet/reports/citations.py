"""Which evidence a report cites, under which label, and the appendix that defines the labels."""

from __future__ import annotations

from collections.abc import Iterable

from fleet.investigations.investigation import Evidence, Investigation
from fleet.reports.content import EvidenceEntry
from fleet.reports.wording import date_time, time_span

_MOST_KEYS = 3


class Citations:
    """Labels like ``E2.3``: the third piece of evidence of the second investigation that is cited."""

    def __init__(self) -> None:
        self._investigations: list[Investigation] = []
        self._cited: dict[tuple[int, int], Evidence] = {}

    def cite(self, investigation: Investigation, ids: Iterable[str]) -> list[str]:
        """Labels for ids of an investigation's evidence; an id that it does not have is left out."""
        number = self._number(investigation)
        positions = {evidence.id: place for place, evidence in enumerate(investigation.evidence, start=1)}
        labels = []
        for each in ids:
            if each in positions:
                place = positions[each]
                self._cited[number, place] = investigation.evidence[place - 1]
                labels.append(f"E{number}.{place}")
        return labels

    def entries(self) -> list[EvidenceEntry]:
        """What was cited so far, in order of the labels."""
        return [_entry(f"E{number}.{place}", self._cited[number, place]) for number, place in sorted(self._cited)]

    def _number(self, investigation: Investigation) -> int:
        if investigation not in self._investigations:
            self._investigations.append(investigation)
        return self._investigations.index(investigation) + 1


def _entry(label: str, evidence: Evidence) -> EvidenceEntry:
    when = time_span(evidence.window) if evidence.window else date_time(evidence.at) if evidence.at else ""
    return EvidenceEntry(
        label=label,
        kind=evidence.kind.value,
        summary=evidence.summary,
        time=when,
        query=evidence.query,
        labels=", ".join(f'{name}="{value}"' for name, value in sorted(evidence.labels.items())),
        endpoint=evidence.endpoint,
        objects=_ends(evidence.object_keys),
        content_hash=evidence.content_hash,
    )


def _ends(keys: list[str]) -> list[str]:
    """The first and the last of many keys: a day of hourly chunks would fill a page and tell no more."""
    if len(keys) <= _MOST_KEYS:
        return list(keys)
    return [keys[0], f"… {len(keys) - 2} more, one a chunk of the window …", keys[-1]]
