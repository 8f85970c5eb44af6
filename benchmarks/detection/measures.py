"""What is measured beside VUS-PR: points at the best threshold, and events."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from benchmarks.detection.cases import Numbers
from benchmarks.detection.vus import Labels, events_of


def best_point_f1(scores: Numbers, labels: Labels) -> float:
    """The highest F1 of single points over all thresholds; no point is credited for another."""
    order = np.argsort(-scores, kind="stable")
    hits = np.cumsum(labels[order])
    last_of_ties = np.append(np.diff(scores[order]) != 0, True)
    f1 = 2 * hits / (np.arange(1, len(labels) + 1) + labels.sum())
    return float(f1[last_of_ties].max())


@dataclass
class Events:
    """Labelled events and findings of some files at one sensitivity. Shares of nothing are None.

    Attributes:
        events, seen: labelled events on judged days, and those that a finding touches.
        findings, right: findings, and those that touch an event.
        days: judged days.
        delays: of seen events, minutes from the event's start to the first point that a finding covers.
    """

    events: int = 0
    seen: int = 0
    findings: int = 0
    right: int = 0
    days: float = 0.0
    delays: list[float] = field(default_factory=list)

    @property
    def precision(self) -> float | None:
        """Share of findings that touch an event."""
        return self.right / self.findings if self.findings else None

    @property
    def recall(self) -> float | None:
        """Share of events that a finding touches."""
        return self.seen / self.events if self.events else None

    @property
    def delay_minutes(self) -> float | None:
        """Median delay of the seen events."""
        return float(np.median(self.delays)) if self.delays else None

    @property
    def false_a_day(self) -> float | None:
        """Findings a day that touch no event."""
        return (self.findings - self.right) / self.days if self.days else None

    def add(self, flags: Labels, labels: Labels, judged: Labels, step_seconds: int) -> None:
        """Count one file: 0 and 1 by column of its grid; nothing outside ``judged`` counts."""
        found = list(zip(*(edge.tolist() for edge in events_of(flags * judged)), strict=True))
        events = list(zip(*(edge.tolist() for edge in events_of(labels * judged)), strict=True))
        self.events += len(events)
        self.findings += len(found)
        self.days += float(judged.sum()) * step_seconds / 86_400
        self.right += sum(any(a <= end and start <= b for start, end in events) for a, b in found)
        for start, end in events:
            touching = [max(a, start) for a, b in found if a <= end and start <= b]
            if touching:
                self.seen += 1
                self.delays.append((min(touching) - start) * step_seconds / 60)
