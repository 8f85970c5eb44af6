"""Detect: score a cluster's stored frames and keep what matters as findings."""

from __future__ import annotations

from functools import partial

from prefect import task

from blocks.stores import open_stores
from fleet.detectors.cohorts.figures import Figures
from fleet.detectors.second_looks import second_looks
from fleet.findings.assess import findings_of
from fleet.findings.scan import Scan
from fleet.frames.coverage import absent_queries, seen_queries
from fleet.frames.window import history_window
from fleet.inventory.topology import Topology
from storage.stores import Stores
from tasks.compare import compare_series
from tasks.frames import context_of, open_history, open_window, within
from tasks.judging import judge, states_of
from tasks.learn import open_model
from tasks.looking import PastOnDemand
from tasks.outcome import ClusterOutcome, Stage
from tasks.policy import STEP


@task(name="detect_anomalies", task_run_name="detect-{cluster_id}", **STEP)
def detect_anomalies(scan_id: str, cluster_id: str) -> ClusterOutcome:
    """Findings of one cluster in the scan's window; earlier ones that are seen no more are resolved."""
    stores = open_stores()
    return judge_cluster(stores, stores.scans.get(scan_id), cluster_id)


def judge_cluster(stores: Stores, scan: Scan, cluster_id: str) -> ClusterOutcome:
    """The same, of a scan that was read."""
    cluster = stores.clusters.get(cluster_id)
    stored = open_window(stores, scan, cluster.id)
    coverage = within(stored.coverage, scan.window)
    if not any(chunk.object_key for chunk in coverage):
        return ClusterOutcome(Stage.DETECT, cluster.id, cluster.name, seen=False, gaps=("no data to judge",))
    model, gaps = open_model(stores, scan, cluster.id)
    past = PastOnDemand(partial(open_history, stores, cluster.id, scan.pack, history_window(scan.window)))
    looks = second_looks(scan.second_looks, scan.pack, past.of)
    judged = judge(stored, states_of(model), scan.pack, [scan.sensitivity], looks, scan.window.start)[scan.sensitivity]
    inventory = stores.inventories.latest(cluster.id)
    context = context_of(scan, cluster.id, stored.coverage, Topology.of(inventory), model)
    findings = findings_of(judged.anomalies, judged.frame, scan.pack, context)
    unlike, not_alike = compare_series(stores, inventory, scan, Figures.joined(judged.figures), context, findings)
    findings += unlike
    # A metric that was there a day ago is not absent by nature: its silence must not resolve what was found in it.
    silent = judged.vanished & absent_queries(coverage)
    known = seen_queries(coverage) - silent
    stores.findings.record(cluster.id, scan, findings, seen_queries=known, not_alike=not_alike)
    if model:
        stores.models.note_use(scan.id, model.version)
    return ClusterOutcome(
        Stage.DETECT,
        cluster.id,
        cluster.name,
        gaps=(*gaps, *past.gaps),
        counts={"series": judged.series, "findings": len(findings)},
    )
