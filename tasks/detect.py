"""Detect: score a cluster's stored frames and keep what matters as findings."""

from __future__ import annotations

from prefect import task

from blocks.stores import open_stores
from fleet.detectors.learnt import learn
from fleet.detectors.scan import detect
from fleet.detectors.vanished import with_vanished
from fleet.findings.assess import findings_of
from fleet.frames.coverage import absent_queries, seen_queries
from fleet.inventory.topology import Topology
from tasks.frames import context_of, load_history, load_window
from tasks.outcome import ClusterOutcome, Stage
from tasks.policy import STEP


@task(name="detect_anomalies", task_run_name="detect-{cluster_id}", **STEP)
def detect_anomalies(scan_id: str, cluster_id: str) -> ClusterOutcome:
    """Findings of one cluster in the scan's window; earlier ones that are seen no more are resolved."""
    stores = open_stores()
    scan, cluster = stores.scans.get(scan_id), stores.clusters.get(cluster_id)
    seen = load_window(stores, scan, cluster.id)
    if seen.frame is None:
        return ClusterOutcome(Stage.DETECT, cluster.id, cluster.name, seen=False, gaps=("no data to judge",))
    history = load_history(stores, scan, cluster.id)
    frame = with_vanished(seen.frame, history)
    anomalies = detect(frame, learn(history, scan.pack, frame.start), scan.pack, scan.sensitivity)
    topology = Topology.of(stores.inventories.latest(cluster.id))
    findings = findings_of(anomalies, frame, scan.pack, context_of(scan, cluster.id, seen, topology))
    # A metric that was there a day ago is not absent by nature: its silence must not resolve what was found in it.
    silent = {key.query_id for key in frame.keys[len(seen.frame.keys) :]} & absent_queries(seen.coverage)
    stores.findings.record(cluster.id, scan, findings, seen_queries=seen_queries(seen.coverage) - silent)
    return ClusterOutcome(
        Stage.DETECT, cluster.id, cluster.name, counts={"series": len(seen.frame.keys), "findings": len(findings)}
    )
