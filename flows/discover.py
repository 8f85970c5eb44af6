"""Discover a fleet: what each cluster is, and what changed since the last look."""

from __future__ import annotations

from prefect import flow
from prefect.states import State

from flows.fan_out import FanOut
from flows.outcome import FleetOutcome
from flows.parameters import ClusterNames
from flows.progress import Progress
from flows.shard_run import close_shards
from flows.shards import hand_in, whole_or_in_shards
from flows.task_runner import ChosenTaskRunner
from tasks.discover import discover_cluster
from tasks.outcome import Stage
from tasks.publish import publish_discovery
from tasks.scans import name_clusters, select_clusters


@flow(
    name="discover-fleet",
    task_runner=ChosenTaskRunner(),
    persist_result=False,
    on_crashed=[close_shards],
    on_cancellation=[close_shards],
)
def discover_fleet(
    clusters: ClusterNames = [],
    selector: dict[str, str] = {},
) -> State[None]:
    """Read each cluster's version, nodes, workloads and capabilities, and note what changed since the last look.

    Above 50 clusters, shards of at most 50 run as flow runs of their own.

    Args:
        clusters: Names of clusters; empty means every active cluster.
        selector: Labels that a cluster must have; name, environment and region count as labels.
    """
    names = select_clusters(clusters, selector)
    fleet = whole_or_in_shards(discover_clusters, discover_shard, names)
    publish_discovery(list(names), fleet.gaps_by_name())
    return fleet.conclude()


@flow(name="discover-shard", task_runner=ChosenTaskRunner(), persist_result=False)
def discover_shard(cluster_ids: list[str]) -> State[None]:
    """Discover a part of a large fleet, for the run that started this one.

    Args:
        cluster_ids: Ids of the clusters.
    """
    return hand_in(discover_clusters(name_clusters(cluster_ids)))


def discover_clusters(names: dict[str, str]) -> FleetOutcome:
    """The stages of discovery, for clusters by id and name."""
    fleet = FanOut(names, Progress([Stage.DISCOVER]))
    return fleet.outcome(fleet.run(Stage.DISCOVER, discover_cluster, list(names)))
