"""From stored results to the content of a report: fleet, one cluster, or one incident."""

from __future__ import annotations

from dataclasses import replace

from fleet.errors import NotFound, UsageError
from fleet.reports.changed import what_changed
from fleet.reports.citations import Citations
from fleet.reports.cluster_section import cluster_section
from fleet.reports.content import (
    EvidenceList,
    GradeLine,
    IncidentLine,
    Paragraph,
    ReportContent,
    ReportSummary,
    Section,
    Statement,
)
from fleet.reports.depth import WHOLE, depth_of
from fleet.reports.front_page import front_sections, headline, unknown_lines
from fleet.reports.incident_section import incident_section
from fleet.reports.marks import probable_cause
from fleet.reports.material import FleetReportMaterial
from fleet.reports.method import method_section
from fleet.reports.overview import overview, told_in_full
from fleet.reports.record import ReportKind
from fleet.reports.wording import brief, date_time, time_span


def compose(kind: ReportKind, material: FleetReportMaterial, incident_id: str | None = None) -> ReportContent:
    """The content of a report of a kind.

    Args:
        kind: INCIDENT needs ``incident_id``, CLUSTER a material of exactly one cluster.

    Raises:
        UsageError: the kind does not fit the material.
        NotFound: the material has no such incident.
    """
    if kind is ReportKind.FLEET:
        return compose_fleet_report(material)
    if kind is ReportKind.CLUSTER:
        if len(material.clusters) != 1:
            raise UsageError("A cluster report is about exactly one cluster.", hint="Name one with --cluster.")
        return compose_cluster_report(material)
    if incident_id is None:
        raise UsageError("An incident report needs the incident's id.", hint="Name it with --incident.")
    return compose_incident_report(material, incident_id)


def compose_fleet_report(material: FleetReportMaterial) -> ReportContent:
    """A report on all clusters of the material."""
    material = _comparable(material, ReportKind.FLEET, "")
    return _several(material, ReportKind.FLEET, "", "Fleet report")


def compose_cluster_report(material: FleetReportMaterial) -> ReportContent:
    """A report on the material's first cluster."""
    cluster = material.clusters[0]
    material = _comparable(material, ReportKind.CLUSTER, cluster.id)
    return _several(material, ReportKind.CLUSTER, cluster.id, f"Cluster report: {cluster.name}")


def compose_incident_report(material: FleetReportMaterial, incident_id: str) -> ReportContent:
    """A report on one incident of the material.

    Raises:
        NotFound: the material has no such incident.
    """
    incident = next((each for each in material.incidents if each.id == incident_id), None)
    if incident is None:
        raise NotFound(f"No incident {incident_id} is known.")
    own = replace(
        material,
        clusters=[each for each in material.clusters if each.id == incident.cluster_id],
        incidents=[incident],
        findings=[each for each in material.findings if incident.holds(each)],
    )
    own = _comparable(own, ReportKind.INCIDENT, incident.id)
    citations = Citations()
    sections = [
        *front_sections(own, WHOLE),
        _chapter("incident-details", "The incident", "What happened, what probably caused it, and on what evidence."),
        incident_section(own, incident, 1, citations, WHOLE),
        _chapter(
            "cluster-details", "Its cluster", "What was seen of the cluster, and what of it belongs to the incident."
        ),
        *(cluster_section(own, cluster, 1, WHOLE) for cluster in own.clusters),
    ]
    return _finished(
        own, ReportKind.INCIDENT, incident.id, f"Incident report: {brief(incident.title)}", sections, citations
    )


def _several(material: FleetReportMaterial, kind: ReportKind, scope: str, title: str) -> ReportContent:
    citations = Citations()
    incidents = material.ranked_incidents
    depth = depth_of(kind)
    told = told_in_full(material, depth.clusters)
    details = [
        incident_section(material, incident, number, citations, depth)
        for number, incident in enumerate(incidents[: depth.incidents], start=1)
    ]
    sections = front_sections(material, depth)
    if kind is ReportKind.FLEET and material.clusters:
        sections.append(overview(material, told))
    if details:
        sections += [_details_head(len(incidents), depth.incidents), *details]
    if told:
        sections += [
            _clusters_head(len(material.clusters), len(told)),
            *(cluster_section(material, each, number, depth) for number, each in enumerate(told, start=1)),
        ]
    return _finished(material, kind, scope, title, sections, citations)


def _details_head(incidents: int, told_in_full: int) -> Section:
    text = "What happened, what probably caused it, and on what evidence."
    if incidents > told_in_full:
        text += (
            f" The {told_in_full} worst of {incidents} incidents are told here; the others stand in the list of "
            "all incidents, and a report on any of them can be had by itself."
        )
    return _chapter("incident-details", "The incidents one by one", text)


def _clusters_head(clusters: int, told_in_full: int) -> Section:
    text = "What was seen of each cluster, and what was found in it."
    if clusters > told_in_full:
        text += (
            f" The {told_in_full} of {clusters} clusters that need a look most are told here; the others are summed up "
            "in the fleet at a glance."
        )
    return _chapter("cluster-details", "The clusters one by one", text)


def _chapter(anchor: str, title: str, text: str) -> Section:
    return Section(anchor=anchor, title=title, blocks=[Paragraph(statements=[Statement(text=text)])], new_page=True)


def _finished(
    material: FleetReportMaterial,
    kind: ReportKind,
    scope: str,
    title: str,
    sections: list[Section],
    citations: Citations,
) -> ReportContent:
    entries = citations.entries()
    evidence = (
        [Section(anchor="evidence", title="Evidence", blocks=[EvidenceList(entries=entries)], new_page=True)]
        if entries
        else []
    )
    first = headline(material)
    return ReportContent(
        kind=kind,
        title=title,
        subtitle=f"{time_span(material.window)}, sensitivity {material.sensitivity.value}",
        generated_at=material.generated_at,
        window=material.window,
        headline=first,
        sections=[*sections, method_section(material), *evidence],
        summary=_summary(material, kind, scope, title),
    )


def _summary(material: FleetReportMaterial, kind: ReportKind, scope: str, title: str) -> ReportSummary:
    return ReportSummary(
        kind=kind,
        scope=scope,
        title=f"{title}, {date_time(material.window.end)}",
        headline=headline(material),
        generated_at=material.generated_at,
        window=material.window,
        grades=[
            GradeLine(
                cluster_id=cluster.id,
                cluster=cluster.name,
                letter=material.letter_of(cluster.id).value,
                reason=material.reason_of(cluster.id),
            )
            for cluster in material.clusters
        ],
        incidents=[
            IncidentLine(
                id=incident.id,
                cluster_id=incident.cluster_id,
                cluster=material.name_of(incident.cluster_id),
                title=incident.title,
                severity=incident.severity,
                state=incident.state,
                standing=incident.standing,
                started_at=incident.started_at,
                ended_at=incident.ended_at,
                cause=probable_cause(material.investigation_of(incident)),
            )
            for incident in material.ranked_incidents
        ],
        changed=[each.line for each in what_changed(material)],
        unknown=[each.line for each in unknown_lines(material)],
    )


def _comparable(material: FleetReportMaterial, kind: ReportKind, scope: str) -> FleetReportMaterial:
    """The material, with the previous report forgotten where it was about something else."""
    previous = material.previous
    if previous is not None and (previous.kind, previous.scope) != (kind, scope):
        return replace(material, previous=None)
    return material
