"""Publish: what a run found, as tables and links in Prefect's UI.

The UI renders Markdown: text that came from a cluster and has signs in it that could be markup is written as code,
without the signs that would end it. Cells of a table do not wrap: short columns come first, then what matters most.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

from prefect import task
from prefect.artifacts import create_link_artifact, create_markdown_artifact, create_table_artifact

from blocks.stores import open_stores
from fleet.findings.grade import grade_cluster
from fleet.findings.scan import Scan
from fleet.frames.coverage import Coverage, CoverageStatus
from fleet.frames.window import STEP_SECONDS
from fleet.investigations.investigation import Investigation
from fleet.reports.record import ReportFormat
from storage.stores import Stores
from tasks.frames import COLLECTOR
from tasks.policy import STEP

LINK_LIFETIME = timedelta(days=7)
"""The longest that S3's signatures allow."""
_PLAIN = re.compile(r"""(?:[^\W_]|(?<=[^\W_])_(?=[^\W_])|[ .,:;/%()+='"?–—→×±-])+""")
_LINK_OR_LIST = re.compile(r"://|www\.|^[-+] |^[0-9]+[.)] ", re.IGNORECASE)


@task(name="publish_coverage", **STEP)
def publish_coverage(scan_id: str, gaps: dict[str, list[str]]) -> None:
    """A table of what was seen of each cluster."""
    stores = open_stores()
    scan = stores.scans.get(scan_id)
    coverage = stores.coverage.list(
        scan.window,
        cluster_ids=scan.cluster_ids,
        collector=COLLECTOR,
        pack_hash=scan.pack.content_hash,
        step_seconds=STEP_SECONDS,
    )
    create_table_artifact(
        [
            _coverage_row(stores, scan, cluster_id, stores.clusters.get(cluster_id).name, coverage, gaps)
            for cluster_id in scan.cluster_ids
        ],
        key="coverage",
        description=f"What was seen from {scan.window.start:%Y-%m-%d %H:%M} to {scan.window.end:%Y-%m-%d %H:%M} UTC.",
    )


@task(name="publish_findings", **STEP)
def publish_findings(scan_id: str) -> None:
    """A table of a scan's findings, and one of its incidents with their probable causes."""
    stores = open_stores()
    scan = stores.scans.get(scan_id)
    names = {cluster_id: stores.clusters.get(cluster_id).name for cluster_id in scan.cluster_ids}
    create_table_artifact(
        [
            {
                "cluster": names[finding.cluster_id],
                "severity": finding.severity.value,
                "since": f"{finding.window.start:%Y-%m-%d %H:%M}Z",
                "finding": quoted(finding.title),
                "subject": quoted(finding.subject.display),
                "score": round(finding.score, 1),
            }
            for finding in stores.findings.list(cluster_ids=scan.cluster_ids, scan_id=scan.id, limit=200)
        ],
        key="findings",
        description="Findings of this scan, the worst first.",
    )
    create_table_artifact(
        [
            {
                "cluster": names[incident.cluster_id],
                "severity": incident.severity.value,
                "since": f"{incident.started_at:%Y-%m-%d %H:%M}Z",
                "probable cause": quoted(_cause(stores.investigations.of_incident(incident.id))),
                "incident": quoted(incident.title),
            }
            for incident in stores.incidents.list(cluster_ids=scan.cluster_ids, scan_id=scan.id, limit=100)
        ],
        key="incidents",
        description="Incidents of this scan and their most probable causes.",
    )


@task(name="publish_discovery", **STEP)
def publish_discovery(cluster_ids: list[str], gaps: dict[str, list[str]]) -> None:
    """A table of what each cluster is, and of what could not be read."""
    stores = open_stores()
    rows: list[dict[str, Any]] = []
    for cluster_id in cluster_ids:
        cluster, inventory = stores.clusters.get(cluster_id), stores.inventories.latest(cluster_id)
        rows.append(
            {
                "cluster": cluster.name,
                "version": quoted(inventory.version if inventory else "unknown"),
                "nodes": len(inventory.nodes) if inventory else None,
                "pods": len(inventory.pods) if inventory else None,
                "gaps": quoted("; ".join(gaps.get(cluster.name, []))),
            }
        )
    create_table_artifact(rows, key="inventory", description="What discovery saw of each cluster.")


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


def _cause(investigation: Investigation | None) -> str:
    if investigation is None or not investigation.causes:
        return "not enough evidence"
    return investigation.causes[0].title


def _coverage_row(
    stores: Stores, scan: Scan, cluster_id: str, name: str, coverage: list[Coverage], gaps: dict[str, list[str]]
) -> dict[str, Any]:
    chunks = [chunk for chunk in coverage if chunk.cluster_id == cluster_id]
    counts = {status: sum(chunk.status is status for chunk in chunks) for status in CoverageStatus}
    incidents = stores.incidents.list(cluster_ids=[cluster_id])
    return {
        "cluster": name,
        "grade": grade_cluster(incidents, chunks, judged=scan.has_judged(cluster_id)).letter.value,
        **{status.value: counts[status] for status in CoverageStatus},
        "gaps": quoted("; ".join(gaps.get(name, []))),
    }
