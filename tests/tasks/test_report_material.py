"""What a report is given: of changes, those of its window and those that its own scan was the first to see."""

from __future__ import annotations

from datetime import timedelta

from fleet.findings.scan import Scan
from fleet.inventory.change import Change, ChangeKind
from fleet.inventory.cluster import Cluster, Endpoint, EndpointKind
from fleet.inventory.subject import Subject, SubjectKind
from fleet.reports.depth import SURVEY
from storage.stores import Stores
from tasks.report_material import gather
from tests.storage import entities

MINUTE = timedelta(minutes=1)


def test_a_report_on_a_past_window_knows_nothing_of_what_began_since(stores: Stores) -> None:
    cluster = Cluster(name="east", endpoints={EndpointKind.KUBERNETES: Endpoint(url="https://api.example")})
    stores.clusters.put(cluster)
    incidents = [
        entities.incident(name, [name], cluster_id=cluster.id, started_at=entities.hours(began, began + 1).start)
        for name, began in (("before", -5), ("since", 5))
    ]
    stores.incidents.record(cluster.id, "scan-1", incidents)
    past = entities.scan("past", entities.hours(0, 1), cluster_ids=[cluster.id])
    assert [each.id for each in gather(stores, past, [], None, SURVEY).incidents] == ["before"]


def test_changes_are_those_of_the_window_and_what_the_scan_saw_first(stores: Stores) -> None:
    cluster = Cluster(name="east", endpoints={EndpointKind.KUBERNETES: Endpoint(url="https://api.example")})
    stores.clusters.put(cluster)
    window = entities.hours(0, 1)

    def changed(name: str, at: float, since: float | None = None) -> Change:
        subject = Subject(cluster_id=cluster.id, kind=SubjectKind.NODE, name=name)
        looked = None if since is None else window.end + since * MINUTE
        return Change(
            cluster_id=cluster.id,
            kind=ChangeKind.NODE_LABELS,
            subject=subject,
            at=window.end + at * MINUTE,
            not_before=looked,
            summary=name,
        )

    stores.changes.put(
        [
            changed("dated within", -30),
            changed("dated beyond", 1),
            changed("seen by this scan", 3, since=-50),
            changed("seen by a look shortly before it", 2, since=1),
            changed("seen by the next scan", 63, since=3),
            changed("older", -70, since=-90),
        ]
    )

    def told(scan: Scan) -> set[str]:
        return {each.summary for each in gather(stores, scan, [], None, SURVEY).changes}

    ended = {"created_at": window.end + 2 * MINUTE, "finished_at": window.end + 5 * MINUTE, "cluster_ids": [cluster.id]}
    scan = entities.scan("now", window, **ended)
    assert told(scan) == {"dated within", "seen by this scan", "seen by a look shortly before it"}
    # A scan of a window that is long over tells what can have been in it.
    late = {"created_at": window.end + timedelta(days=3), "finished_at": window.end + timedelta(days=4)}
    assert told(scan.model_copy(update=late)) == {"dated within", "seen by this scan"}
