from datetime import UTC, datetime

import pytest

from fleet.inventory.inventory import Inventory, Pod, Workload
from fleet.inventory.node import Node
from fleet.inventory.subject import Subject, SubjectKind
from fleet.inventory.topology import Topology

CLUSTER = "c1"


def subject(
    kind: SubjectKind, name: str, namespace: str | None = None, *, part: str | None = None, cluster_id: str = CLUSTER
) -> Subject:
    return Subject(cluster_id=cluster_id, kind=kind, name=name, namespace=namespace, part=part)


def pod(name: str, namespace: str = "shop", **rest: str | None) -> Subject:
    return subject(SubjectKind.POD, name, namespace, **rest)


@pytest.fixture
def topology() -> Topology:
    return Topology.of(
        Inventory(
            cluster_id=CLUSTER,
            observed_at=datetime(2026, 3, 1, tzinfo=UTC),
            nodes=[
                Node(name="worker-1", addresses=["10.0.0.7", "worker-1.example.test"]),
                Node(name="worker-2.example.test", addresses=["10.0.0.8", "FD00::8"]),
                Node(name="worker-3"),
            ],
            workloads=[
                Workload(namespace="shop", kind="Deployment", name="cart"),
                Workload(namespace="shop", kind="StatefulSet", name="postgres"),
                Workload(namespace="monitoring", kind="DaemonSet", name="node-exporter"),
            ],
            pods=[
                _pod("shop", "cart-6d4b75cb6d-hwmfn", "worker-1", "cart"),
                _pod("shop", "cart-6d4b75cb6d-2xkqz", "worker-2.example.test", "cart"),
                _pod("shop", "postgres-0", "worker-1", "postgres"),
                _pod("batch", "cruncher-5f7d8b9c6d-zzkkp", "worker-1", "cruncher"),
                _pod("shop", "tool-7f89b7c5d4-2xkqz", "worker-2.example.test", None),
                _pod("monitoring", "node-exporter-x7k2p", "worker-1", "node-exporter"),
                _pod("monitoring", "node-exporter-b7k2p", "worker-2.example.test", "node-exporter"),
                _pod("shop", "waiting-0", None, "waiting"),
            ],
        )
    )


def _pod(namespace: str, name: str, node: str | None, workload: str | None) -> Pod:
    return Pod(namespace=namespace, name=name, node=node, workload=workload)


def test_a_pod_gets_the_owner_that_the_inventory_names(topology: Topology) -> None:
    assert topology.resolve(pod("cart-6d4b75cb6d-hwmfn")).workload == "cart"
    # Made by hand, though its name looks like a Deployment's: the inventory is believed.
    assert topology.resolve(pod("tool-7f89b7c5d4-2xkqz")).workload is None


def test_a_pod_that_is_gone_keeps_the_identity_of_its_workload(topology: Topology) -> None:
    gone = topology.resolve(pod("cart-8c9d7b5f4-qqq22"))
    assert gone.workload == "cart"
    container = subject(SubjectKind.CONTAINER, "cart-8c9d7b5f4-qqq22", "shop", part="app")
    assert topology.resolve(container).identity == "container/shop/cart/app"
    assert topology.node_of(gone) is None


@pytest.mark.parametrize(
    ("instance", "node"),
    [
        ("10.0.0.7:9100", "worker-1"),
        ("10.0.0.7", "worker-1"),
        ("worker-1:9100", "worker-1"),
        ("WORKER-1.example.test:10250", "worker-1"),
        ("worker-2:9100", "worker-2.example.test"),
        ("[fd00::8]:9100", "worker-2.example.test"),
        ("fd00::8", "worker-2.example.test"),
        ("worker-3", "worker-3"),
        ("10.9.9.9:9100", "10.9.9.9:9100"),
        ("", ""),
    ],
)
def test_scrape_addresses_become_node_names(topology: Topology, instance: str, node: str) -> None:
    assert topology.resolve(subject(SubjectKind.NODE, instance)).name == node
    assert topology.resolve(subject(SubjectKind.DEVICE, instance, part="sda")).name == node


def test_a_short_name_shared_by_two_nodes_names_neither() -> None:
    nodes = [Node(name="w1.east.test"), Node(name="w1.west.test")]
    topology = Topology.of(Inventory(cluster_id=CLUSTER, observed_at=datetime.now(UTC), nodes=nodes))
    assert topology.resolve(subject(SubjectKind.NODE, "w1:9100")).name == "w1:9100"
    assert topology.resolve(subject(SubjectKind.NODE, "w1.west.test:9100")).name == "w1.west.test"


def test_where_things_stand(topology: Topology) -> None:
    assert topology.node_of(pod("postgres-0")) == "worker-1"
    assert topology.node_of(subject(SubjectKind.DEVICE, "10.0.0.8:9100", part="/var")) == "worker-2.example.test"
    assert topology.node_of(subject(SubjectKind.COMPONENT, "etcd", part="10.0.0.7:9979")) == "worker-1"
    assert topology.node_of(subject(SubjectKind.WORKLOAD, "cart", "shop")) is None
    assert topology.nodes_of(subject(SubjectKind.ROUTE, "cart", "shop")) == {"worker-1", "worker-2.example.test"}
    assert topology.node_of(pod("waiting-0")) is None
    assert topology.node_of(subject(SubjectKind.NODE, "")) is None


CART = subject(SubjectKind.WORKLOAD, "cart", "shop")
CART_1 = pod("cart-6d4b75cb6d-hwmfn")
CART_2 = pod("cart-6d4b75cb6d-2xkqz")
CRUNCHER = pod("cruncher-5f7d8b9c6d-zzkkp", "batch")
NODE_1 = subject(SubjectKind.NODE, "10.0.0.7:9100")
DISK_1 = subject(SubjectKind.DEVICE, "worker-1", part="sda")


@pytest.mark.parametrize(
    ("a", "b", "distance"),
    [
        (CART_1, CART_1, 0),
        (NODE_1, subject(SubjectKind.NODE, "worker-1"), 0),
        (CART_1, CART_2, 1),
        (CART_1, CART, 1),
        (CART_1, subject(SubjectKind.CONTAINER, CART_1.name, "shop", part="app"), 1),
        (pod("tool-7f89b7c5d4-2xkqz"), subject(SubjectKind.CONTAINER, "tool-7f89b7c5d4-2xkqz", "shop", part="a"), 1),
        (subject(SubjectKind.ROUTE, "cart", "shop"), CART, 1),
        (subject(SubjectKind.ROUTE, "cart", "shop"), pod("cart-8c9d7b5f4-qqq22"), 1),
        (subject(SubjectKind.VOLUME, "data-postgres-0", "shop"), pod("postgres-0"), 1),
        (CART_1, NODE_1, 1),
        (CART, NODE_1, 1),
        (DISK_1, NODE_1, 1),
        (subject(SubjectKind.COMPONENT, "node-exporter"), NODE_1, 1),
        (CART_1, CRUNCHER, 2),
        (subject(SubjectKind.ROUTE, "cart", "shop"), CRUNCHER, 2),
        (DISK_1, subject(SubjectKind.DEVICE, "worker-1", part="eth0"), 2),
        (DISK_1, CART_1, 2),
        (CART_2, pod("postgres-0"), 3),
        (CART_2, subject(SubjectKind.NAMESPACE, "shop"), 3),
        (CART_2, CRUNCHER, None),
        (NODE_1, subject(SubjectKind.NODE, "worker-3"), None),
        (NODE_1, CART_2, None),
        (subject(SubjectKind.CLUSTER, ""), NODE_1, None),
        (subject(SubjectKind.COMPONENT, "apiserver"), NODE_1, None),
        (CART, subject(SubjectKind.WORKLOAD, "cart", "shop", cluster_id="c2"), None),
    ],
)
def test_distance_is_the_same_in_both_directions(topology: Topology, a: Subject, b: Subject, distance: int) -> None:
    assert topology.distance(a, b) == distance
    assert topology.distance(b, a) == distance


def test_members_of_a_node_are_its_pods_with_their_workloads(topology: Topology) -> None:
    expected = [("batch", "cruncher"), ("monitoring", "node-exporter"), ("shop", "cart"), ("shop", "postgres")]
    assert [(member.namespace, member.workload) for member in topology.members("10.0.0.7:9100")] == expected
    assert topology.members("worker-3") == ()


def test_without_an_inventory_names_alone_answer() -> None:
    topology = Topology.of(None)
    assert topology.resolve(CART_1).workload == "cart"
    assert topology.resolve(NODE_1) == NODE_1
    assert topology.distance(CART_1, CART_2) == 1
    assert topology.distance(CART_1, subject(SubjectKind.ROUTE, "cart", "shop")) == 1
    assert topology.distance(DISK_1, subject(SubjectKind.NODE, "worker-1")) == 1
    assert topology.distance(CART_1, CRUNCHER) is None
    assert topology.distance(CART_1, pod("postgres-0")) == 3
    assert topology.members("worker-1") == ()
