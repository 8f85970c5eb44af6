"""Discover a fleet: what each cluster is, and what changed since the last look."""

from __future__ import annotations

from prefect import flow
from prefect.states import State
from prefect.task_runners import ThreadPoolTaskRunner

from flows.fan_out import MAX_WORKERS, FanOut
from flows.parameters import ClusterNames
from flows.progress import Progress
from tasks.discover import discover_cluster
from tasks.outcome import Stage
from tasks.publish import publish_discovery
from tasks.scans import select_clusters


@flow(name="discover-fleet", task_runner=ThreadPoolTaskRunner(max_workers=MAX_WORKERS), persist_result=False)
def discover_fleet(
    clusters: ClusterNames = [],
    selector: dict[str, str] = {},
) -> State[None]:
    """Read each cluster's version, nodes, workloads and capabilities, and note what changed since the last look.

    Args:
        clusters: Names of clusters; empty means every active cluster.
        selector: Labels that a cluster must have; name, environment and region count as labels.
    """
    names = select_clusters(clusters, selector)
    fleet = FanOut(names, Progress([Stage.DISCOVER]))
    seen = fleet.run(Stage.DISCOVER, discover_cluster, list(names))
    publish_discovery(list(names), fleet.gaps_by_name())
    return fleet.conclude(seen)
