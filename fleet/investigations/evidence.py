"""Gathers evidence: every fact that a hypothesis cites becomes one row that says how to ask again and where it lies."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256

from fleet.findings.finding import Finding
from fleet.frames.coverage import promql_asked
from fleet.frames.frame import SeriesKey
from fleet.frames.pack import PackQuery, QueryKind
from fleet.frames.window import Window
from fleet.inventory.change import HAPPENINGS, Change
from fleet.inventory.subject import Subject
from fleet.investigations.deviation import Deviation
from fleet.investigations.investigation import Evidence, EvidenceKind
from fleet.investigations.question import Material
from fleet.investigations.wording import clock, measured, moment, plain, quantity, when

_TRUE = 0.5


@dataclass(frozen=True)
class EvidenceBook:
    """Evidence of one investigation, each fact once, under a provisional id until :meth:`numbered` settles them."""

    material: Material
    _entries: dict[str, Evidence] = field(default_factory=dict)

    def deviation(self, deviation: Deviation) -> str:
        """Evidence for a stretch that was not as expected."""
        unit = deviation.query.unit
        figures = {"observed": deviation.observed, "expected": deviation.expected, "strength": deviation.strength}
        return self.series(
            deviation.query,
            deviation.key,
            deviation.window,
            subject=deviation.subject,
            summary=f"{_name(deviation.query, deviation.subject)} {_said(deviation, unit)}",
            values=figures,
            finding=deviation.finding,
        )

    def series(
        self,
        query: PackQuery,
        key: SeriesKey,
        window: Window,
        *,
        subject: Subject,
        summary: str,
        values: dict[str, float],
        finding: Finding | None = None,
    ) -> str:
        """Evidence that rests on the values of one series in a window."""
        chunks = [row for row in self.material.coverage if row.object_key and row.window.overlaps(window)]
        keys = [row.object_key for row in chunks if row.object_key]
        endpoint = next((row.endpoint for row in chunks if row.endpoint), "")
        return self._add(
            Evidence(
                id="",
                kind=EvidenceKind.METRIC,
                summary=summary,
                subject=subject,
                at=window.start,
                window=window,
                query=promql_asked(query, self.material.coverage, window),
                endpoint=(finding.series.endpoint if finding else "") or endpoint,
                labels=dict(key.labels),
                object_keys=keys or (list(finding.series.object_keys) if finding else []),
                content_hash=self._hash_of(key, window),
                fingerprint=finding.fingerprint if finding else None,
                values={name: value for name, value in values.items() if math.isfinite(value)},
            ),
            key=f"{query.id}|{key.labels}|{summary}",
        )

    def change(self, change: Change) -> str:
        """Evidence for a dated change or event that the cluster reported."""
        return self._add(
            Evidence(
                id="",
                kind=EvidenceKind.EVENT if change.kind in HAPPENINGS else EvidenceKind.CHANGE,
                summary=f"{plain(change.summary)}{_moved(change)} {when(change, moment)}",
                subject=change.subject,
                at=change.at,
                query=plain(change.source, 160),
                labels={"kind": change.kind.value},
                content_hash=sha256(change.model_dump_json().encode()).hexdigest(),
            ),
            key=f"change|{change.id}",
        )

    def topology(self, summary: str, subject: Subject) -> str:
        """Evidence for where things stand, from the inventory (or from names, where there is none)."""
        inventory = self.material.inventory
        return self._add(
            Evidence(
                id="",
                kind=EvidenceKind.TOPOLOGY,
                summary=summary,
                subject=subject,
                at=inventory.observed_at if inventory else None,
                content_hash=sha256(summary.encode()).hexdigest(),
            ),
            key=f"topology|{summary}",
        )

    def coverage(self, summary: str, subject: Subject, at: datetime | None) -> str:
        """Evidence for what was not seen."""
        return self._add(
            Evidence(
                id="",
                kind=EvidenceKind.COVERAGE,
                summary=summary,
                subject=subject,
                at=at,
                content_hash=sha256(summary.encode()).hexdigest(),
            ),
            key=f"coverage|{summary}",
        )

    def at(self, evidence_id: str) -> Evidence:
        """The evidence under a provisional id."""
        return self._entries[evidence_id]

    def numbered(self, used: list[str]) -> tuple[list[Evidence], dict[str, str]]:
        """The evidence that is cited, as ``E1``, ``E2`` … in the order of ``used``, and the way from old to new id."""
        names = {old: f"E{number}" for number, old in enumerate(dict.fromkeys(used), start=1)}
        return [self._entries[old].model_copy(update={"id": new}) for old, new in names.items()], names

    def _add(self, evidence: Evidence, key: str) -> str:
        provisional = sha256(key.encode()).hexdigest()[:16]
        self._entries.setdefault(provisional, evidence.model_copy(update={"id": provisional}))
        return provisional

    def _hash_of(self, key: SeriesKey, window: Window) -> str:
        """SHA-256 over the series' float32 values (little-endian) in the window, history before frame."""
        digest, seen = sha256(), False
        for frame in (self.material.history, self.material.frame):
            if frame is None or key not in (rows := self.material.rows_of(frame)):
                continue
            first = (window.start - frame.start).total_seconds() / frame.step_seconds
            last = (window.end - frame.start).total_seconds() / frame.step_seconds
            values = frame.values[rows[key], max(0, math.ceil(first)) : max(0, math.ceil(last))]
            digest.update(values.astype("<f4").tobytes())
            seen = seen or values.size > 0
        return digest.hexdigest() if seen else ""


def _name(query: PackQuery, subject: Subject) -> str:
    return f"{measured(query.title, subject)}"


def _moved(change: Change) -> str:
    """From what to what something changed, where its summary does not say so itself."""
    if not (change.before and change.after) or (change.before in change.summary and change.after in change.summary):
        return ""
    return f" ({plain(change.before, 60)} → {plain(change.after, 60)})"


def _said(deviation: Deviation, unit: str) -> str:
    times = f"from {clock(deviation.window.start)} to {clock(deviation.window.end)}"
    if deviation.sign == 0:
        return f"has no samples {times}"
    if deviation.query.kind is QueryKind.STATE:
        return f"turned {'true' if deviation.observed > _TRUE else 'false'}, {times}"
    expected = "" if math.isnan(deviation.expected) else f" where {quantity(deviation.expected, unit)} was expected"
    word = "rose to" if deviation.sign > 0 else "fell to"
    return f"{word} {quantity(deviation.observed, unit)}{expected}, {times}"
