"""Discover: read a cluster into an inventory, store it, and turn what differs from the last one into changes."""

from __future__ import annotations

from prefect import task

from blocks.stores import open_stores
from fleet.collectors.kubernetes import collect_inventory
from fleet.errors import SourceError
from fleet.inventory.cluster import EndpointKind
from fleet.inventory.differences import differences
from tasks.outcome import ClusterOutcome, Stage
from tasks.policy import STEP


@task(name="discover_cluster", task_run_name="discover-{cluster_id}", **STEP)
def discover_cluster(cluster_id: str) -> ClusterOutcome:
    """Read and store a cluster's inventory; a cluster that cannot be read is a gap, not a failure of the run."""
    stores = open_stores()
    cluster = stores.clusters.get(cluster_id)
    if EndpointKind.KUBERNETES not in cluster.endpoints:
        # Not a gap of the run: it is what the operator registered. Investigations say what they miss by it.
        return ClusterOutcome(Stage.DISCOVER, cluster.id, cluster.name, seen=False)
    source = (
        stores.credentials.source(cluster.credential_ref, EndpointKind.KUBERNETES) if cluster.credential_ref else None
    )
    try:
        governor = stores.governor.of(cluster, EndpointKind.KUBERNETES)
        inventory, events = collect_inventory(cluster, source, governor=governor)
    except SourceError as failure:
        return ClusterOutcome(Stage.DISCOVER, cluster.id, cluster.name, seen=False, gaps=(str(failure),))
    before, older = stores.inventories.earlier(inventory)
    changes = differences(before, inventory, older=older) if before else []
    stores.inventories.put(inventory, changes)
    stores.coverage.put([events])
    return ClusterOutcome(
        Stage.DISCOVER,
        cluster.id,
        cluster.name,
        gaps=tuple(f"{gap.part}: {gap.reason}" for gap in inventory.gaps),
        counts={"nodes": len(inventory.nodes), "pods": len(inventory.pods), "changes": len(changes)},
    )
