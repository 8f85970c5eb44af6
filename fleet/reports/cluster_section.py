"""The section of one cluster: its grade and why, what was seen of it, what was found, what changed."""

from __future__ import annotations

from collections import Counter

from fleet.findings.finding import Finding
from fleet.findings.incident import Phase
from fleet.frames.window import HISTORY
from fleet.inventory.cluster import Cluster
from fleet.reports.alerts import alerts_block
from fleet.reports.content import (
    Block,
    Callout,
    Definition,
    Definitions,
    Paragraph,
    Section,
    Statement,
    Tone,
)
from fleet.reports.depth import Depth
from fleet.reports.gaps import absent_queries, coverage_table, gaps_of
from fleet.reports.marks import changes_table, findings_table
from fleet.reports.material import FleetReportMaterial
from fleet.reports.method import DAILY
from fleet.reports.wording import counted, duration, joined, share

_MOST_ABSENT = 40


def cluster_section(material: FleetReportMaterial, cluster: Cluster, number: int, depth: Depth) -> Section:
    """Everything that the report tells of one cluster."""
    rows, alerts = material.coverage.get(cluster.id, []), material.alerts.get(cluster.id)
    findings = material.findings_in.get(cluster.id, [])
    changes = material.changes_in.get(cluster.id, [])
    blocks: list[Block] = [_facts(material, cluster)]
    gaps = gaps_of(material, cluster.id)
    if gaps:
        statements = [Statement(text=f"{line[:1].upper()}{line[1:]}.") for line in gaps]
        blocks.append(Callout(tone=Tone.UNKNOWN, title="What is unknown", statements=statements))
    if rows:
        blocks.append(coverage_table(rows, material.window))
    if alerts is not None:
        blocks.append(alerts_block(alerts))
    if findings:
        blocks.append(findings_table("Findings, the most severe first", findings, depth.findings))
        blocks += _apart(material, cluster, findings)
    elif material.metrics_of(cluster.id):
        text = f"Nothing was found at sensitivity {material.sensitivity.value} in what was seen."
        blocks.append(Paragraph(statements=[Statement(text=text)]))
    if changes:
        blocks.append(changes_table("Changes, the latest first", changes, depth.changes))
    return Section(anchor=f"cluster-{number}", title=cluster.name, blocks=blocks, level=2)


def _apart(material: FleetReportMaterial, cluster: Cluster, findings: list[Finding]) -> list[Block]:
    """That some findings are in no incident, lest somebody looks for them there."""
    incidents = material.incidents_in.get(cluster.id, [])
    left = sum(not any(incident.holds(finding) for incident in incidents) for finding in findings)
    if not left:
        return []
    verb = "is" if left == 1 else "are"
    text = f"{counted(left, 'finding')} {verb} in no incident: too weak and too short to be one, so far."
    return [Paragraph(statements=[Statement(text=text)])]


def _facts(material: FleetReportMaterial, cluster: Cluster) -> Definitions:
    phases = Counter(incident.phase for incident in material.incidents_in.get(cluster.id, []))
    facts = [
        ("Grade", f"{material.letter_of(cluster.id).value}: {material.reason_of(cluster.id)}"),
        ("Seen", f"{share(material.seen_of(cluster.id))} of the metrics that were asked for"),
        ("Incidents", ", ".join(f"{phases[phase]} {phase.value}" for phase in Phase if phases[phase]) or "none"),
        (
            "Endpoints",
            ", ".join(
                _endpoint(kind.value, endpoint.url, endpoint.verify_tls) for kind, endpoint in cluster.endpoints.items()
            )
            or "–",
        ),
    ]
    where = ", ".join(filter(None, [cluster.environment, cluster.region]))
    if where:
        facts.insert(0, ("Place", where))
    baselines = _baselines(material, cluster)
    if baselines:
        facts.append(("Baselines", baselines))
    absent = absent_queries(material.metrics_of(cluster.id))
    if absent:
        number = counted(len(absent), "query reads", "queries read")
        facts.append(("Absent", f"{number} what this cluster does not have: {joined(absent, _MOST_ABSENT)}"))
    return Definitions(items=[Definition(term=term, statements=[Statement(text=text)]) for term, text in facts])


def _baselines(material: FleetReportMaterial, cluster: Cluster) -> str:
    """What the cluster was judged by; empty where it was not judged."""
    if cluster in material.judged_alone:
        return "no history: judged by this window alone, and the number of false findings is not promised"
    history, version = material.history.get(cluster.id), material.models.get(cluster.id)
    if not history:
        return f"version {version} of what was learnt" if version else ""
    season = "with" if history >= DAILY else "too short for"
    learnt = f"; version {version} of what was learnt" if version else ""
    promised = "" if history >= HISTORY else ": too little for the number of false findings to be promised"
    return f"rest on {duration(history)} of history, {season} the course of the day{learnt}{promised}"


def _endpoint(kind: str, url: str, verified: bool) -> str:
    return f"{kind} {url}{'' if verified else ' (certificate not verified)'}"
