"""Investigate a place and a time, or an incident, of one cluster."""

from __future__ import annotations

from datetime import datetime

from prefect import flow
from prefect.states import State

from fleet.errors import UsageError
from fleet.inventory.cluster import ClusterName
from flows.fan_out import FanOut
from flows.outcome import scan_state
from flows.parameters import Hours, KubernetesName
from flows.progress import Progress
from flows.task_runner import ChosenTaskRunner
from tasks.collect import collect_history, collect_metrics
from tasks.discover import discover_cluster
from tasks.investigate import investigate_place
from tasks.outcome import Stage
from tasks.publish import publish_coverage, publish_investigation
from tasks.scans import close_scan, open_inquiry

STAGES = [Stage.DISCOVER, Stage.COLLECT, Stage.LEARN, Stage.INVESTIGATE]


@flow(name="investigate", task_runner=ChosenTaskRunner(), persist_result=False)
def investigate(
    cluster: ClusterName,
    at: datetime | None = None,
    incident_id: str | None = None,
    namespace: KubernetesName | None = None,
    workload: KubernetesName | None = None,
    node: KubernetesName | None = None,
    last_hours: Hours = 6,
) -> State[None]:
    """Gather evidence around a place and a time of a cluster and rank probable causes.

    The investigation's id is this flow run's id: `fleetscope investigate get ID --json` fetches the result.

    Args:
        cluster: Name of the cluster.
        at: Time of the trouble, UTC; by default now, or when the incident began.
        incident_id: An incident of the cluster; it names place and time.
        namespace: Namespace of the trouble.
        workload: Workload (a Deployment, for example) of the trouble, in that namespace.
        node: Node of the trouble.
        last_hours: How many hours before that time evidence is sought, 1 to 168.
    """
    if workload and not namespace:
        raise UsageError("A workload is named without its namespace.")
    inquiry_id, names = open_inquiry(cluster, at, incident_id, last_hours)
    place = {"namespace": namespace, "workload": workload, "node": node, "incident_id": incident_id}
    run = FanOut(names, Progress(STAGES))
    run.run(Stage.DISCOVER, discover_cluster, list(names))
    seen = run.run(Stage.COLLECT, collect_metrics, list(names), scan_id=inquiry_id)
    run.run(Stage.LEARN, collect_history, seen, scan_id=inquiry_id)
    investigated = run.run(Stage.INVESTIGATE, investigate_place, seen, scan_id=inquiry_id, place=place)
    outcome = run.outcome(investigated)
    publish_coverage(inquiry_id, outcome.gaps_by_name())
    if investigated:
        publish_investigation(inquiry_id)
    state = outcome.conclude()
    close_scan(inquiry_id, scan_state(state), outcome.counts, investigated)
    return state
