"""What a report is made from, read back from the stores."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from fleet.detectors.cohorts.clusters import too_few
from fleet.detectors.profile.seasonal import baseline_of
from fleet.errors import CorruptObject
from fleet.findings.finding import Finding
from fleet.findings.grade import Grade, grade_cluster
from fleet.findings.incident import Incident
from fleet.findings.scan import Scan
from fleet.frames.alerts import Alert, AlertFrame
from fleet.frames.counters import with_rates
from fleet.frames.coverage import Coverage, CoverageStatus, Signal
from fleet.frames.firing import firing_at
from fleet.frames.frame import Frame, SeriesKey
from fleet.frames.frame_blocks import Named
from fleet.frames.pack import QueryPack
from fleet.frames.window import STEP_SECONDS, Window, history_window
from fleet.inventory.change import Change
from fleet.reports.charts import ChartSeries
from fleet.reports.content import ReportSummary
from fleet.reports.depth import Depth
from fleet.reports.material import FleetReportMaterial, grouped
from fleet.reports.overview import told_in_full
from fleet.reports.record import ReportKind
from storage.stores import Stores
from tasks.coverage import coverage_of, history_of, metrics_of
from tasks.frames import COLLECTOR, open_history
from tasks.questions import ALERTS, RULES

NO_CHARTS = "what was stored of its metrics is damaged, so that there are no charts; the next run asks for it again"
_FRESH = timedelta(hours=2)
"""A window that ends with the last full hour is over for less than that."""


def gather(
    stores: Stores, scan: Scan, cluster_ids: list[str], incident_id: str | None, depth: Depth
) -> FleetReportMaterial:
    """Everything that a report on a scan may tell.

    Args:
        stores: where it is read from.
        scan: the scan to report on.
        cluster_ids: the clusters to report on; empty means those of the scan.
        incident_id: the incident of a report on one; None tells of all.
        depth: how much of it the report will tell: charts are made of nothing else.
    """
    # A cluster that was removed since is no part of a new report.
    known = stores.clusters.known(cluster_ids or scan.cluster_ids)
    chosen, clusters = list(known), list(known.values())
    incidents = [stores.incidents.get(incident_id)] if incident_id else _incidents(stores, scan, chosen)
    findings = _findings(stores, scan, chosen, incidents)
    coverage, grades = _seen(stores, scan, chosen, incidents)
    material = FleetReportMaterial(
        generated_at=datetime.now(UTC),
        window=scan.window,
        clusters=clusters,
        sensitivity=scan.sensitivity,
        coverage=coverage,
        grades=grades,
        history=history_of(stores, scan, chosen),
        models={each: version for each, version in stores.models.used(scan.id).items() if each in known},
        uncompared=_uncompared(stores, scan, known),
        gaps={cluster_id: figures.gaps for cluster_id, figures in stores.inventories.figures(chosen).items()},
        incidents=incidents,
        findings=findings,
        investigations=list(stores.investigations.of_incidents([each.id for each in incidents]).values()),
        changes=_changes(stores, scan, chosen),
    )
    told = told_in_full(material, depth.clusters)
    alerts = {each.id: firing for each in told if (firing := _firing(stores, material, each.id)) is not None}
    charts, unread = _charts(stores, scan, material, depth)
    return replace(material, alerts=alerts, charts=charts, unread=unread)


def _uncompared(stores: Stores, scan: Scan, told: Collection[str]) -> dict[str, list[str]]:
    """Of the clusters that a report tells of, those that the scan compared with no other."""
    few = too_few(stores.levels.cohorts_seen(scan.id))
    own = {alike: [each for each in ids if each in told] for alike, ids in few.items()}
    return {alike: ids for alike, ids in own.items() if ids}


def _incidents(stores: Stores, scan: Scan, cluster_ids: list[str]) -> list[Incident]:
    going_on = stores.incidents.list(cluster_ids=cluster_ids, window=scan.window)
    told = stores.incidents.told_by(scan, cluster_ids)
    return list({incident.id: incident for incident in [*going_on, *told]}.values())


def _changes(stores: Stores, scan: Scan, cluster_ids: list[str]) -> list[Change]:
    """What changed within the window; and what nobody dates, as far as looks up to the scan's own have seen it.

    The scan's own look comes after its window. A scan of a past window has none that tells of it.
    """
    end = scan.window.end
    seen_until = max(end, scan.finished_at or datetime.now(UTC))
    known = stores.changes.list(
        cluster_ids=cluster_ids, window=Window(start=scan.window.start, end=seen_until), limit=None
    )
    undated_until = seen_until if scan.created_at - end < _FRESH else end
    return [each for each in known if each.at < end or (each.not_before and each.not_before < undated_until)]


def _findings(stores: Stores, scan: Scan, cluster_ids: list[str], incidents: list[Incident]) -> list[Finding]:
    seen = stores.findings.list(cluster_ids=cluster_ids, scan_id=scan.id)
    of_incidents = stores.findings.list(incident_ids=[each.id for each in incidents])
    return list({finding.id: finding for finding in [*seen, *of_incidents]}.values())


def _seen(
    stores: Stores, scan: Scan, cluster_ids: list[str], incidents: list[Incident]
) -> tuple[dict[str, list[Coverage]], dict[str, Grade]]:
    """What was seen of each cluster, and its grade."""
    found = grouped(incidents, lambda each: each.cluster_id)
    coverage: dict[str, list[Coverage]] = {}
    grades: dict[str, Grade] = {}
    for cluster_id, rows in coverage_of(stores, scan, cluster_ids):
        if rows:
            coverage[cluster_id] = rows
        judged = scan.has_judged(cluster_id)
        grades[cluster_id] = grade_cluster(found.get(cluster_id, []), metrics_of(rows), judged=judged)
    return coverage, grades


def _firing(stores: Stores, material: FleetReportMaterial, cluster_id: str) -> list[Alert] | None:
    """The alerts that fired at the window's end; None where neither an Alertmanager nor a Prometheus told."""
    rows = material.coverage.get(cluster_id, [])
    seen = {row.collector: row for row in rows if row.signal == Signal.ALERTS and row.endpoint and _told(row)}
    alerts, rules = seen.get(ALERTS.collector), seen.get(RULES.collector)
    if alerts is None and rules is None:
        return None
    try:
        # What is seen and empty has no object.
        known = stores.alerts.load(alerts) or AlertFrame(at=material.window.end) if alerts else None
        return firing_at(material.window.end, known, stores.rules.load(rules) if rules else None)
    except CorruptObject:
        # The chunk was struck out: nothing is known of it.
        return None


def _told(row: Coverage) -> bool:
    """Whether a source told its alerts, or the rules that raise them: the first of what it is asked."""
    return bool(row.queries) and row.queries[0].status is not CoverageStatus.UNKNOWN


def _charts(
    stores: Stores, scan: Scan, material: FleetReportMaterial, depth: Depth
) -> tuple[list[ChartSeries], dict[str, tuple[str, ...]]]:
    """Charts of what incidents are made of, and by cluster what could not be read for them."""
    shown: dict[str, list[Finding]] = defaultdict(list)
    for incident in material.ranked_incidents[: depth.incidents]:
        members = sorted(material.findings_of(incident), key=lambda each: (-each.severity.rank, -each.strength))
        # Some may not be drawn: a series that is gone, or has no number in it.
        shown[incident.cluster_id].extend(members[: 2 * depth.charts])
    charts: list[ChartSeries] = []
    unread: dict[str, tuple[str, ...]] = {}
    for cluster_id, chosen in shown.items():
        drawn, unread[cluster_id] = _cluster_charts(stores, scan, cluster_id, chosen)
        charts += drawn
    return charts, unread


def _cluster_charts(
    stores: Stores, scan: Scan, cluster_id: str, findings: list[Finding]
) -> tuple[list[ChartSeries], tuple[str, ...]]:
    keys = {finding.id: SeriesKey.of(finding.series.query_id, finding.series.labels) for finding in findings}
    series = Named(keys.values())
    try:
        stored = stores.frames.open(cluster_id, COLLECTOR, scan.pack.content_hash, STEP_SECONDS, scan.window)
    except CorruptObject:
        return [], (NO_CHARTS,)
    frame = stored.read(series)
    history = open_history(stores, cluster_id, scan.pack, history_window(scan.window))
    past = history.frames.read(series)
    charts = []
    for finding in findings:
        now, before = (_row_of(each, keys[finding.id], scan.pack) for each in (frame, past))
        if now is not None:
            charts.append(_chart(now, before, finding, scan))
    return charts, history.gaps


def _row_of(frame: Frame, key: SeriesKey, pack: QueryPack) -> Frame | None:
    """One series of a frame; None where it is not there, as in a window in which nothing was seen of a cluster."""
    return with_rates(frame.select([frame.keys.index(key)]), pack) if key in frame.keys else None


def _chart(series: Frame, past: Frame | None, finding: Finding, scan: Scan) -> ChartSeries:
    return ChartSeries.of(
        series,
        0,
        baseline_of(series, past),
        scan.pack.query(finding.query_id),
        fingerprint=finding.fingerprint,
        subject=finding.subject.display,
    )


def previous_summary(stores: Stores, scan: Scan, kind: ReportKind, scope: str) -> ReportSummary | None:
    """The summary of the newest report on the same thing that told of an earlier scan.

    Args:
        stores: where reports are kept.
        scan: the scan to be reported on.
        kind: of the report to be written.
        scope: the id of the cluster or incident that it is about; empty for the fleet.
    """
    for report in stores.reports.newest(kind):
        if report.summary and report.scan_id != scan.id and report.window.end <= scan.window.end:
            summary = ReportSummary.model_validate(report.summary)
            told_of = {grade.cluster_id for grade in summary.grades}
            # A report on other clusters altogether (a Prometheus scanned by itself) tells nothing of what changed here.
            if summary.scope == scope and told_of & set(scan.cluster_ids):
                return summary
    return None
