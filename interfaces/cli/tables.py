"""Results as tables for people. Text from clusters is escaped: it never becomes markup of the terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime

from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.table import Column, Table

from fleet.detectors.cohorts.trimmed import MIN_MEMBERS
from fleet.findings.finding import Finding
from fleet.findings.grade import Letter
from fleet.findings.incident import Incident
from fleet.frames.coverage import CoverageStatus, Signal
from fleet.frames.window import HISTORY
from fleet.inventory.cluster import Cluster
from fleet.inventory.endpoint_load import BreakerState, EndpointLoad
from fleet.investigations.investigation import Investigation
from fleet.reports.record import ReportRecord
from interfaces.cli.result import ClusterCoverage, IncidentLine, ScanResult

MOST_CLUSTERS, MOST_INCIDENTS, MOST_MODELS = 40, 20, 12
"""What a terminal shows of a large fleet: the rest is in the report, and in ``--json``."""
SEVERITY_STYLE = {"critical": "bold red", "warning": "yellow", "info": "cyan"}
STATUS_STYLE = {"ok": "green", "partial": "yellow", "absent": "dim", "unknown": "bold red"}


def utc(at: datetime | None) -> str:
    """A time as tables show it."""
    return f"{at:%Y-%m-%d %H:%M}Z" if at else ""


def printable(text: str) -> str:
    """Untrusted text on one line, without control characters and without markup."""
    return escape("".join(sign if sign.isprintable() else " " for sign in text))


def cluster_table(clusters: Sequence[Cluster]) -> Table:
    """The registry, nothing of it cut; addresses have no room in it, and stand in what is shown of one cluster."""
    headings = ("cluster", "state", "environment", "region", "labels", "endpoints", "TLS")
    table = Table(*(Column(heading, overflow="fold") for heading in headings))
    for cluster in clusters:
        verified = all(endpoint.verify_tls for endpoint in cluster.endpoints.values())
        table.add_row(
            cluster.name,
            "active" if cluster.active else "[dim]inactive[/]",
            printable(cluster.environment),
            printable(cluster.region),
            printable(", ".join(f"{key}={value}" for key, value in sorted(cluster.labels.items()))),
            ", ".join(sorted(cluster.endpoints)),
            "verified" if verified else "[bold red]not verified[/]",
        )
    return table


def load_table(loads: Sequence[EndpointLoad]) -> Table:
    """What endpoints are being asked, and were asked in all."""
    table = Table(
        Column("endpoint", overflow="fold", min_width=20), "breaker", "now", "asked", "failed", "waited", "answers"
    )
    for load in loads:
        until = f" until {load.open_until:%H:%M:%S}Z" if load.breaker is BreakerState.OPEN else ""
        style = "green" if load.breaker is BreakerState.CLOSED else "bold red"
        table.add_row(
            printable(load.endpoint),
            f"[{style}]{load.breaker.value}[/]{until}",
            f"{load.under_way}, {load.waiting} wait" if load.waiting else str(load.under_way),
            f"{load.admitted:,}",
            f"{load.failed:,}",
            f"{load.waited_seconds:,.0f} s" + (f", {load.held_back:,} in vain" if load.held_back else ""),
            f"{load.answer_bytes / 2**20:,.1f} MiB",
        )
    return table


def print_open_incidents(console: Console, incidents: Sequence[Incident]) -> None:
    """Incidents of a cluster, one a line."""
    for incident in incidents:
        severity = f"[{SEVERITY_STYLE[incident.severity]}]{incident.severity.value}[/]"
        console.print(f"{severity} {printable(incident.title)} [dim]({_when(incident)}, {incident.standing})[/]")


def coverage_table(coverage: Sequence[ClusterCoverage]) -> Table:
    """What was seen of each cluster by signal, and its grade; of a large fleet, those that are worst off."""
    shown = coverage
    beside = [signal.value for signal in Signal if signal is not Signal.METRICS]
    table = Table("cluster", "grade", "metrics", "seen", *beside, "what is missing")
    if len(coverage) > MOST_CLUSTERS:
        shown = sorted(coverage, key=lambda row: (-Letter(row.grade).trouble, row.seen_ratio, row.cluster))
        shown = shown[:MOST_CLUSTERS]
        grades = Counter(row.grade for row in coverage)
        told = ", ".join(f"{letter.value}: {grades[letter.value]}" for letter in Letter if grades[letter.value])
        table.caption = f"The {len(shown)} worst of {len(coverage)} clusters. Grades of all of them: {told}."
    for row in shown:
        missed = [f"{each.signal.value}: {'; '.join(each.reasons)}" for each in row.beside if each.missed]
        missing = printable("; ".join([*row.reasons, *missed])) or "-"
        others = [_status(each.status) for each in row.beside]
        table.add_row(row.cluster, row.grade, _status(row.status), f"{row.seen_ratio:.0%}", *others, missing)
    return table


def models_line(coverage: Sequence[ClusterCoverage]) -> str:
    """By which version of its learnt state each cluster was judged; those that were not judged are left out."""
    judged = [row for row in coverage if row.grade != Letter.NOT_GRADED]
    used = [f"{row.cluster} {row.model_version}" for row in judged if row.model_version is not None]
    alone = [row.cluster for row in judged if row.model_version is None]
    told = [f"judged by learnt state, version: {_some(used)}"] if used else []
    if alone:
        told.append(f"judged by its own window alone, so that no number of false findings is promised: {_some(alone)}")
    little = [each for each in judged if each.model_version is not None and each.history_days < HISTORY.days]
    if little:
        told.append(
            f"less than {HISTORY.days} days of history, before which no number of false findings is promised: "
            + _some([f"{row.cluster} ({row.history_days})" for row in little])
        )
    return "\n".join(told)


def uncompared_line(uncompared: Mapping[str, Sequence[str]]) -> str:
    """Which clusters were not compared with others, and why; empty where all were, or there is one."""
    few = "; ".join(f"{printable(alike)} ({_some(names)})" for alike, names in uncompared.items() if alike)
    told = [f"not compared with other clusters, for want of {MIN_MEMBERS} alike: {few}"] if few else []
    if unknown := uncompared.get(""):
        told.append(f"not compared with other clusters, for want of a known version: {_some(unknown)}")
    return "\n".join(told)


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - MOST_MODELS} more" if len(names) > MOST_MODELS else ""
    return f"{', '.join(names[:MOST_MODELS])}{more}"


def _status(status: CoverageStatus) -> str:
    return f"[{STATUS_STYLE[status]}]{status.value}[/]"


def findings_table(findings: Sequence[Finding], names: dict[str, str]) -> Table:
    """Findings, the worst first."""
    table = Table("cluster", "severity", "finding", "from", "to")
    for finding in findings:
        severity = f"[{SEVERITY_STYLE[finding.severity]}]{finding.severity.value}[/]"
        end = "goes on" if finding.ongoing else utc(finding.window.end)
        # A cluster that was struck from the registry meanwhile has no name.
        cluster = names.get(finding.cluster_id, finding.cluster_id)
        table.add_row(cluster, severity, printable(finding.title), utc(finding.window.start), end)
    return table


def print_incidents(console: Console, result: ScanResult) -> None:
    """The incidents of a scan, the worst first and at most ``MOST_INCIDENTS``, each with its most probable cause."""
    if not result.incidents:
        console.print("No incidents.")
    for number, line in enumerate(result.incidents[:MOST_INCIDENTS], start=1):
        severity = f"[{SEVERITY_STYLE[line.severity]}]{line.severity.value}[/]"
        console.print(f"[bold]{number}. {line.cluster}[/]  {severity}  {_when(line)}, {line.standing}")
        console.print(Padding(printable(line.title), (0, 0, 0, 3)))
        console.print(Padding(_cause_words(line), (0, 0, 0, 3)))
        console.print(Padding(f"[dim]why here:[/] {printable(line.why)}", (0, 0, 0, 3)))
    if len(result.incidents) > MOST_INCIDENTS:
        console.print(f"and {len(result.incidents) - MOST_INCIDENTS} more incidents: all are in the report")
    if result.findings_apart:
        console.print(
            f"Findings too weak and too short for an incident, so far: {result.findings_apart}. The report lists them."
        )


def _when(line: IncidentLine | Incident) -> str:
    return f"{utc(line.started_at)} to {utc(line.ended_at)}" if line.ended_at else f"since {utc(line.started_at)}"


def _cause_words(line: IncidentLine) -> str:
    if not line.causes:
        return "[dim]cause:[/] not enough evidence"
    cause = line.causes[0]
    return f"[dim]cause ({cause.confidence:.0%}):[/] {printable(cause.title)}"


def report_table(reports: Sequence[ReportRecord]) -> Table:
    """The stored reports."""
    table = Table("id", "kind", "title", "created", "formats")
    for report in reports:
        formats = ", ".join(sorted(report.formats))
        table.add_row(report.id, report.kind.value, printable(report.title), utc(report.created_at), formats)
    return table


def print_investigation(console: Console, investigation: Investigation) -> None:
    """An investigation: verdict, causes, narrative, and what was missing."""
    console.print(f"[bold]{investigation.id}[/] {printable(investigation.place.display)} at {utc(investigation.at)}")
    console.print(f"verdict: [bold]{investigation.verdict.value}[/]")
    for cause in investigation.causes:
        console.print(
            f"  {cause.rank}. {printable(cause.title)} [dim](confidence {cause.confidence:.0%}, "
            f"for: {', '.join(cause.supports) or '-'}, against: {', '.join(cause.against) or '-'})[/]"
        )
    for sentence in investigation.narrative:
        console.print(f"{printable(sentence.text)} [dim]{escape('[' + ', '.join(sentence.evidence) + ']')}[/]")
    for missing in investigation.missing:
        console.print(f"[yellow]not seen:[/] {printable(missing)}")


def investigation_table(investigations: Sequence[Investigation]) -> Table:
    """Investigations, the newest first."""
    table = Table("id", "place", "at", "verdict", "probable cause")
    for each in investigations:
        cause = printable(each.causes[0].title) if each.causes else ""
        table.add_row(each.id, printable(each.place.display), utc(each.at), each.verdict.value, cause)
    return table
