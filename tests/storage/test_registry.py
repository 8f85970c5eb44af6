from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from pydantic import BaseModel
from sqlalchemy import text

from fleet.errors import NotFound, StoreError
from fleet.findings.scan import ScanState
from fleet.inventory.change import Change, ChangeKind
from fleet.inventory.cluster import Cluster, ClusterOrigin, Endpoint, EndpointKind
from fleet.inventory.figures import InventoryFigures
from fleet.inventory.inventory import Gap, Inventory, Pod
from fleet.inventory.node import Node
from fleet.investigations.investigation import Investigation, Verdict
from fleet.reports.record import ReportKind, ReportRecord
from storage.clusters import ClusterStore
from storage.database import Database
from storage.documents import from_document, to_document
from storage.inventories import ChangeStore, InventoryStore
from storage.investigations import InvestigationStore
from storage.reports import ReportStore
from storage.scans import ScanStore
from storage.statements import upsert
from storage.tables import ClusterRow
from tests.storage.entities import CLUSTER, T0, hours, scan, subject


def cluster(name: str, **fields: object) -> Cluster:
    endpoint = Endpoint(url="https://prometheus.example", ca_pem="-----BEGIN CERTIFICATE-----")
    return Cluster.model_validate({"name": name, "endpoints": {EndpointKind.PROMETHEUS: endpoint}, **fields})


def change(hour: float, kind: ChangeKind = ChangeKind.ROLLOUT, **fields: object) -> Change:
    at = T0 + timedelta(hours=hour)
    return Change.model_validate(
        {"cluster_id": CLUSTER, "kind": kind, "subject": subject(), "at": at, "summary": "new image", **fields}
    )


def test_a_cluster_registered_twice_is_one_and_keeps_its_first_time(database: Database) -> None:
    store = ClusterStore(database)
    first = store.put(cluster("shop-eu", environment="test"))
    again = store.put(cluster("shop-eu", environment="prod"))
    assert first.registered_at is not None
    assert again.registered_at == first.registered_at
    assert store.list() == [again]
    assert store.get(first.id).environment == "prod"
    assert store.by_name("shop-eu") == again
    with pytest.raises(StoreError, match="refused a statement"):
        store.put(cluster("shop-eu", id="another-id"))


def test_changes_of_a_cluster_at_once_are_all_kept(database: Database) -> None:
    store = ClusterStore(database)
    store.put(cluster("shop-eu", labels={"tier": "1"}))

    def label(key: str) -> None:
        store.change("shop-eu", lambda known: known.model_copy(update={"labels": {**known.labels, key: "x"}}))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(label, map(str, range(20))))
    assert store.by_name("shop-eu").labels == {"tier": "1", **dict.fromkeys(map(str, range(20)), "x")}
    with pytest.raises(NotFound, match="no cluster named 'shop-us'"):
        store.change("shop-us", lambda known: known)


def test_a_cluster_that_is_removed_while_it_is_changed_stays_removed(database: Database) -> None:
    store = ClusterStore(database)
    known = store.put(cluster("shop-eu"))
    waiting = text(
        "SELECT count(*) FROM pg_locks JOIN pg_database ON pg_database.oid = pg_locks.database "
        "WHERE locktype = 'advisory' AND NOT granted AND datname = current_database()"
    )
    with ThreadPoolExecutor(1) as pool:

        def remove_meanwhile(now: Cluster) -> Cluster:
            removal = pool.submit(store.delete, known.id)
            deadline = time.monotonic() + 30
            with database.session() as session:
                while not removal.done() and not session.connection().execute(waiting).scalar():
                    assert time.monotonic() < deadline, "the removal neither ended nor waited"
                    time.sleep(0.01)
            return now

        store.change("shop-eu", remove_meanwhile)
    assert store.list() == []


def test_a_fleet_of_5000_is_listed_whole(database: Database) -> None:
    ca_pem = "-----BEGIN CERTIFICATE-----\n" + "A" * 1500
    bodies = [
        to_document(
            cluster(f"edge-{number:04d}").model_copy(
                update={
                    "endpoints": {kind: Endpoint(url="https://edge.example", ca_pem=ca_pem) for kind in EndpointKind}
                }
            )
        )
        for number in range(5000)
    ]
    with database.session() as session:
        session.connection().execute(
            upsert(ClusterRow),
            [
                {
                    **{key: body[key] for key in ("id", "name", "environment", "region", "active", "origin")},
                    "body": body,
                }
                for body in bodies
            ],
        )
    store = ClusterStore(database)
    found = store.list()
    assert [each.name for each in found] == [f"edge-{number:04d}" for number in range(5000)]
    assert len(store.list({"environment": ""})) == 5000
    assert len(store.known([each.id for each in found])) == 5000


def test_clusters_are_selected_as_the_model_says(database: Database) -> None:
    store = ClusterStore(database)
    for each in [
        cluster("a", environment="prod", region="eu", labels={"tier": "1", "name": "not-this"}),
        cluster("b", environment="prod", region="us", labels={"tier": "2"}),
        cluster("c", environment="test", region="eu", labels={"tier": "1"}),
    ]:
        store.put(each)
    for selector in [{}, {"environment": "prod"}, {"tier": "1", "region": "eu"}, {"name": "a"}, {"name": "not-this"}]:
        assert store.list(selector) == [each for each in store.list() if each.matches(selector)]
    assert [each.name for each in store.list({"tier": "1", "environment": "prod"})] == ["a"]


def test_ad_hoc_and_inactive_clusters_belong_to_no_fleet_scan(database: Database) -> None:
    store = ClusterStore(database)
    store.put(cluster("here"))
    store.put(cluster("away", active=False))
    store.put(cluster("once", origin=ClusterOrigin.AD_HOC))
    assert [each.name for each in store.list()] == ["here"]
    assert [each.name for each in store.list(active=None, origin=None)] == ["away", "here", "once"]


def test_a_removed_cluster_is_gone(database: Database) -> None:
    store = ClusterStore(database)
    known = store.put(cluster("here"))
    assert store.delete(known.id)
    assert not store.delete(known.id)
    with pytest.raises(NotFound):
        store.get(known.id)
    with pytest.raises(NotFound, match="cluster list"):
        store.by_name("here")


def test_the_latest_inventory_is_found_and_changes_are_stored_once(database: Database) -> None:
    inventories, changes = InventoryStore(database), ChangeStore(database)
    assert inventories.latest(CLUSTER) is None
    first = Inventory(cluster_id=CLUSTER, observed_at=T0, version="1.33", changes=[change(-1), change(-1)])
    second = Inventory(cluster_id=CLUSTER, observed_at=T0 + timedelta(hours=1), version="1.34", changes=[change(-1)])
    assert inventories.put(first) == 1
    assert inventories.put(second, [change(1, ChangeKind.VERSION)]) == 1
    assert inventories.put(second, [change(1, ChangeKind.VERSION)]) == 0
    latest = inventories.latest(CLUSTER)
    assert latest == second
    earlier = inventories.latest(CLUSTER, before=second.observed_at)
    assert earlier is not None
    assert (earlier.version, earlier.changes) == (first.version, first.changes)
    assert inventories.latest("another") is None
    assert changes.list() == [change(1, ChangeKind.VERSION), change(-1)]


def test_looks_are_listed_and_only_the_newest_keeps_its_pods(database: Database) -> None:
    store = InventoryStore(database)
    pods = [Pod(namespace="shop", name="cart-1")]
    looks = [T0 + timedelta(hours=hour) for hour in range(3)]
    for at in looks:
        store.put(Inventory(cluster_id=CLUSTER, observed_at=at, version="1.34", pods=pods))
    newest, earlier = store.latest(CLUSTER), store.latest(CLUSTER, before=looks[-1])
    assert newest is not None
    assert earlier is not None
    assert (newest.pods, newest.gaps) == (pods, [])
    # That there are none is not what was seen: it is said.
    assert (earlier.pods, [gap.part for gap in earlier.gaps]) == ([], ["pods"])
    # One that comes late keeps its place, and is let go of as well.
    store.put(Inventory(cluster_id=CLUSTER, observed_at=T0 + timedelta(minutes=30), version="1.34", pods=pods))
    late = store.latest(CLUSTER, before=looks[1])
    assert late is not None
    assert late.pods == []
    assert store.versions(CLUSTER) == [looks[2], looks[1], T0 + timedelta(minutes=30), looks[0]]
    assert store.versions(CLUSTER, hours(1, 2)) == [looks[1]]
    assert store.versions("another") == []


def test_what_the_look_before_missed_is_taken_from_the_last_that_saw_it(database: Database) -> None:
    store = InventoryStore(database)
    parts: list[list[str]] = [[], ["nodes"], ["capabilities", "pods"], ["nodes", "events"], []]
    looks = [
        Inventory(
            cluster_id=CLUSTER,
            observed_at=T0 + timedelta(hours=hour),
            gaps=[Gap(part=part, reason="time-out") for part in blind],
            nodes=[] if "nodes" in blind else [Node(name=f"w{hour}")],
        )
        for hour, blind in enumerate(parts)
    ]
    assert store.earlier(looks[0]) == (None, {})
    for look in looks:
        store.put(look)

    def hour_of(look: Inventory | None) -> float:
        assert look is not None
        return (look.observed_at - T0) / timedelta(hours=1)

    def seen_before(look: Inventory) -> tuple[float, dict[str, float]]:
        before, older = store.earlier(look)
        return hour_of(before), {part: hour_of(each) for part, each in older.items()}

    assert seen_before(looks[1]) == (0, {})
    assert seen_before(looks[2]) == (1, {"nodes": 0})
    # Without the list of groups nothing is known of what is there only with its group.
    before, older = seen_before(looks[3])
    assert (before, older["ptpconfigs"], older["subscriptions"]) == (2, 1, 1)
    # Each part has the last look that saw it: what was compared is not compared again.
    assert seen_before(looks[4]) == (3, {"nodes": 2})


def test_the_latest_inventories_are_counted_where_they_lie(database: Database) -> None:
    store = InventoryStore(database)
    gap = Gap(part="nodes", reason="forbidden")
    pods = [Pod(namespace="shop", name=f"cart-{number}") for number in range(3)]
    store.put(Inventory(cluster_id=CLUSTER, observed_at=T0, version="1.33", namespaces=["old"]))
    later = T0 + timedelta(hours=1)
    store.put(Inventory(cluster_id=CLUSTER, observed_at=later, version="1.34", pods=pods, gaps=[gap]))
    store.put(Inventory(cluster_id="another", observed_at=T0))
    found = store.figures([CLUSTER, "another", "never seen"])
    assert found == {
        CLUSTER: InventoryFigures(
            cluster_id=CLUSTER, observed_at=later, version="1.34", nodes=0, workloads=0, pods=3, gaps=[gap]
        ),
        "another": InventoryFigures(cluster_id="another", observed_at=T0, nodes=0, workloads=0, pods=0),
    }
    assert store.figures([]) == {}


def test_clusters_are_found_by_names_in_the_order_given(database: Database) -> None:
    store = ClusterStore(database)
    for name in ("a", "b", "c"):
        store.put(cluster(name))
    assert list(store.by_names(["c", "a"])) == ["c", "a"]
    assert store.by_names([]) == {}
    with pytest.raises(NotFound, match="named 'd'"):
        store.by_names(["a", "d"])


def test_changes_are_listed_by_filter(database: Database) -> None:
    store = ChangeStore(database)
    assert store.put([change(0), change(1, ChangeKind.OOM_KILL), change(2, cluster_id="another")]) == 3
    assert store.put([]) == 0
    assert [each.at for each in store.list(window=hours(0, 1))] == [T0]
    assert [each.kind for each in store.list(kinds=[ChangeKind.OOM_KILL])] == [ChangeKind.OOM_KILL]
    assert [each.cluster_id for each in store.list(cluster_ids=["another"])] == ["another"]
    assert [each.at for each in store.list(limit=1)] == [T0 + timedelta(hours=2)]


def test_threads_that_store_the_same_changes_count_each_once(database: Database) -> None:
    store = ChangeStore(database)
    changes = [change(number / 100) for number in range(200)]

    def put(number: int) -> int:
        return store.put(changes if number % 2 else changes[::-1])

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(put, range(6))) == 200


def test_a_scan_that_is_created_again_keeps_its_first_time(database: Database) -> None:
    store = ScanStore(database)
    store.put(scan("s", hours(0, 1)))
    rerun = store.put(scan("s", hours(0, 1), created_at=T0 + timedelta(days=1)))
    assert rerun.created_at == T0 + timedelta(hours=1)
    assert store.get("s") == rerun
    ended = store.finish("s", ScanState.COMPLETED_WITH_GAPS, {"findings": 3}, T0 + timedelta(hours=2))
    assert store.get("s") == ended
    assert (ended.state, ended.counts) == (ScanState.COMPLETED_WITH_GAPS, {"findings": 3})
    with pytest.raises(NotFound):
        store.finish("nothing", ScanState.FAILED, {}, T0)


def test_scans_are_listed_newest_first_and_by_filter(database: Database) -> None:
    store = ScanStore(database)
    for number in range(3):
        store.put(scan(f"s{number}", hours(number, number + 1), cluster_ids=[CLUSTER, f"c{number}"]))
    store.finish("s1", ScanState.COMPLETED, {}, T0)
    assert [each.id for each in store.list()] == ["s2", "s1", "s0"]
    assert [each.id for each in store.list(states=[ScanState.COMPLETED])] == ["s1"]
    assert [each.id for each in store.list(cluster_id="c2")] == ["s2"]
    assert [each.id for each in store.list(before=T0 + timedelta(hours=3), limit=1)] == ["s1"]


def test_an_investigation_that_runs_again_replaces_itself(database: Database) -> None:
    store = InvestigationStore(database)

    def investigation(number: int, incident_id: str | None, verdict: Verdict, hour: int) -> Investigation:
        created_at = T0 + timedelta(hours=hour)
        return Investigation(
            id=f"v{number}",
            cluster_id=CLUSTER,
            incident_id=incident_id,
            place=subject(),
            at=T0,
            window=hours(-1, 1),
            verdict=verdict,
            created_at=created_at,
        )

    store.put(investigation(1, "i-1", Verdict.NOT_ENOUGH_EVIDENCE, 1))
    store.put(investigation(1, "i-1", Verdict.PROBABLE_CAUSE, 1))
    store.put(investigation(2, "i-1", Verdict.SEVERAL_CANDIDATES, 2))
    store.put(investigation(3, None, Verdict.SEVERAL_CANDIDATES, 3))
    assert store.get("v1").verdict is Verdict.PROBABLE_CAUSE
    newest = store.of_incident("i-1")
    assert newest is not None
    assert newest.id == "v2"
    assert {key: each.id for key, each in store.of_incidents(["i-1", "i-2"]).items()} == {"i-1": "v2"}
    assert store.of_incidents([]) == {}
    assert store.of_incident("i-2") is None
    assert [each.id for each in store.list()] == ["v3", "v2", "v1"]
    assert [each.id for each in store.list(cluster_ids=[CLUSTER], limit=1)] == ["v3"]
    assert store.list(cluster_ids=[]) == []
    with pytest.raises(NotFound):
        store.get("nothing")


def test_reports_are_listed_newest_first_and_deleted(database: Database) -> None:
    store = ReportStore(database)
    for number, kind in enumerate(ReportKind):
        at = T0 + timedelta(hours=number)
        store.put(
            ReportRecord(id=f"r{number}", kind=kind, title="t", created_at=at, scan_id=f"s{number}", window=hours(0, 1))
        )
    assert [each.id for each in store.list()] == ["r2", "r1", "r0"]
    assert [each.id for each in store.list(kinds=[ReportKind.FLEET])] == ["r0"]
    assert [each.id for each in store.list(scan_id="s1")] == ["r1"]
    assert store.delete("r1")
    assert not store.delete("r1")
    with pytest.raises(NotFound, match="report list"):
        store.get("r1")


def test_reports_of_a_kind_are_read_as_far_as_they_are_wanted(database: Database) -> None:
    store = ReportStore(database)
    for number in range(23):
        at = T0 + timedelta(hours=number)
        for kind in (ReportKind.FLEET, ReportKind.CLUSTER):
            name = f"{kind.value}-{number}"
            store.put(ReportRecord(id=name, kind=kind, title="t", created_at=at, scan_id="s", window=hours(0, 1)))
    newest = store.newest(ReportKind.FLEET)
    assert [next(newest).id for _ in range(2)] == ["fleet-22", "fleet-21"]
    assert [each.id for each in newest] == [f"fleet-{number}" for number in range(20, -1, -1)]
    assert len(list(store.newest(ReportKind.FLEET, most=20))) == 20


def test_a_row_of_another_version_is_told_so() -> None:
    class Old(BaseModel):
        fingerprints: str

    class New(BaseModel):
        fingerprints: list[str]

    with pytest.raises(StoreError, match="another version"):
        from_document(New, to_document(Old(fingerprints="f")))


def test_clusters_that_were_removed_are_left_out_of_the_known(database: Database) -> None:
    store = ClusterStore(database)
    stays, goes = (store.put(Cluster(name=name)) for name in ("known-stays", "known-goes"))
    store.delete(goes.id)
    assert store.known([goes.id, stays.id]) == {stays.id: stays}
