from collections.abc import Callable
from datetime import UTC, datetime

from fleet.inventory.change import Change, ChangeKind
from fleet.inventory.inventory import Inventory
from fleet.inventory.subject import SubjectKind
from tests.fleet.collectors.kubernetes.objects import (
    event,
    metadata,
    node,
    owner,
    pod,
    replica_set,
    workload,
)
from tests.fleet.collectors.kubernetes.server import Api

Collect = Callable[..., Inventory]


def changes_of(inventory: Inventory, kind: ChangeKind) -> list[Change]:
    return [change for change in inventory.changes if change.kind is kind]


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"2026-03-01T{text}+00:00")


def test_nodes_have_roles_addresses_and_allocatable_capacity(api: Api, collect: Collect) -> None:
    api.lists["/api/v1/nodes"] = [
        node("cp-1", "10.0.0.1", labels={"node-role.kubernetes.io/master": "", "node-role.kubernetes.io/infra": ""}),
        node("w-1", "10.0.0.2", labels={"kubernetes.io/role": "worker", "zone": "a"}),
        {"metadata": metadata("bare"), "status": {"addresses": None, "conditions": None}},
    ]
    inventory = collect()
    first, worker, bare = inventory.nodes
    assert (first.roles, first.addresses) == (["control-plane", "infra"], ["10.0.0.1", "cp-1"])
    assert (worker.cpu_cores, worker.memory_bytes) == (3.8, 15728640 * 1024)
    assert (worker.ready, worker.kubelet_version, worker.labels["zone"]) == (True, "v1.31.6", "a")
    assert (bare.ready, bare.cpu_cores, bare.roles) == (None, 0.0, [])
    assert inventory.version == "v1.31.6+abc"
    assert inventory.gaps == []
    assert inventory.observed_at.tzinfo is UTC


def test_one_object_that_is_none_does_not_lose_the_others(api: Api, collect: Collect) -> None:
    broken = node("w-2", "10.0.0.2")
    broken["status"]["allocatable"]["cpu"] = "many"
    api.lists["/api/v1/nodes"] = [node("w-1", "10.0.0.1"), broken, {"metadata": None}, node("w-3", "10.0.0.3")]
    inventory = collect()
    assert [each.name for each in inventory.nodes] == ["w-1", "w-3"]
    assert [(gap.part, gap.reason) for gap in inventory.gaps] == [("nodes", "2 of them could not be understood")]


def test_node_conditions_that_turned_are_changes(api: Api, collect: Collect) -> None:
    def condition(kind: str, status: str, when: str) -> dict[str, str]:
        return {
            "type": kind,
            "status": status,
            "reason": "Kubelet\x1b[31mSaid",
            "message": "so\nit is",
            "lastTransitionTime": f"2026-03-01T{when}Z",
        }

    api.lists["/api/v1/nodes"] = [
        node(
            "full", "10.0.0.1", [condition("DiskPressure", "True", "09:00:00"), condition("Ready", "True", "00:00:20")]
        ),
        node("gone", "10.0.0.2", [condition("Ready", "Unknown", "09:30:00")]),
        node(
            "back", "10.0.0.3", [condition("Ready", "True", "09:40:00"), condition("PIDPressure", "False", "00:00:01")]
        ),
    ]
    inventory = collect()
    assert [(change.subject.name, change.at, change.before, change.after) for change in inventory.changes] == [
        ("full", at("09:00:00"), "DiskPressure=False", "DiskPressure=True"),
        ("gone", at("09:30:00"), "Ready=True", "Ready=Unknown"),
        ("back", at("09:40:00"), "Ready=False", "Ready=True"),
    ]
    assert inventory.changes[0].summary == "Node full got DiskPressure (Kubelet [31mSaid: so it is)"
    assert [each.ready for each in inventory.nodes] == [True, False, True]


def test_pods_belong_to_the_workload_behind_their_owner(api: Api, collect: Collect) -> None:
    api.lists["/apis/apps/v1/replicasets"] = [
        replica_set("cart", "6d4b75cb6d", 1, "cart:1", "2026-03-01T08:00:00Z"),
        workload("alone", "shop", ["x:1"]),
    ]
    api.lists["/api/v1/pods"] = [
        pod("cart-6d4b75cb6d-hwmfn", "shop", on="w-1", owned_by=owner("ReplicaSet", "cart-6d4b75cb6d")),
        pod("cart-5f7d8b9c6d-zzkkp", "shop", on="w-1", owned_by=owner("ReplicaSet", "cart-5f7d8b9c6d")),
        pod("alone-x7k2p", "shop", on="w-1", owned_by=owner("ReplicaSet", "alone")),
        pod("postgres-0", "shop", on="w-2", owned_by=owner("StatefulSet", "postgres")),
        pod("backup-28473920-7xkqz", "shop", on="w-2", owned_by=owner("Job", "backup-28473920")),
        pod("etcd-cp-1", "kube-system", on="cp-1", owned_by=owner("Node", "cp-1")),
        pod("by-hand", "shop", on=None),
    ]
    inventory = collect()
    assert [(each.workload_kind, each.workload, each.node) for each in inventory.pods] == [
        ("Deployment", "cart", "w-1"),
        ("Deployment", "cart", "w-1"),  # its ReplicaSet is gone already
        ("ReplicaSet", "alone", "w-1"),
        ("StatefulSet", "postgres", "w-2"),
        ("CronJob", "backup", "w-2"),
        (None, None, "cp-1"),
        (None, None, None),
    ]


def test_containers_that_were_killed_for_memory_are_told_from_other_ends(api: Api, collect: Collect) -> None:
    def ended(reason: str, code: int, when: str) -> dict[str, object]:
        return {"terminated": {"reason": reason, "exitCode": code, "finishedAt": f"2026-03-01T{when}Z"}}

    api.lists["/api/v1/pods"] = [
        pod(
            "cart-6d4b75cb6d-hwmfn",
            "shop",
            on="w-1",
            owned_by=owner("ReplicaSet", "cart-6d4b75cb6d"),
            containerStatuses=[
                {"name": "app", "restartCount": 2, "lastState": ended("OOMKilled", 137, "09:00:00"), "state": {}},
                {"name": "proxy", "restartCount": 1, "lastState": ended("Error", 1, "09:10:00"), "state": {}},
                {"name": "fine", "restartCount": 0, "lastState": {}, "state": {"running": {}}},
            ],
        ),
        pod("done", "shop", on="w-1", containerStatuses=[{"name": "app", "state": ended("Completed", 0, "09:20:00")}]),
    ]
    inventory = collect()
    killed, ended_badly = inventory.changes
    assert (killed.kind, killed.at, killed.subject.identity) == (
        ChangeKind.OOM_KILL,
        at("09:00:00"),
        "container/shop/cart/app",
    )
    assert (ended_badly.kind, ended_badly.subject.part) == (ChangeKind.RESTART, "proxy")
    assert "exit code 1 (Error)" in ended_badly.summary
    assert [each.restarts for each in inventory.pods] == [3, 0]


def test_replica_sets_tell_rollouts_with_images(api: Api, collect: Collect) -> None:
    api.lists["/apis/apps/v1/deployments"] = [
        workload("cart", "shop", ["cart:3"], annotations={"deployment.kubernetes.io/revision": "3"}),
        workload(
            "web",
            "shop",
            ["web:1"],
            {"conditions": [{"type": "Progressing", "status": "True", "lastUpdateTime": "2026-03-01T11:00:00Z"}]},
        ),
    ]
    api.lists["/apis/apps/v1/daemonsets"] = [workload("agent", "ops", ["agent:1"], {"desiredNumberScheduled": 7})]
    api.lists["/apis/apps/v1/replicasets"] = [
        replica_set("cart", "c", 3, "cart:3", "2026-03-01T10:00:00Z"),
        replica_set("cart", "a", 1, "cart:1", "2026-03-01T08:00:00Z"),
        replica_set("cart", "b", 2, "cart:2", "2026-03-01T09:00:00Z"),
        # A rollback: the oldest ReplicaSet carries the newest revision. Revision 1 is no longer kept.
        replica_set("web", "a", 4, "web:1", "2026-03-01T07:00:00Z"),
        replica_set("web", "b", 3, "web:2", "2026-03-01T09:30:00Z"),
    ]
    inventory = collect()
    rollouts = changes_of(inventory, ChangeKind.ROLLOUT)
    assert [(each.subject.name, each.at, each.before, each.after) for each in rollouts] == [
        ("cart", at("08:00:00"), "", "cart:1"),
        ("cart", at("09:00:00"), "cart:1", "cart:2"),
        ("cart", at("10:00:00"), "cart:2", "cart:3"),
        ("web", at("11:00:00"), "web:2", "web:1"),
    ]
    assert [(each.kind, each.name, each.replicas, each.revision) for each in inventory.workloads] == [
        ("Deployment", "cart", 3, "3"),
        ("Deployment", "web", 3, ""),
        ("DaemonSet", "agent", 7, ""),
    ]


def test_a_rollback_leaves_the_bad_rollout_and_its_predecessor_in_sight(api: Api, collect: Collect) -> None:
    progressing = {"type": "Progressing", "status": "True", "lastUpdateTime": "2026-03-01T10:00:00Z"}
    api.lists["/apis/apps/v1/deployments"] = [workload("cart", "shop", ["cart:1"], {"conditions": [progressing]})]
    good = replica_set("cart", "a", 3, "cart:1", "2026-03-01T08:00:00Z")
    good["metadata"]["annotations"]["deployment.kubernetes.io/revision-history"] = "1"
    api.lists["/apis/apps/v1/replicasets"] = [good, replica_set("cart", "b", 2, "cart:2", "2026-03-01T09:00:00Z")]
    assert [(each.at, each.before, each.after) for each in collect().changes] == [
        (at("08:00:00"), "", "cart:1"),
        (at("09:00:00"), "cart:1", "cart:2"),
        (at("10:00:00"), "cart:2", "cart:1"),
    ]


def test_events_become_changes_on_what_they_are_about(api: Api, collect: Collect) -> None:
    api.lists["/apis/apps/v1/replicasets"] = [replica_set("cart", "6d4b75cb6d", 1, "cart:1", "2026-03-01T10:00:00Z")]
    part_of_rollout = "2026-03-01T10:00:02Z"
    api.lists["/api/v1/events"] = [
        event("1", "BackOff", "Pod", "cart-6d4b75cb6d-hwmfn", involved={"fieldPath": "spec.containers{app}"}, count=4),
        event(
            "2",
            "BackOff",
            "Pod",
            "cart-6d4b75cb6d-2xkqz",
            involved={"fieldPath": "spec.containers{app}"},
            firstTimestamp=None,
            lastTimestamp=None,
            eventTime="2026-03-01T09:50:00.123456Z",
            series={"count": 3, "lastObservedTime": "2026-03-01T10:20:00.000000Z"},
        ),
        event("3", "Evicted", "Pod", "gone-5f7d8b9c6d-zzkkp"),
        event("4", "OOMKilling", "Node", "w-1", involved={"namespace": ""}),
        event("5", "FailedMount", "PersistentVolumeClaim", "data-postgres-0", message="a\nb\x07" + "x" * 5000),
        event("6", "Unhealthy", "Service", "cart"),
        event("7", "ScalingReplicaSet", "Deployment", "cart", type="Normal", firstTimestamp=part_of_rollout),
        event("8", "ScalingReplicaSet", "Deployment", "web", type="Normal"),
        event("9", "Pulled", "Pod", "cart-6d4b75cb6d-hwmfn", type="Normal"),
        event("10", "NoTime", "Pod", "x", firstTimestamp=None, lastTimestamp=None),
    ]
    changes = [each for each in collect().changes if each.kind is not ChangeKind.ROLLOUT]
    by_reason = {change.after: change for change in changes}
    assert set(by_reason) == {
        "BackOff",
        "Evicted",
        "OOMKilling",
        "FailedMount",
        "Unhealthy",
        "ScalingReplicaSet",
        "NoTime",
    }
    assert len(changes) == len(by_reason)
    backoff = by_reason["BackOff"]
    assert (backoff.subject.identity, backoff.kind) == ("container/shop/cart/app", ChangeKind.EVENT)
    assert backoff.at == datetime(2026, 3, 1, 9, 50, 0, 123456, tzinfo=UTC)
    assert "7 times until 2026-03-01 10:20 UTC" in backoff.summary
    assert (by_reason["Evicted"].kind, by_reason["Evicted"].subject.workload) == (ChangeKind.EVICTION, "gone")
    assert (by_reason["OOMKilling"].kind, by_reason["OOMKilling"].subject.identity) == (ChangeKind.OOM_KILL, "node/w-1")
    assert by_reason["FailedMount"].subject.kind is SubjectKind.VOLUME
    assert len(by_reason["FailedMount"].summary) < 400
    assert by_reason["FailedMount"].summary.isprintable()
    assert by_reason["Unhealthy"].subject.identity == "component/shop/cart/Service"
    assert (by_reason["ScalingReplicaSet"].kind, by_reason["ScalingReplicaSet"].subject.name) == (
        ChangeKind.SCALED,
        "web",
    )


def test_an_event_that_goes_on_is_the_same_change(api: Api, collect: Collect) -> None:
    api.lists["/api/v1/events"] = [event("1", "BackOff", "Pod", "cart-6d4b75cb6d-hwmfn", count=4)]
    before = collect().changes
    api.lists["/api/v1/events"][0] |= {"count": 9, "lastTimestamp": "2026-03-01T10:30:00Z"}
    assert [change.id for change in collect().changes] == [change.id for change in before]


def test_requests_do_not_grow_with_the_objects(api: Api, collect: Collect) -> None:
    api.lists["/api/v1/pods"] = [pod(f"p{number}", "shop", on="w-1") for number in range(5)]
    assert len(collect().pods) == 5
    # Pages of two: three requests for pods; every other part takes one, events three.
    assert len(api.requests) == 3 + 2 + 2 + 4 + 3
