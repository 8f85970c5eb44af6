"""What a scan's result lists, and what its exit code is about."""

from __future__ import annotations

from fleet.findings.correlation import correlate
from fleet.findings.finding import Finding
from fleet.findings.incident import Phase
from fleet.frames.pack import Severity
from fleet.inventory.cluster import Cluster
from interfaces.cli.result import ScanResult, result_of
from storage.stores import Stores
from tests.storage import entities


def scanned(stores: Stores, cluster: Cluster, hour: int, *seen: Finding) -> ScanResult:
    window = entities.hours(hour, hour + 1)
    scan = stores.scans.put(entities.scan(f"scan-{hour}", window, cluster_ids=[cluster.id]))
    done = stores.findings.record(cluster.id, scan, list(seen), seen_queries={"container_mem_bytes"})
    known = stores.incidents.list(cluster_ids=[cluster.id])
    stores.incidents.record(cluster.id, scan.id, correlate(done.seen, None, known, scan.id))
    return result_of(stores, scan.id)


def test_an_incident_is_listed_until_it_was_told_to_be_resolved_and_counts_while_it_is_not(stores: Stores) -> None:
    cluster = stores.clusters.put(Cluster.model_validate({"name": "east", "endpoints": {}}))
    trouble = entities.finding(entities.hours(0, 1), cluster_id=cluster.id, severity=Severity.CRITICAL, ongoing=True)
    told = [scanned(stores, cluster, 0, trouble), *(scanned(stores, cluster, hour) for hour in (1, 2, 3))]
    assert [[line.phase for line in each.incidents] for each in told] == [
        [Phase.ONGOING],
        [Phase.ENDED],
        [Phase.RESOLVED],
        [],
    ]
    assert [each.worst for each in told] == [Severity.CRITICAL, Severity.CRITICAL, None, None]
    assert [each.findings for each in told] == [1, 0, 0, 0]
