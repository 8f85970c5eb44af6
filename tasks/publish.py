"""Publish: what a run found, as tables and links in Prefect's UI.

The UI renders Markdown: text that came from a cluster and has signs in it that could be markup is written as code,
without the signs that would end it. Cells of a table do not wrap: short columns come first, then what matters most.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from operator import itemgetter
from typing import Any

from prefect import task
from prefect.artifacts import create_link_artifact, create_markdown_artifact, create_table_artifact

from blocks.stores import open_stores
from fleet.findings.finding import UNRESOLVED
from fleet.findings.grade import grade_cluster
from fleet.findings.incident import Incident
from fleet.frames.coverage import CoverageStatus
from fleet.frames.signals import by_signal
from fleet.investigations.investigation import Investigation
from fleet.reports.record import ReportFormat
from storage.stores import Stores
from tasks.coverage import coverage_of, metrics_of
from tasks.policy import STEP

LINK_LIFETIME = timedelta(days=7)
"""The longest that S3's signatures allow."""
MOST_ROWS = 200
"""Of a table: nobody reads on, and Prefect refuses the events of artifacts above 1.5 MB."""
LONGEST_CELL = 400
_PLAIN = re.compile(r"""(?:[^\W_]|(?<=[^\W_])_(?=[^\W_])|[ .,:;/%()+='"?–—→×±-])+""")
_LINK_OR_LIST = re.compile(r"://|www\.|^[-+] |^[0-9]+[.)] ", re.IGNORECASE)


@task(name="publish_coverage", **STEP)
def publish_coverage(scan_id: str, gaps: dict[str, list[str]]) -> None:
    """A table of what was seen of each cluster, the worst first."""
    stores = open_stores()
    scan = stores.scans.get(scan_id)
    names = names_of(stores, scan.cluster_ids)
    incidents = grouped(stores.incidents.list(cluster_ids=scan.cluster_ids, states=UNRESOLVED))
    rows = []
    for cluster_id, chunks in coverage_of(stores, scan, scan.cluster_ids):
        name, metrics = names[cluster_id], metrics_of(chunks)
        letter = grade_cluster(incidents.get(cluster_id, []), metrics, judged=scan.has_judged(cluster_id)).letter
        counts = Counter(chunk.status for chunk in metrics)
        row = {
            "cluster": name,
            "grade": letter.value,
            **{status.value: counts[status] for status in CoverageStatus},
            **{seen.signal.value: seen.status.value for seen in by_signal(chunks, scan.window)[1:]},
            "gaps": in_cell(gaps.get(name, [])),
        }
        rows.append((-letter.trouble, not gaps.get(name), name, row))
    window = f"{scan.window.start:%Y-%m-%d %H:%M} to {scan.window.end:%Y-%m-%d %H:%M} UTC"
    description = f"What was seen from {window}: hours of metrics by status, and how the other signals were seen."
    publish_table("coverage", description, [row for *_, row in sorted(rows, key=itemgetter(0, 1, 2))])


@task(name="publish_findings", **STEP)
def publish_findings(scan_id: str) -> None:
    """A table of a scan's findings, and one of its incidents with their probable causes."""
    stores = open_stores()
    scan = stores.scans.get(scan_id)
    names = names_of(stores, scan.cluster_ids)
    publish_table(
        "findings",
        "Findings of this scan, the worst first.",
        [
            {
                "cluster": names[finding.cluster_id],
                "severity": finding.severity.value,
                "since": f"{finding.window.start:%Y-%m-%d %H:%M}Z",
                "until": "" if finding.ongoing else f"{finding.window.end:%Y-%m-%d %H:%M}Z",
                "finding": quoted(finding.title),
                "subject": quoted(finding.subject.display),
                "score": round(finding.score, 1),
            }
            for finding in stores.findings.list(cluster_ids=scan.cluster_ids, scan_id=scan.id, limit=MOST_ROWS)
        ],
        total=sum(stores.findings.severities(scan.id).values()),
    )
    incidents = stores.incidents.told_by(scan, scan.cluster_ids)
    shown = incidents[:MOST_ROWS]
    investigations = stores.investigations.of_incidents([incident.id for incident in shown])
    publish_table(
        "incidents",
        "Incidents that are open or that this scan saw or resolved, the worst first, and their most probable causes.",
        [
            {
                "cluster": names[incident.cluster_id],
                "severity": incident.severity.value,
                "since": f"{incident.started_at:%Y-%m-%d %H:%M}Z",
                "until": f"{incident.ended_at:%Y-%m-%d %H:%M}Z" if incident.ended_at else "",
                "state": incident.standing,
                "probable cause": quoted(_cause(investigations.get(incident.id))),
                "incident": quoted(incident.title),
                "why it ranks here": quoted(incident.harm.why),
            }
            for incident in shown
        ],
        total=len(incidents),
    )


@task(name="publish_discovery", **STEP)
def publish_discovery(cluster_ids: list[str], gaps: dict[str, list[str]]) -> None:
    """A table of what each cluster is, and of what could not be read; clusters with gaps come first."""
    stores = open_stores()
    names, figures = names_of(stores, cluster_ids), stores.inventories.figures(cluster_ids)
    rows: list[dict[str, Any]] = []
    for cluster_id in sorted(cluster_ids, key=lambda each: (not gaps.get(names[each]), names[each])):
        seen = figures.get(cluster_id)
        rows.append(
            {
                "cluster": names[cluster_id],
                "version": quoted(seen.version if seen else "unknown"),
                "nodes": seen.nodes if seen else None,
                "pods": seen.pods if seen else None,
                "gaps": in_cell(gaps.get(names[cluster_id], [])),
            }
        )
    publish_table("inventory", "What discovery saw of each cluster.", rows)


@task(name="publish_investigation", **STEP)
def publish_investigation(investigation_id: str) -> None:
    """An investigation's causes and narrative."""
    investigation = open_stores().investigations.get(investigation_id)
    lines = [f"Investigation `{investigation.id}`: {investigation.verdict.value}", ""]
    lines += [
        f"{cause.rank}. {quoted(cause.title)} (confidence {cause.confidence:.0%})" for cause in investigation.causes
    ]
    lines += ["", *(quoted(sentence.text) for sentence in investigation.narrative)]
    create_markdown_artifact("\n".join(lines), key="investigation", description="Probable causes and the evidence.")


@task(name="publish_report", **STEP)
def publish_report(report_id: str) -> None:
    """Links to a report's forms, good for seven days."""
    stores = open_stores()
    report = stores.reports.get(report_id)
    for form in ReportFormat:
        create_link_artifact(
            stores.objects.presigned_get(report.formats[form].object_key, LINK_LIFETIME),
            link_text=f"{report.title} ({form.value})",
            key=f"report-{form.value}",
            description="Expires after seven days; `fleetscope report get` fetches it at any time.",
        )


def quoted(text: str) -> str:
    """Untrusted text for Markdown, on one line: as it is where nothing in it could be markup, else as code."""
    plain = " ".join(text.split()).replace("`", "'")
    if not plain or (_PLAIN.fullmatch(plain) and not _LINK_OR_LIST.search(plain)):
        return plain
    return f"`{plain}`"


def in_cell(gaps: Sequence[str]) -> str:
    """A cluster's gaps as a cell of a table: the first of them whole, as many as fit."""
    text = "; ".join(gaps)
    return quoted(text if len(text) <= LONGEST_CELL else f"{text[: LONGEST_CELL - 1]}…")


def publish_table(key: str, description: str, rows: Sequence[dict[str, Any]], *, total: int | None = None) -> None:
    """A table of at most ``MOST_ROWS`` rows, which says how many of ``total`` (by default, of those given) it lacks."""
    left = (len(rows) if total is None else total) - len(rows[:MOST_ROWS])
    if left > 0:
        description = f"{description} And {left} more that are not shown."
    create_table_artifact(list(rows[:MOST_ROWS]), key=key, description=description)


def names_of(stores: Stores, cluster_ids: Sequence[str]) -> dict[str, str]:
    """Names of clusters by id; the id where one was struck from the registry meanwhile."""
    known = stores.clusters.known(cluster_ids)
    return {each: known[each].name if each in known else each for each in cluster_ids}


def grouped(incidents: Sequence[Incident]) -> dict[str, list[Incident]]:
    """Incidents by cluster id."""
    groups: dict[str, list[Incident]] = {}
    for incident in incidents:
        groups.setdefault(incident.cluster_id, []).append(incident)
    return groups


def _cause(investigation: Investigation | None) -> str:
    if investigation is None or not investigation.causes:
        return "not enough evidence"
    return investigation.causes[0].title
