"""Compare: a cluster's series with those of their like, and clusters with theirs when all have been judged."""

from __future__ import annotations

from collections.abc import Sequence

from prefect import task

from blocks.stores import open_stores
from fleet.detectors.cohorts.clusters import ClusterLevels, compare_levels
from fleet.detectors.cohorts.cohort import Cohorts
from fleet.detectors.cohorts.figures import Figures
from fleet.detectors.cohorts.peers import peer_outliers
from fleet.findings.assess import ScanContext
from fleet.findings.finding import Finding
from fleet.findings.peers import fleet_findings, peer_findings
from fleet.findings.scan import Scan
from fleet.frames.window import STEP_SECONDS
from fleet.inventory.inventory import Inventory
from storage.stores import Stores
from tasks.frames import COLLECTOR
from tasks.policy import STEP


@task(name="compare_clusters", **STEP)
def compare_clusters(scan_id: str, cluster_ids: list[str]) -> dict[str, int]:
    """Findings on the clusters that are unlike their like; returns how many, and how many clusters were compared.

    Args:
        scan_id: of the scan.
        cluster_ids: the clusters that it judged.
    """
    stores = open_stores()
    return compare_seen(stores, stores.scans.get(scan_id), cluster_ids)


def compare_seen(stores: Stores, scan: Scan, cluster_ids: Sequence[str]) -> dict[str, int]:
    """The same, of a scan that was read. One that runs again finds the same."""
    seen = stores.levels.of_scan(scan.id, cluster_ids)
    unseen = stores.levels.cohorts(set(scan.cluster_ids) - {levels.cluster_id for levels in seen})
    compared = compare_levels(seen, unseen, scan.pack)
    found = 0
    for cluster_id, judged in compared.judged.items():
        outliers = [each for each in compared.outliers if each.subject.cluster_id == cluster_id]
        findings: list[Finding] = []
        if outliers:
            findings = fleet_findings(outliers, scan.pack, scan.window, _context(stores, scan, cluster_id))
        stores.findings.record_compared(cluster_id, scan, findings, judged=judged)
        found += len(findings)
    return {"compared": len(compared.judged), "findings": found}


def compare_series(
    stores: Stores,
    inventory: Inventory | None,
    scan: Scan,
    figures: Figures,
    context: ScanContext,
    known: Sequence[Finding],
) -> tuple[list[Finding], set[tuple[str, str]]]:
    """Findings on what is unlike its like within a cluster; what others will compare it by is stored.

    Beside them ``Compared.not_alike``: what earlier findings on it say is not over by this scan.

    Args:
        stores: where.
        inventory: of the cluster: says what is alike.
        scan: the scan.
        figures: of the series that were seen.
        context: of the cluster.
        known: what was found there beside its own past: that is not told twice.
    """
    stores.levels.put(scan.id, ClusterLevels.of(figures, inventory, scan.pack, context.cluster_id))
    compared = peer_outliers(figures, Cohorts.of(inventory), scan.pack, context.cluster_id)
    return peer_findings(compared.outliers, scan.pack, scan.window, context, known), compared.not_alike


def _context(stores: Stores, scan: Scan, cluster_id: str) -> ScanContext:
    """What findings on a cluster cite: the chunks of the scan's window."""
    coverage = stores.coverage.list(
        scan.window,
        cluster_ids=[cluster_id],
        collector=COLLECTOR,
        pack_hash=scan.pack.content_hash,
        step_seconds=STEP_SECONDS,
    )
    return ScanContext(
        cluster_id=cluster_id,
        scan_id=scan.id,
        sensitivity=scan.sensitivity,
        object_keys=[(chunk.window, chunk.object_key) for chunk in coverage if chunk.object_key],
        endpoint=next((chunk.endpoint for chunk in coverage if chunk.endpoint), ""),
        coverage=coverage,
    )
