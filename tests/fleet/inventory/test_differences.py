from datetime import UTC, datetime, timedelta

import pytest

from fleet.inventory.change import Change, ChangeKind
from fleet.inventory.differences import differences
from fleet.inventory.inventory import Capability, Gap, Inventory, Presence, Workload
from fleet.inventory.node import Node
from fleet.inventory.subject import Subject, SubjectKind

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
LATER = NOON + timedelta(hours=1)


def inventory(at: datetime = NOON, **parts: object) -> Inventory:
    return Inventory.model_validate({"cluster_id": "c1", "observed_at": at, **parts})


def cart(image: str) -> Workload:
    return Workload(namespace="shop", kind="Deployment", name="cart", images=[image])


def capability(name: str, presence: Presence) -> Capability:
    return Capability(name=name, presence=presence)


def test_what_changed_comes_in_a_stable_order_with_the_later_time() -> None:
    before = inventory(
        version="v1.31.4",
        nodes=[Node(name="w3"), Node(name="w1", kubelet_version="v1.31.4")],
        capabilities=[capability("ptp", Presence.PRESENT), capability("loki", Presence.ABSENT)],
        workloads=[cart("cart:1.4")],
    )
    after = inventory(
        LATER,
        version="v1.32.0",
        nodes=[Node(name="w2"), Node(name="w1", kubelet_version="v1.32.0")],
        capabilities=[capability("ptp", Presence.ABSENT), capability("loki", Presence.PRESENT)],
        workloads=[cart("cart:1.5")],
    )
    changes = differences(before, after)
    assert [(change.kind, change.subject.identity, change.before, change.after) for change in changes] == [
        (ChangeKind.VERSION, "cluster", "v1.31.4", "v1.32.0"),
        (ChangeKind.NODE_JOINED, "node/w2", "", "w2"),
        (ChangeKind.NODE_LEFT, "node/w3", "w3", ""),
        (ChangeKind.VERSION, "node/w1", "v1.31.4", "v1.32.0"),
        (ChangeKind.CAPABILITY, "component/loki", "absent", "present"),
        (ChangeKind.CAPABILITY, "component/ptp", "present", "absent"),
        (ChangeKind.ROLLOUT, "workload/shop/cart", "cart:1.4", "cart:1.5"),
    ]
    assert {change.at for change in changes} == {LATER}
    assert differences(before, before) == []


def test_what_could_not_be_seen_is_no_difference() -> None:
    nodes = [Node(name="w1"), Node(name="w2")]
    whole = inventory(version="v1.31.4", nodes=nodes, capabilities=[capability("ptp", Presence.PRESENT)])
    blind = inventory(
        LATER,
        nodes=nodes[:1],
        gaps=[Gap(part="nodes", reason="missing right")],
        capabilities=[capability("ptp", Presence.UNKNOWN)],
    )
    assert differences(whole, blind) == []
    assert differences(blind, whole) == []


def test_a_node_that_is_seen_beside_a_gap_has_joined() -> None:
    before = inventory(nodes=[Node(name="w1")])
    after = inventory(LATER, nodes=[Node(name="w2")], gaps=[Gap(part="nodes", reason="no answer in time")])
    assert [change.kind for change in differences(before, after)] == [ChangeKind.NODE_JOINED]


def test_a_rollout_that_the_cluster_dated_itself_is_not_told_twice() -> None:
    rollout = Change(
        cluster_id="c1",
        kind=ChangeKind.ROLLOUT,
        subject=Subject(cluster_id="c1", kind=SubjectKind.WORKLOAD, name="cart", namespace="shop"),
        at=NOON + timedelta(minutes=20),
        summary="",
    )
    before = inventory(workloads=[cart("cart:1.4")])
    assert differences(before, inventory(LATER, workloads=[cart("cart:1.5")], changes=[rollout])) == []
    # One that was known before does not explain a new image.
    before.changes.append(rollout)
    assert len(differences(before, inventory(LATER, workloads=[cart("cart:1.5")], changes=[rollout]))) == 1


def test_two_clusters_are_not_compared() -> None:
    with pytest.raises(ValueError, match="two clusters"):
        differences(inventory(), Inventory(cluster_id="c2", observed_at=LATER))
