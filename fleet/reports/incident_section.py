"""The section of one incident: what it is, what happened when, what probably caused it, and on what evidence."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np

from fleet.findings.finding import Finding
from fleet.findings.incident import Incident
from fleet.frames.pack import Severity
from fleet.frames.window import Window
from fleet.inventory.change import Change
from fleet.investigations.investigation import Cause, Evidence, Investigation, Verdict
from fleet.reports.charts import ChartSeries, Lane, draw_series, draw_timeline
from fleet.reports.citations import Citations
from fleet.reports.content import (
    Block,
    Callout,
    Cell,
    Chart,
    Column,
    Definition,
    Definitions,
    Paragraph,
    Section,
    Statement,
    Table,
    Tone,
)
from fleet.reports.depth import Depth
from fleet.reports.marks import findings_table, observed
from fleet.reports.material import FleetReportMaterial, importance, most_important
from fleet.reports.wording import brief, counted, date_time, duration, joined, share, short_span, short_time, value

_MOST_AFFECTED = 12
_MOST_LANES = 12
_MOST_CAUSES = 5
_BEFORE = timedelta(hours=1)
"""Changes so long before an incident's start still belong to its story."""
_VERDICTS = {
    Verdict.PROBABLE_CAUSE: "One cause is clearly the most probable.",
    Verdict.SEVERAL_CANDIDATES: "Several causes fit; the evidence does not decide between them.",
    Verdict.NOT_ENOUGH_EVIDENCE: "There is not enough evidence to name a cause.",
}


def incident_section(
    material: FleetReportMaterial, incident: Incident, number: int, citations: Citations, depth: Depth
) -> Section:
    """Everything that the report tells of one incident; ``number`` is its place among the ranked ones."""
    findings = material.findings_of(incident)
    investigation = material.investigation_of(incident)
    changes = _changes_of(material, incident)
    blocks: list[Block] = [_facts(material, incident), *_narrative(investigation, citations)]
    if findings:
        blocks.append(_timeline_chart(findings, changes, material.window, incident, depth.findings))
    blocks += _causes(investigation, citations)
    blocks += _charts(material, findings, changes, depth.charts)
    if findings:
        blocks.append(findings_table("Findings of this incident, in order of time", findings, depth.findings))
    moments = _moments(incident, findings, changes, investigation)
    if moments:
        blocks.append(_moments_table(moments, depth.moments))
    if investigation and investigation.missing:
        statements = [Statement(text=line) for line in investigation.missing]
        blocks.append(Callout(tone=Tone.UNKNOWN, title="What could not be seen", statements=statements))
    return Section(
        anchor=f"incident-{number}",
        title=f"{number}. {brief(incident.title)}",
        blocks=blocks,
        level=2,
    )


def _facts(material: FleetReportMaterial, incident: Incident) -> Definitions:
    affected = list(dict.fromkeys(subject.display for subject in incident.affected))
    end = incident.ended_at or material.window.end
    lasted = duration(max(end - incident.started_at, timedelta()))
    when = (
        f"{date_time(incident.started_at)}, going on at the end of the window ({lasted})"
        if incident.ended_at is None
        else f"{date_time(incident.started_at)} – {date_time(incident.ended_at)} ({lasted})"
    )
    facts = [
        ("Severity", f"{incident.severity.value}, {incident.standing}"),
        ("Cluster", material.name_of(incident.cluster_id)),
        ("Where", incident.subject.display),
        ("When", when),
        ("Affected", f"{counted(len(affected), 'subject')}: {joined(affected, _MOST_AFFECTED)}" if affected else "–"),
        ("Incident", incident.id),
    ]
    if incident.harm.why:
        facts.insert(1, ("Why here", f"{incident.harm.why}."))
    if incident.reopenings:
        went_on = "; ".join(short_span(each.start, each.end) for each in incident.stretches)
        facts.insert(-1, ("It went on", went_on))
    if brief(incident.title) != incident.title:
        facts.insert(0, ("Title", incident.title))
    return Definitions(items=[Definition(term=term, statements=[Statement(text=text)]) for term, text in facts])


def _narrative(investigation: Investigation | None, citations: Citations) -> list[Block]:
    if investigation is None:
        return [Paragraph(statements=[Statement(text="This incident was not investigated.")])]
    if not investigation.narrative:
        return []
    return [
        Paragraph(
            statements=[
                Statement(text=sentence.text, evidence=citations.cite(investigation, sentence.evidence))
                for sentence in investigation.narrative
            ]
        )
    ]


def _causes(investigation: Investigation | None, citations: Citations) -> list[Block]:
    if investigation is None:
        return []
    causes = sorted(investigation.causes, key=lambda each: each.rank)
    blocks: list[Block] = [Paragraph(statements=[Statement(text=_VERDICTS[investigation.verdict])])]
    if causes:
        items = [_cause(cause, investigation, citations) for cause in causes[:_MOST_CAUSES]]
        blocks.append(Definitions(items=items, wide=True))
    return blocks


def _cause(cause: Cause, investigation: Investigation, citations: Citations) -> Definition:
    known = {evidence.id: evidence for evidence in investigation.evidence}
    factors = ", ".join(f"{name} {share(part)}" for name, part in cause.factors.items())
    kind = cause.kind.value.replace("-", " ").capitalize()
    place = f"{kind} at {cause.subject.display}, from {date_time(cause.started_at)}."
    made_of = f" The confidence is made of: {factors}." if factors else ""
    statements = [Statement(text=place + made_of)]
    for word, ids in (("For", cause.supports), ("Against", cause.against)):
        statements += [
            Statement(lead=word, text=known[each].summary, evidence=citations.cite(investigation, [each]))
            for each in ids
            if each in known
        ]
    if not cause.against:
        statements.append(Statement(lead="Against", text="nothing was found."))
    return Definition(term=f"{cause.rank}. {cause.title}, confidence {share(cause.confidence)}", statements=statements)


def _changes_of(material: FleetReportMaterial, incident: Incident) -> list[Change]:
    places = {incident.subject.identity, *(subject.identity for subject in incident.affected)}
    first, last = incident.started_at - _BEFORE, incident.ended_at or material.window.end
    chosen = [
        change
        for change in material.changes
        if change.cluster_id == incident.cluster_id
        and first <= change.at
        and change.earliest <= last
        and change.subject.identity in places
    ]
    return sorted(chosen, key=lambda each: (each.at, each.id))


def _moments(
    incident: Incident, findings: list[Finding], changes: list[Change], investigation: Investigation | None
) -> list[tuple[datetime, str, str]]:
    """The incident's story: time, where, what; each once, in order of time."""
    told = {(change.at, change.subject.display, _told(change)) for change in changes}
    dated = [each for each in (investigation.evidence if investigation else []) if _is_dated_fact(each)]
    dated = [each for each in dated if not any(_tells_of(each, change) for change in changes)]
    told |= {(each.at, each.subject.display if each.subject else "", each.summary) for each in dated if each.at}
    told |= {(each.window.start, each.subject.display, each.title) for each in findings}
    where = incident.subject.display
    ends = [each.end for each in incident.stretches] or [incident.ended_at]
    told |= {(end, where, "The incident ended.") for end in ends if end}
    told |= {(each.start, where, "The incident came back.") for each in incident.stretches[1:]}
    return sorted(told)


def _told(change: Change) -> str:
    """A change in words; where nobody dates it, the table's time is that of the look which saw it."""
    return f"{change.summary}, since {short_time(change.not_before)}" if change.not_before else change.summary


def _is_dated_fact(evidence: Evidence) -> bool:
    return evidence.at is not None and evidence.kind.value in {"change", "event"}


def _tells_of(evidence: Evidence, change: Change) -> bool:
    """Whether evidence is the change itself, told again and perhaps cut."""
    same_place = evidence.subject is not None and evidence.subject.identity == change.subject.identity
    begins = evidence.summary.partition("…")[0]
    told = begins.startswith(change.summary) or change.summary.startswith(begins)
    return same_place and evidence.at == change.at and told


def _moments_table(moments: list[tuple[datetime, str, str]], most: int) -> Table:
    return Table(
        caption="What happened, in order of time",
        columns=[
            Column(title="When (UTC)", weight=14),
            Column(title="Where", weight=30),
            Column(title="What", weight=56),
        ],
        rows=[
            [Cell(text=short_time(at)), Cell(text=brief(where)), Cell(text=brief(what, 200))]
            for at, where, what in moments[:most]
        ],
        note=f"The first {most} of {len(moments)} are shown." if len(moments) > most else "",
    )


def _timeline_chart(
    findings: list[Finding], changes: list[Change], window: Window, incident: Incident, told: int
) -> Chart:
    """The most important findings as lanes; ``told`` is how many the table of findings has, whose numbers they bear."""
    numbers = {_key(finding): number for number, finding in enumerate(most_important(findings, told), start=1)}
    shown = most_important(findings, min(told, _MOST_LANES))
    lanes = [
        Lane(
            label=f"{numbers[_key(finding)]}. {finding.subject.display}",
            start=finding.window.start,
            end=None if finding.ongoing else finding.window.end,
            severity=finding.severity,
        )
        for finding in shown
    ]
    times = [change.at for change in changes if change.not_before is None]
    stretch = _around(shown, times, window, incident)
    worst = max((finding.severity for finding in findings), key=lambda each: each.rank, default=Severity.INFO)
    left = f" The {len(shown)} most important of {len(findings)} are drawn." if len(findings) > len(shown) else ""
    return Chart(
        caption="Timeline: one lane a finding, numbered as in the table of findings; times are UTC",
        description=(
            f"{counted(len(findings), 'finding')} and {counted(len(times), 'change')} between "
            f"{date_time(stretch.start)} and {date_time(stretch.end)}; the worst is {worst.value}.{left}"
        ),
        drawing=draw_timeline(lanes, times, stretch),
    )


def _key(finding: Finding) -> tuple[str, datetime]:
    return finding.fingerprint, finding.window.start


def _around(findings: list[Finding], times: list[datetime], window: Window, incident: Incident) -> Window:
    """The stretch that the lanes fill, with a margin."""
    first = min([incident.started_at, *times, *(each.window.start for each in findings)])
    # Who asks for a report on an incident of another time than the scan's gets one.
    last = max(first, *(window.end if each.ongoing else each.window.end for each in findings))
    margin = max((last - first) * 0.06, timedelta(minutes=5))
    return Window(start=first - margin, end=max(last, *times, first) + margin if times else last + margin)


def _charts(material: FleetReportMaterial, findings: list[Finding], changes: list[Change], most: int) -> list[Block]:
    ranked = sorted(findings, key=importance)
    drawable = [(series, each) for each in ranked if (series := material.chart_of(each)) and len(series.values)]
    return [_series_chart(series, finding, changes) for series, finding in drawable[:most]]


def _series_chart(series: ChartSeries, finding: Finding, changes: list[Change]) -> Chart:
    dated = [change for change in changes if change.not_before is None]
    own = [change.at for change in dated if change.subject.identity == finding.subject.identity]
    marked = replace(series, anomalous=[finding.window], changes=[*series.changes, *own])
    finite = series.values[np.isfinite(series.values)]
    least, most = (float(finite.min()), float(finite.max())) if len(finite) else (None, None)
    when = short_span(finding.window.start, None if finding.ongoing else finding.window.end)
    span = f"between {value(least, series.unit)} and {value(most, series.unit)}"
    return Chart(
        caption=f"{series.title}: {brief(series.subject, 160)}",
        description=f"Observed {span} in the time shown; anomalous {when} UTC: {observed(finding)}.",
        drawing=draw_series(marked),
    )
