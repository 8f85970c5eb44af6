"""Correlate: join a cluster's open findings into incidents, and tell once of each new one."""

from __future__ import annotations

from prefect import get_client, task
from prefect.events.schemas.events import Event, Resource

from blocks.stores import open_stores
from fleet.findings.correlation import correlate
from fleet.findings.finding import UNRESOLVED
from fleet.findings.incident import Incident
from fleet.findings.lifecycle import RELAPSE
from fleet.findings.scan import Scan
from fleet.frames.window import Window
from fleet.inventory.cluster import Cluster
from fleet.inventory.topology import Topology
from storage.stores import Stores
from tasks.outcome import ClusterOutcome, Stage
from tasks.policy import STEP


@task(name="correlate_findings", task_run_name="correlate-{cluster_id}", **STEP)
def correlate_findings(scan_id: str, cluster_id: str) -> ClusterOutcome:
    """Incidents of one cluster; emits ``fleet.incident.opened`` for each that is new, or open again."""
    stores = open_stores()
    scan, cluster = stores.scans.get(scan_id), stores.clusters.get(cluster_id)
    findings = stores.findings.list(cluster_ids=[cluster.id], scan_id=scan.id)
    topology = Topology.of(stores.inventories.latest(cluster.id))
    known = _known(stores, scan, cluster.id)
    members = stores.findings.list(incident_ids=[incident.id for incident in known])
    earlier = stores.findings.earlier(cluster.id, [*findings, *members])
    incidents = correlate(findings, topology, known, scan.id, earlier, members)
    opened = set(stores.incidents.record(cluster.id, scan_id, incidents))
    announce(cluster, [incident for incident in incidents if incident.id in opened])
    stores.incidents.mark_announced(opened)
    return ClusterOutcome(
        Stage.CORRELATE, cluster.id, cluster.name, counts={"incidents": len(incidents), "opened": len(opened)}
    )


def _known(stores: Stores, scan: Scan, cluster_id: str) -> list[Incident]:
    """Incidents that may go on or come back in a scan's window."""
    unresolved = stores.incidents.list(cluster_ids=[cluster_id], states=UNRESOLVED)
    near = Window(start=scan.window.start - RELAPSE, end=scan.window.end)
    lately = stores.incidents.list(cluster_ids=[cluster_id], window=near)
    return list({incident.id: incident for incident in [*unresolved, *lately]}.values())


def announce(cluster: Cluster, opened: list[Incident]) -> None:
    """Publish ``fleet.incident.opened`` for each; the payload is small and holds no text that a cluster wrote.

    Prefect's own ``emit_event`` only queues: a kill before the queue is sent would lose what was marked as announced.

    Raises:
        httpx.HTTPError: the Prefect server did not take the events; they are published by the next scan then.
    """
    if not opened:
        return
    events = [
        Event(
            event="fleet.incident.opened",
            resource=Resource(
                {
                    "prefect.resource.id": f"fleet.incident.{incident.id}",
                    "fleet.cluster": cluster.name,
                    "fleet.severity": incident.severity.value,
                }
            ),
            payload={
                "incident_id": incident.id,
                "cluster": cluster.name,
                "started_at": incident.started_at.isoformat(),
                "reopenings": incident.reopenings,
            },
        )
        for incident in opened
    ]
    with get_client(sync_client=True) as client:
        body = [event.model_dump(mode="json") for event in events]
        client.request("POST", "/events", json=body).raise_for_status()
