"""How severities, states, grades and causes are marked, and the tables that several sections share."""

from __future__ import annotations

from fleet.findings.finding import Finding, FindingKind
from fleet.findings.grade import Letter
from fleet.frames.pack import Severity
from fleet.inventory.alike import told_together
from fleet.inventory.change import Change
from fleet.investigations.investigation import Investigation, Verdict
from fleet.reports.content import Cell, Column, Table, Tone
from fleet.reports.material import most_important
from fleet.reports.wording import brief, share, short_moment, short_span, value, value_range

_SEVERITY_TONES = {Severity.INFO: Tone.INFO, Severity.WARNING: Tone.WARNING, Severity.CRITICAL: Tone.CRITICAL}
_GRADE_TONES = {
    Letter.A: Tone.GOOD,
    Letter.B: Tone.INFO,
    Letter.C: Tone.WARNING,
    Letter.D: Tone.CRITICAL,
    Letter.F: Tone.CRITICAL,
    Letter.NOT_GRADED: Tone.UNKNOWN,
}


def severity_cell(severity: Severity) -> Cell:
    """A severity as a mark."""
    return Cell(text=severity.value, tone=_SEVERITY_TONES[severity])


def grade_tone(letter: Letter) -> Tone:
    """The tone of a grade; not graded is unknown, never good."""
    return _GRADE_TONES[letter]


def grade_cell(letter: Letter) -> Cell:
    """A grade as a mark."""
    return Cell(text=letter.value, tone=grade_tone(letter))


def probable_cause(investigation: Investigation | None) -> str:
    """The most probable cause with its confidence, or why there is none."""
    if investigation is None:
        return "not investigated"
    if investigation.verdict is Verdict.NOT_ENOUGH_EVIDENCE or not investigation.causes:
        return "not enough evidence"
    first = min(investigation.causes, key=lambda each: each.rank)
    return f"{brief(first.title, 70)} ({share(first.confidence)})"


def observed(finding: Finding) -> str:
    """``97.1%, usually 41% – 52%``; ``no data`` for a gap."""
    if finding.kind is FindingKind.GAP:
        return "no data"
    seen = value(finding.observed, finding.unit)
    if finding.baseline_low is None or finding.baseline_high is None:
        return seen
    beside = "usually" if finding.peers is None else f"like {finding.peers.members}"
    return f"{seen}, {beside} {value_range(finding.baseline_low, finding.baseline_high, finding.unit)}"


def findings_table(caption: str, findings: list[Finding], most: int) -> Table:
    """Findings in the order given, numbered: the most important ones; a note says how many did not fit."""
    rows = [
        [
            Cell(text=str(number)),
            severity_cell(finding.severity),
            Cell(text=brief(". ".join(filter(None, [finding.title, _alike(finding), finding.why])), 200)),
            Cell(text=brief(finding.subject.display)),
            Cell(text=short_span(finding.window.start, None if finding.ongoing else finding.window.end)),
            Cell(text=f"{finding.strength:,.1f}"),
        ]
        for number, finding in enumerate(most_important(findings, most), start=1)
    ]
    left = len(findings) - most
    return Table(
        caption=caption,
        columns=[
            Column(title="No.", weight=5, numeric=True),
            Column(title="Severity", weight=11),
            Column(title="What", weight=38),
            Column(title="Where", weight=22),
            Column(title="When (UTC)", weight=16),
            Column(title="Strength", weight=10, numeric=True),
        ],
        rows=rows,
        note=f"The {most} most important of {len(findings)} are shown." if left > 0 else "",
    )


def _alike(finding: Finding) -> str:
    """What a finding's thing was compared with; empty where it was its own past."""
    peers = finding.peers
    if peers is None:
        return ""
    return f"Alike: {peers.cohort}, {peers.seen} of {peers.known} {peers.members} seen"


def changes_table(caption: str, changes: list[Change], most: int) -> Table:
    """Changes, the latest first."""
    latest = told_together(sorted(changes, key=lambda each: (each.at, each.id), reverse=True))
    return Table(
        caption=caption,
        columns=[
            Column(title="When (UTC)", weight=14),
            Column(title="Kind", weight=14),
            Column(title="Where", weight=28),
            Column(title="What", weight=44),
        ],
        rows=[
            [
                Cell(text=short_moment(change)),
                Cell(text=change.kind.value),
                Cell(text=brief(change.subject.display)),
                Cell(text=brief(change.summary, 200)),
            ]
            for change in latest[:most]
        ],
        note=f"The latest {most} of {len(latest)} are shown." if len(latest) > most else "",
    )
