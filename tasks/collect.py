"""Collect: ask a cluster's Prometheus for the chunks that are not stored yet, and store them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from prefect import task

from blocks.stores import open_stores
from fleet.collectors.prometheus import PrometheusClient, collect_pack
from fleet.findings.scan import Scan
from fleet.frames.coverage import Coverage, CoverageStatus
from fleet.frames.window import CHUNK, HISTORY_CHUNK, HISTORY_STEP_SECONDS, STEP_SECONDS, Window, history_window
from fleet.inventory.cluster import Cluster, EndpointKind
from storage.stores import Stores
from tasks.access import open_client
from tasks.frames import COLLECTOR, SIGNAL
from tasks.outcome import ClusterOutcome, Stage
from tasks.policy import STEP

NOTHING_THERE = "the server has none of the metrics that the pack asks for"
"""A gap, although each absence by itself is none: nothing can be said of such a cluster."""


@task(name="collect_metrics", task_run_name="collect-metrics-{cluster_id}", **STEP)
def collect_metrics(scan_id: str, cluster_id: str) -> ClusterOutcome:
    """Fetch and store what is missing of a scan's window for one cluster."""
    stores = open_stores()
    scan, cluster = stores.scans.get(scan_id), stores.clusters.get(cluster_id)
    outcome = collect_missing(stores, scan, cluster, scan.window, STEP_SECONDS, CHUNK)
    return outcome if outcome.seen or outcome.gaps else replace(outcome, gaps=(NOTHING_THERE,))


@task(name="collect_history", task_run_name="collect-history-{cluster_id}", **STEP)
def collect_history(scan_id: str, cluster_id: str) -> ClusterOutcome:
    """Fetch and store what is missing of the days from which baselines are learnt."""
    stores = open_stores()
    scan, cluster = stores.scans.get(scan_id), stores.clusters.get(cluster_id)
    return collect_missing(stores, scan, cluster, history_window(scan.window), HISTORY_STEP_SECONDS, HISTORY_CHUNK)


def collect_missing(
    stores: Stores, scan: Scan, cluster: Cluster, window: Window, step_seconds: int, chunk: timedelta
) -> ClusterOutcome:
    """Fetch the chunks of a window that are not final yet; what is stored is not asked for again."""
    chunks = list(window.chunks(chunk))
    missing = stores.coverage.missing(cluster.id, COLLECTOR, scan.pack.content_hash, step_seconds, chunks)
    if missing:
        _fetch(stores, scan, cluster, missing, step_seconds, chunk)
    known = stores.coverage.list(
        window,
        cluster_ids=[cluster.id],
        collector=COLLECTOR,
        pack_hash=scan.pack.content_hash,
        step_seconds=step_seconds,
    )
    return ClusterOutcome(
        stage=Stage.COLLECT,
        cluster_id=cluster.id,
        cluster=cluster.name,
        seen=any(coverage.status in {CoverageStatus.OK, CoverageStatus.PARTIAL} for coverage in known),
        gaps=tuple(sorted({coverage.reason for coverage in known if not coverage.status.final})),
        counts={"chunks": len(chunks), "fetched": len(missing)},
    )


def _fetch(
    stores: Stores, scan: Scan, cluster: Cluster, missing: list[Window], step_seconds: int, chunk: timedelta
) -> None:
    if EndpointKind.PROMETHEUS not in cluster.endpoints:
        stores.coverage.put(_unregistered(scan, cluster, window, step_seconds) for window in missing)
        return
    with open_client(stores, cluster, EndpointKind.PROMETHEUS, PrometheusClient) as client:
        chunks = collect_pack(client, cluster.id, scan.pack, missing, step_seconds, chunk)
        stores.frames.save(((coverage, frame) for _, frame, coverage in chunks), scan.pack)


def _unregistered(scan: Scan, cluster: Cluster, window: Window, step_seconds: int) -> Coverage:
    return Coverage(
        cluster_id=cluster.id,
        signal=SIGNAL,
        collector=COLLECTOR,
        window=window,
        step_seconds=step_seconds,
        pack_hash=scan.pack.content_hash,
        status=CoverageStatus.UNKNOWN,
        reason="no Prometheus endpoint is registered",
        collected_at=datetime.now(UTC),
    )
