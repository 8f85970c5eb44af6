"""Clusters of a fleet beside each other, as a scan stores and tells it."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from fleet.detectors.cohorts.clusters import ClusterLevels, Level
from fleet.findings.finding import FindingState
from fleet.findings.scan import Scan
from fleet.frames.coverage import Coverage, CoverageStatus
from fleet.frames.pack import SubjectLabels
from fleet.frames.window import STEP_SECONDS
from fleet.inventory.subject import Subject, SubjectKind
from interfaces.cli.result import result_of
from storage.stores import Stores
from tasks.compare import compare_seen
from tasks.frames import COLLECTOR, SIGNAL
from tests.fleet.detectors.series import pack_of, query
from tests.storage import entities

IDS = [f"c{number}" for number in range(8)]
SLOW = "c3"
COMPONENT = SubjectLabels(kind=SubjectKind.COMPONENT, name="component")
PACK = pack_of(*(query(f"metric_{number}", subject=COMPONENT, unit="seconds") for number in range(20)))


def scan(name: str, hour: int, stores: Stores) -> Scan:
    window = entities.hours(hour, hour + 1)
    made = entities.scan(name, window).model_copy(update={"pack": PACK, "cluster_ids": IDS})
    return stores.scans.put(made)


def judge(stores: Stores, scan: Scan, cluster_ids: Collection[str] = IDS, ratio: float = 3.0) -> None:
    """What detection stores of each cluster: one is slow in one thing."""
    for cluster_id in cluster_ids:
        rng = np.random.default_rng(100 + int(cluster_id[1:]))
        subject = Subject(cluster_id=cluster_id, kind=SubjectKind.COMPONENT, name="etcd")
        levels = [
            Level(query_id=query.id, subject=subject, now=float(np.exp(0.08 * rng.standard_normal())))
            for query in PACK.queries
        ]
        if cluster_id == SLOW:
            levels[4] = levels[4].model_copy(update={"now": ratio})
        stores.levels.put(scan.id, ClusterLevels(cluster_id=cluster_id, cohort="openshift 4.18", levels=levels))


def test_a_cluster_unlike_its_like_is_found_once_and_resolved_when_it_is_not(stores: Stores) -> None:
    first = scan("s1", 0, stores)
    beside = entities.finding(first.window, cluster_id=SLOW, query_id="metric_4", ongoing=True)
    stores.findings.record(SLOW, first, [beside], seen_queries={"metric_4"})
    stores.coverage.put(
        [
            Coverage(
                cluster_id=SLOW,
                signal=SIGNAL,
                collector=COLLECTOR,
                window=first.window,
                step_seconds=STEP_SECONDS,
                pack_hash=PACK.content_hash,
                status=CoverageStatus.OK,
                endpoint="https://prometheus",
                object_key="frames/one",
                object_hash="0",
            )
        ]
    )
    judge(stores, first)
    for _ in range(2):
        assert compare_seen(stores, first, IDS) == {"compared": 8, "findings": 1}
    seen = stores.findings.list(scan_id="s1")
    assert sorted(each.across_fleet for each in seen) == [False, True]
    finding = next(each for each in seen if each.across_fleet)
    assert (finding.cluster_id, finding.query_id, finding.state) == (SLOW, "metric_4", FindingState.OPEN)
    assert (finding.series.object_keys, finding.series.endpoint) == (["frames/one"], "https://prometheus")
    assert finding.peers is not None
    assert finding.peers.seen == finding.peers.known == 8

    # Its own past is judged again before the others are: what the fleet told stays open meanwhile.
    second = scan("s2", 1, stores)
    stores.findings.record(SLOW, second, [], seen_queries={"metric_4"})
    assert stores.findings.get(finding.id).quiet_at == []
    judge(stores, second, [each for each in IDS if each != "c7"])
    assert compare_seen(stores, second, IDS[:7]) == {"compared": 7, "findings": 1}
    again = stores.findings.get(finding.id)
    assert again.window.start == first.window.start
    assert again.window.end == second.window.end
    assert again.peers is not None
    assert (again.peers.seen, again.peers.known) == (7, 8)

    # Of too few nothing is said: it stays open.
    assert result_of(stores, "s2").uncompared == {}
    third = scan("s3", 2, stores)
    judge(stores, third, IDS[:4])
    assert compare_seen(stores, third, IDS[:4]) == {"compared": 0, "findings": 0}
    assert result_of(stores, "s3").uncompared == {"openshift 4.18": IDS[:4]}
    assert stores.findings.get(finding.id).state is FindingState.OPEN

    for hour in (3, 4, 5):
        later = scan(f"s{hour + 1}", hour, stores)
        judge(stores, later, ratio=1.0)
        assert compare_seen(stores, later, IDS)["findings"] == 0
    assert stores.findings.get(finding.id).state is FindingState.RESOLVED
