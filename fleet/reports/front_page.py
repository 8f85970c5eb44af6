"""The first page: the grades, what changed, what is unknown, and the incidents."""

from __future__ import annotations

from collections import Counter

from fleet.findings.grade import Letter
from fleet.findings.incident import Phase
from fleet.frames.coverage import Signal
from fleet.frames.pack import Severity
from fleet.reports.changed import what_changed
from fleet.reports.content import (
    Block,
    Bullets,
    Callout,
    Cell,
    Column,
    GradeBand,
    GradeShare,
    Paragraph,
    Section,
    Statement,
    Table,
    Tone,
)
from fleet.reports.depth import Depth
from fleet.reports.gaps import gaps_of, unasked_of
from fleet.reports.marks import grade_tone, probable_cause, severity_cell
from fleet.reports.material import FleetReportMaterial
from fleet.reports.wording import brief, counted, joined, short_time

FRONT_CHANGES, FRONT_GAPS, FRONT_INCIDENTS = 9, 5, 6
"""Lines on the first page; what is beyond stands in a section of its own."""
_MOST_NAMES = 6


def headline(material: FleetReportMaterial) -> str:
    """A few sentences: how bad it is and was, where, and how much could not be judged."""
    if not material.clusters:
        return "No cluster is registered: there is nothing to judge."
    unjudged = sum(material.letter_of(cluster.id) is Letter.NOT_GRADED for cluster in material.clusters)
    judged = len(material.clusters) - unjudged
    if not judged and not material.unsettled_incidents:
        return "Nothing could be judged: no data of any cluster was seen."
    unknown = f" {counted(unjudged, 'cluster')} could not be judged." if unjudged else ""
    ended = len(material.unsettled_incidents) - len(material.open_incidents)
    over = f" {counted(ended, 'incident')} ended, which is not sure yet." if ended else ""
    over += _worse_before(material)
    if not material.open_incidents:
        return f"No incident is open in {counted(judged, 'cluster')}.{over}{unknown}"
    by_severity = Counter(incident.severity for incident in material.open_incidents)
    parts = [f"{by_severity[each]} {each.value}" for each in reversed(Severity) if by_severity[each]]
    places = {incident.cluster_id for incident in material.open_incidents}
    total = len(material.open_incidents)
    what = " and ".join(filter(None, [", ".join(parts[:-1]), parts[-1]]))
    verb = "incident is" if total == 1 else "incidents are"
    return f"{what} {verb} open in {len(places)} of {counted(len(material.clusters), 'cluster')}.{over}{unknown}"


def _worse_before(material: FleetReportMaterial) -> str:
    """How many incidents were resolved that are worse than what is not: a quiet end must not hide a bad day."""
    worst = max((each.severity.rank for each in material.unsettled_incidents), default=Severity.INFO.rank)
    resolved = Counter(each.severity for each in material.ranked_incidents if each.phase is Phase.RESOLVED)
    told = [f"{resolved[each]} {each.value}" for each in reversed(Severity) if each.rank > worst and resolved[each]]
    if not told:
        return ""
    verb = "one was" if sum(resolved[each] for each in Severity if each.rank > worst) == 1 else "ones were"
    return f" {' and '.join(told)} {verb} resolved in this window."


def unknown_lines(material: FleetReportMaterial) -> list[Statement]:
    """What was not seen, the worst cluster first: the first gap of each and how many more; equal ones are told once."""
    names: dict[str, list[str]] = {}
    for cluster in material.ranked_clusters:
        gaps = gaps_of(material, cluster.id)
        if gaps:
            more = f" (and {counted(len(gaps) - 1, 'more gap')})" if len(gaps) > 1 else ""
            names.setdefault(f"{gaps[0]}{more}.", []).append(cluster.name)
    return [Statement(lead=joined(clusters, _MOST_NAMES), text=text) for text, clusters in names.items()]


def front_sections(material: FleetReportMaterial, depth: Depth) -> list[Section]:
    """The sections of the first page, and those that take what does not fit on it."""
    linked = depth.incidents
    changed, unknown = what_changed(material), unknown_lines(material)
    sections = [
        Section(anchor="grades", title="Grades", blocks=[grade_band(material)], front=True),
        _changed_section(changed),
        _unknown_section(unknown, _unasked_line(material)),
        Section(anchor="incidents", title="Incidents", blocks=_front_incidents(material, linked), front=True),
    ]
    if len(changed) > FRONT_CHANGES:
        sections.append(_rest("changed-all", "All that changed", changed, depth))
    if len(unknown) > FRONT_GAPS:
        sections.append(_rest("unknown-all", "All that is unknown", unknown, depth))
    if len(material.ranked_incidents) > FRONT_INCIDENTS:
        rest = "a report on any of them can be had by itself"
        table = incident_table(material, depth.lines, linked, "All incidents, the worst first", rest)
        sections.append(Section(anchor="incidents-all", title="All incidents", blocks=[table]))
    return sections


def grade_band(material: FleetReportMaterial) -> GradeBand:
    """How many clusters have which grade; grades that no cluster has are shown with none."""
    shares = []
    for letter in Letter:
        names = sorted(cluster.name for cluster in material.clusters if material.letter_of(cluster.id) is letter)
        shares.append(GradeShare(letter=letter.value, tone=grade_tone(letter), clusters=names))
    return GradeBand(shares=shares)


def incident_table(material: FleetReportMaterial, most: int, linked: int, caption: str, rest: str) -> Table:
    """The worst incidents with their probable causes.

    Args:
        material: what is reported.
        most: how many of them, at most.
        linked: how many, the worst first, have sections of their own.
        caption: of the table.
        rest: what is said of those that are left out, behind their number.
    """
    incidents = material.ranked_incidents
    rows = [
        [
            Cell(text=str(number)),
            severity_cell(incident.severity),
            Cell(text=brief(incident.title, 70), target=f"incident-{number}" if number <= linked else None),
            Cell(text=material.name_of(incident.cluster_id)),
            Cell(text=short_time(incident.started_at)),
            Cell(text=incident.phase.value),
            Cell(text=probable_cause(material.investigation_of(incident))),
        ]
        for number, incident in enumerate(incidents[:most], start=1)
    ]
    left = len(incidents) - most
    return Table(
        caption=caption,
        columns=[
            Column(title="No.", weight=5, numeric=True),
            Column(title="Severity", weight=11),
            Column(title="Incident", weight=27),
            Column(title="Cluster", weight=12),
            Column(title="Began (UTC)", weight=12),
            Column(title="State", weight=12),
            Column(title="Probable cause", weight=26),
        ],
        rows=rows,
        note=f"{counted(left, 'more incident')}: {rest}." if left > 0 else "",
    )


def _front_incidents(material: FleetReportMaterial, linked: int) -> list[Block]:
    if not material.incidents:
        judged = [each.name for each in material.clusters if material.letter_of(each.id) is not Letter.NOT_GRADED]
        text = f"None in what was seen of {joined(judged, 8)}." if judged else "None is known; nothing was seen."
        return [Paragraph(statements=[Statement(text=text)])]
    rest = "see the list of all incidents"
    return [incident_table(material, FRONT_INCIDENTS, linked, "Incidents, the worst first", rest)]


def _changed_section(lines: list[Statement]) -> Section:
    block = Bullets(statements=_shortened(lines, FRONT_CHANGES, "All that changed"))
    return Section(anchor="changed", title="What changed since the last report", blocks=[block], front=True)


def _unknown_section(lines: list[Statement], unasked: list[Statement]) -> Section:
    if lines:
        tone, title = Tone.UNKNOWN, "Not seen is not healthy. This report cannot speak for:"
        statements = _shortened(lines, FRONT_GAPS, "All that is unknown")
    else:
        tone, title = Tone.GOOD, "Everything that was asked was seen"
        statements = [] if unasked else [Statement(text="No signal of any cluster is missing in the window.")]
    block = Callout(tone=tone, title=title, statements=[*statements, *unasked])
    return Section(anchor="unknown", title="What is unknown", blocks=[block], front=True)


def _unasked_line(material: FleetReportMaterial) -> list[Statement]:
    """One line on the signals of which nobody could be asked: the operator's choice, but not known to every reader."""
    names: dict[Signal, list[str]] = {}
    for cluster in material.ranked_clusters:
        for signal in unasked_of(material, cluster.id):
            names.setdefault(signal, []).append(cluster.name)
    if not names:
        return []
    told = [f"{signal.value} of {joined(names[signal], _MOST_NAMES)}" for signal in Signal if signal in names]
    return [Statement(lead="Nobody was asked for", text=f"{'; '.join(told)}. The clusters' sections say why.")]


def _shortened(lines: list[Statement], most: int, where: str) -> list[Statement]:
    if len(lines) <= most:
        return lines
    return [*lines[:most], Statement(text=f"And {len(lines) - most} more: see “{where}”.")]


def _rest(anchor: str, title: str, lines: list[Statement], depth: Depth) -> Section:
    shown = lines[: depth.lines]
    if len(lines) > len(shown):
        shown.append(Statement(text=f"And {len(lines) - len(shown)} more: a report on one cluster tells its own."))
    return Section(anchor=anchor, title=title, blocks=[Bullets(statements=shown)])
