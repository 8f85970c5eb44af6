"""Opening and closing runs: which clusters, which window, which pack; and how it ended."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from prefect import task
from prefect.runtime import flow_run

from blocks.stores import open_stores
from fleet.detectors.contract import Sensitivity
from fleet.detectors.second_looks import DEFAULT_LOOKS, looks_named
from fleet.errors import UsageError
from fleet.findings.scan import Scan, ScanPurpose, ScanState
from fleet.frames.pack import QueryPack
from fleet.frames.pack_file import default_pack, load_pack
from fleet.frames.window import SETTLE, Window
from fleet.inventory.cluster import Cluster
from storage.stores import Stores
from tasks.policy import STEP

AFTERMATH = timedelta(hours=1)
"""An inquiry also looks at what came after the trouble: whether it ended tells causes apart."""


@task(name="select_clusters", **STEP)
def select_clusters(clusters: list[str], selector: dict[str, str]) -> dict[str, str]:
    """Ids and names of the chosen clusters.

    Raises:
        UsageError: a name is not registered, or nothing matches.
    """
    return {cluster.id: cluster.name for cluster in chosen(open_stores(), clusters, selector)}


@task(name="name_clusters", **STEP)
def name_clusters(cluster_ids: list[str]) -> dict[str, str]:
    """Ids and names of the clusters with these ids; one that was struck from the registry by now is left out."""
    return {cluster_id: cluster.name for cluster_id, cluster in open_stores().clusters.known(cluster_ids).items()}


def chosen(stores: Stores, names: list[str], selector: dict[str, str]) -> list[Cluster]:
    """The named clusters, or every active registered one, that match the selector."""
    return stores.clusters.chosen(names, selector)


@task(name="open_scan", **STEP)
def open_scan(
    clusters: list[str],
    selector: dict[str, str],
    last_hours: int,
    until: datetime | None,
    sensitivity: Sensitivity,
    pack: str | None,
    second_looks: str = "",
) -> tuple[str, dict[str, str]]:
    """Open the scan of this flow run: its id (the run's), and the ids and names of its clusters.

    Raises:
        UsageError: a cluster, or a detector of the second looks, is not known or not installed.
    """
    stores = open_stores()
    queries = pack_of(pack)
    members = chosen(stores, clusters, selector)
    last = timedelta(hours=last_hours)
    start = scheduled_start()
    scan = Scan(
        id=run_id(),
        scheduled_start=start,
        window=Window.before(settled(until, start), last) if until else Window.of_scan(start, last),
        sensitivity=sensitivity,
        pack=queries,
        second_looks=looks_named(second_looks, queries),
        parameters={"clusters": list(clusters), "selector": dict(selector), "last_hours": last_hours},
        created_at=datetime.now(UTC),
        cluster_ids=[cluster.id for cluster in members],
    )
    stores.scans.put(scan)
    return scan.id, {cluster.id: cluster.name for cluster in members}


@task(name="open_inquiry", **STEP)
def open_inquiry(
    cluster: str, at: datetime | None, incident_id: str | None, last_hours: int
) -> tuple[str, dict[str, str]]:
    """Open the inquiry of this flow run around a time, or around the time when an incident began."""
    stores = open_stores()
    member = stores.clusters.by_name(cluster)
    incident = stores.incidents.get(incident_id) if incident_id else None
    if incident is not None and incident.cluster_id != member.id:
        raise UsageError(f"Incident {incident.id} is not one of cluster {cluster}.")
    start = scheduled_start()
    moment = at or (incident.started_at if incident else start)
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    end = min(whole_minutes(moment) + AFTERMATH, whole_minutes(start - SETTLE))
    inquiry = Scan(
        id=run_id(),
        purpose=ScanPurpose.INQUIRY,
        scheduled_start=start,
        window=Window(start=min(whole_minutes(moment), end) - timedelta(hours=last_hours), end=end),
        sensitivity=Sensitivity.HIGH,
        pack=default_pack(),
        second_looks=list(DEFAULT_LOOKS),
        parameters={"at": moment.isoformat()},
        created_at=datetime.now(UTC),
        cluster_ids=[member.id],
    )
    stores.scans.put(inquiry)
    return inquiry.id, {member.id: member.name}


@task(name="close_scan", **STEP)
def close_scan(scan_id: str, state: ScanState, counts: dict[str, int], judged: list[str]) -> None:
    """Write down how a scan ended, and which clusters it judged."""
    open_stores().scans.finish(scan_id, state, counts, datetime.now(UTC), judged)


def run_id() -> str:
    """The id of the flow run: a scan, an inquiry and its investigation carry it, so that a retry is the same one."""
    return str(flow_run.get_id())


def scheduled_start() -> datetime:
    """When this run was to start (UTC); the same over its retries."""
    planned = flow_run.get_scheduled_start_time()
    return datetime.fromtimestamp(planned.timestamp(), tz=UTC)


def whole_minutes(at: datetime) -> datetime:
    """A time on the grid of samples, UTC; one without a zone is taken as UTC."""
    aware = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    return aware.replace(second=0, microsecond=0)


def settled(until: datetime, start: datetime) -> datetime:
    """The end that was asked for, or the last minute that had time to settle before a run's start.

    What a server says of time that has not come, or has just passed, is not final: it must not be stored as if it were.

    Raises:
        UsageError: the end lies in the future.
    """
    end = whole_minutes(until)
    if end > start:
        raise UsageError(
            f"The window would end at {end:%Y-%m-%d %H:%M} UTC, which has not come yet.",
            hint="Name a time that has passed, or none for the last full hour.",
        )
    return min(end, whole_minutes(start - SETTLE))


def pack_of(path: str | None) -> QueryPack:
    """The pack of a file, or the default one."""
    return load_pack(Path(path)) if path else default_pack()
