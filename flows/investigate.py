"""Investigate a place and a time, or an incident, of one cluster."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from prefect import flow
from prefect.states import State
from prefect.task_runners import ThreadPoolTaskRunner
from pydantic import Field

from fleet.inventory.cluster import ClusterName
from flows.fan_out import MAX_WORKERS, FanOut
from flows.parameters import Hours, KubernetesName
from flows.progress import Progress
from tasks.collect import collect_history, collect_metrics
from tasks.discover import discover_cluster
from tasks.investigate import investigate_place
from tasks.outcome import Stage
from tasks.publish import publish_coverage, publish_investigation
from tasks.scans import open_inquiry

STAGES = [Stage.DISCOVER, Stage.COLLECT, Stage.LEARN, Stage.INVESTIGATE]


@flow(name="investigate", task_runner=ThreadPoolTaskRunner(max_workers=MAX_WORKERS), persist_result=False)
def investigate(
    cluster: Annotated[ClusterName, Field(description="Name of the cluster.")],
    at: Annotated[
        datetime | None, Field(description="Time of the trouble, UTC; by default now (or when the incident began).")
    ] = None,
    incident_id: Annotated[str | None, Field(description="An incident of the cluster; names place and time.")] = None,
    namespace: Annotated[KubernetesName | None, Field(description="Namespace of the trouble.")] = None,
    workload: Annotated[KubernetesName | None, Field(description="Workload (Deployment …) in that namespace.")] = None,
    node: Annotated[KubernetesName | None, Field(description="Node of the trouble.")] = None,
    last_hours: Annotated[Hours, Field(description="How far back before that time evidence is sought, in hours.")] = 6,
) -> State[None]:
    """Gather evidence around a place and a time of a cluster and rank probable causes.

    The investigation's id is this flow run's id: `fleetscope investigate get ID --json` fetches the result.
    """
    inquiry_id, names = open_inquiry(cluster, at, incident_id, last_hours)
    place = {"namespace": namespace, "workload": workload, "node": node, "incident_id": incident_id}
    run = FanOut(names, Progress(STAGES))
    run.run(Stage.DISCOVER, discover_cluster, list(names))
    seen = run.run(Stage.COLLECT, collect_metrics, list(names), scan_id=inquiry_id)
    run.run(Stage.LEARN, collect_history, seen, scan_id=inquiry_id)
    investigated = run.run(Stage.INVESTIGATE, investigate_place, seen, scan_id=inquiry_id, place=place)
    publish_coverage(inquiry_id, run.gaps_by_name())
    if investigated:
        publish_investigation(inquiry_id)
    return run.conclude(investigated)
