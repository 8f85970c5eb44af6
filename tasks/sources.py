"""Who can be asked for which signal, and why nobody is where a cluster has no such endpoint."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from prefect import task

from blocks.stores import open_stores
from fleet.findings.scan import Scan
from fleet.frames.coverage import Coverage, CoverageStatus, Signal
from fleet.frames.window import CHUNK, Window
from fleet.inventory.cluster import Cluster, ClusterOrigin, EndpointKind
from storage.stores import Stores
from tasks.policy import STEP
from tasks.questions import NOBODY_ASKED, QUESTIONS, Question

FRESH = timedelta(hours=2)
"""A window that ends with the last full hour is over for less than that."""
TOO_LATE = "it tells only how alerts stand now, and the window has been over for more than two hours"


@task(name="find_sources", **STEP)
def find_sources(scan_id: str, cluster_ids: list[str]) -> dict[str, list[str]]:
    """The clusters that have a source of each signal, by signal; of the others it is noted why nobody is asked.

    Clusters without a Loki or a Tempo cost a row each, and no task.
    """
    stores = open_stores()
    scan, clusters = stores.scans.get(scan_id), list(stores.clusters.known(cluster_ids).values())
    found: dict[str, set[str]] = {signal: set() for signal in (Signal.ALERTS, Signal.LOGS, Signal.TRACES)}
    rows: list[Coverage] = []
    for question in QUESTIONS:
        having = [cluster for cluster in clusters if question.kind in cluster.endpoints]
        rows += _unregistered(stores, scan, question, [each for each in clusters if each not in having])
        if question.signal.of_a_moment and datetime.now(UTC) - scan.window.end > FRESH:
            rows += [_nobody(scan, question, cluster, CoverageStatus.UNKNOWN, TOO_LATE) for cluster in having]
        else:
            found[question.signal] |= {cluster.id for cluster in having}
    stores.coverage.put(rows)
    return {signal: [each for each in cluster_ids if each in ids] for signal, ids in found.items()}


def _unregistered(stores: Stores, scan: Scan, question: Question, clusters: list[Cluster]) -> Iterable[Coverage]:
    without = stores.inventories.without([each.id for each in clusters], question.capabilities, question.program)
    name = question.kind.value.capitalize()
    for cluster in clusters:
        if cluster.id in without:
            yield _nobody(scan, question, cluster, CoverageStatus.ABSENT, f"the cluster runs no {name}")
        else:
            reason = f"no {name} endpoint is registered{_way_to_one(cluster)}"
            yield _nobody(scan, question, cluster, CoverageStatus.UNKNOWN, reason)


def _way_to_one(cluster: Cluster) -> str:
    if cluster.origin is ClusterOrigin.AD_HOC:
        return ""
    if EndpointKind.KUBERNETES in cluster.endpoints:
        return f": `fleetscope cluster endpoints {cluster.name} --store` finds it"
    return f": `fleetscope cluster update {cluster.name}` registers one"


def _nobody(scan: Scan, question: Question, cluster: Cluster, status: CoverageStatus, reason: str) -> Coverage:
    at_end = list(scan.window.chunks(CHUNK))[-1]
    window: Window = at_end if question.signal.of_a_moment else scan.window
    return Coverage(
        cluster_id=cluster.id,
        signal=question.signal,
        collector=question.collector,
        window=window,
        step_seconds=0,
        pack_hash=NOBODY_ASKED,
        status=status,
        reason=reason,
        collected_at=datetime.now(UTC),
    )
