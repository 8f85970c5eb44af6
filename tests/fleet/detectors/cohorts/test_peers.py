"""Nodes, pods and GPUs of one cluster beside their like."""

from __future__ import annotations

import numpy as np
import pytest

from fleet.detectors.cohorts.cohort import Cohort, CohortKind, Cohorts, machine_of
from fleet.detectors.cohorts.figures import Figures
from fleet.detectors.cohorts.peers import peer_outliers
from fleet.frames.frame import SeriesKey
from fleet.frames.pack import SignalGroup, SubjectLabels
from fleet.inventory.inventory import Inventory, Pod
from fleet.inventory.node import Gpus, Node
from fleet.inventory.subject import SubjectKind
from tests.fleet.detectors.series import NOW, pack_of, query

ON_NODE = SubjectLabels(kind=SubjectKind.NODE, name="instance")
ON_POD = SubjectLabels(kind=SubjectKind.CONTAINER, name="pod", namespace="namespace", part="container")
ON_DEVICE = SubjectLabels(kind=SubjectKind.DEVICE, name="instance", part="device")
PACK = pack_of(
    *(query(f"load_{each}", subject=ON_NODE) for each in range(6)),
    query("memory", subject=ON_POD),
    query("disk", subject=ON_DEVICE),
    *(query(f"heat_{each}", subject=ON_DEVICE).model_copy(update={"group": SignalGroup.GPU}) for each in range(3)),
    query("age", subject=ON_NODE).model_copy(update={"alike": False}),
)


def inventory_of(nodes: list[Node], pods: list[Pod] | None = None) -> Inventory:
    return Inventory(cluster_id="c", observed_at=NOW, nodes=nodes, pods=pods or [])


def figures_of(levels: dict[SeriesKey, float]) -> Figures:
    return Figures(list(levels), np.array(list(levels.values())), np.full(len(levels), np.nan))


def near(level: float, *seed: int) -> float:
    return float(level * np.exp(0.05 * np.random.default_rng(seed).standard_normal()))


def test_a_node_among_its_like_and_only_among_them() -> None:
    """Large machines and the control plane bear other loads than the ten small workers, one of which is odd."""
    nodes = [Node(name=f"s{each}", roles=["worker"], cpu_cores=8, addresses=[f"10.0.0.{each}"]) for each in range(10)]
    nodes += [Node(name=f"l{each}", roles=["worker"], cpu_cores=64) for each in range(6)]
    nodes += [Node(name=f"m{each}", roles=["master", "control-plane"], cpu_cores=8) for each in range(3)]
    levels = {"s": 1.0, "l": 4.0, "m": 9.0}
    series = {
        SeriesKey.of(name, {"instance": f"10.0.0.{node.name[1:]}:9100" if node.name[0] == "s" else node.name}): near(
            levels[node.name[0]] * (2.5 if node.name == "s4" and name in {"load_2", "age"} else 1), number, column
        )
        for column, name in enumerate([*(f"load_{each}" for each in range(6)), "age"])
        for number, node in enumerate(nodes)
    }
    compared = peer_outliers(figures_of(series), Cohorts.of(inventory_of(nodes)), PACK, "c")
    (peer,) = compared.outliers
    assert peer.key == SeriesKey.of("load_2", {"instance": "10.0.0.4:9100"})
    assert peer.outlier.subject.name == "s4"
    assert peer.outlier.cohort == Cohort(CohortKind.NODES, "worker 8 cores")
    assert (peer.outlier.seen, peer.outlier.known, peer.outlier.sign) == (10, 10, 1)
    assert (compared.cohorts, compared.too_small) == (2, 1)
    masters = {(f"load_{column}", f"node/m{each}") for column in range(6) for each in range(3)}
    assert compared.not_alike == {("load_2", "node/s4"), *masters}


def test_pods_of_a_workload_and_of_daemons_by_their_nodes() -> None:
    nodes = [Node(name=f"n{each}", roles=["worker"], cpu_cores=8 if each < 8 else 64) for each in range(16)]
    pods = [
        Pod(namespace="shop", name=f"cart-{each}", node="n0", workload_kind="Deployment", workload="cart")
        for each in range(12)
    ]
    pods += [
        Pod(namespace="sys", name=f"agent-{each}", node=f"n{each}", workload_kind="DaemonSet", workload="agent")
        for each in range(16)
    ]

    def key(pod: Pod) -> SeriesKey:
        return SeriesKey.of("memory", {"pod": pod.name, "namespace": pod.namespace, "container": "app"})

    series = {
        key(pod): near(1e8 if pod.workload == "cart" or each < 20 else 9e8, each) for each, pod in enumerate(pods)
    }
    series[SeriesKey.of("memory", {"pod": "gone", "namespace": "shop", "container": "app"})] = 9e9
    cohorts = Cohorts.of(inventory_of(nodes, pods))
    compared = peer_outliers(figures_of(series), cohorts, PACK, "c")
    assert (compared.outliers, compared.cohorts) == ([], 3)
    series[key(pods[3])] *= 3
    (peer,) = peer_outliers(figures_of(series), cohorts, PACK, "c").outliers
    assert (peer.outlier.subject.name, peer.outlier.subject.workload) == ("cart-3", "cart")
    assert peer.outlier.cohort.name == "shop/cart app"


def test_gpus_of_a_product_and_disks_of_a_machine() -> None:
    nodes = [
        Node(name=f"g{each}", roles=["worker"], cpu_cores=96, gpus=Gpus(count=4, product="H100" if each else "L40S"))
        for each in range(5)
    ]
    heat = {
        SeriesKey.of(f"heat_{column}", {"instance": node.name, "device": str(device)}): near(60, number, device, column)
        for column in range(3)
        for number, node in enumerate(nodes)
        for device in range(4)
    }
    disks = {
        SeriesKey.of("disk", {"instance": node.name, "device": device}): near(level, number)
        for number, node in enumerate(nodes)
        for device, level in (("sda", 0.001), ("sdb", 0.1))
    }
    heat[SeriesKey.of("heat_1", {"instance": "g3", "device": "2"})] *= 1.6
    compared = peer_outliers(figures_of(heat | disks), Cohorts.of(inventory_of(nodes)), PACK, "c")
    (peer,) = compared.outliers
    assert peer.outlier.cohort == Cohort(CohortKind.GPUS, "H100")
    assert (peer.outlier.seen, peer.outlier.subject.part) == (16, "2")
    assert (compared.cohorts, compared.too_small) == (1, 5)


def test_without_an_inventory_nothing_is_known_to_be_alike() -> None:
    series = {SeriesKey.of("load_0", {"instance": f"n{each}"}): 1.0 + 9 * (each == 3) for each in range(20)}
    compared = peer_outliers(figures_of(series), Cohorts.of(None), PACK, "c")
    assert (compared.outliers, compared.cohorts, compared.too_small) == ([], 0, 0)
    assert len(compared.not_alike) == len(series)


@pytest.mark.parametrize("level", [0.0, np.nan])
def test_members_that_are_mostly_idle_or_unseen_are_not_compared(level: float) -> None:
    nodes = [Node(name=f"n{each}", roles=["worker"], cpu_cores=8) for each in range(20)]
    series = {SeriesKey.of("load_0", {"instance": f"n{each}"}): 50.0 if each < 4 else level for each in range(20)}
    compared = peer_outliers(figures_of(series), Cohorts.of(inventory_of(nodes)), PACK, "c")
    assert (compared.outliers, len(compared.not_alike)) == ([], 20)


def test_names_of_machines() -> None:
    labelled = Node(name="n", roles=["worker", "infra"], labels={"node.kubernetes.io/instance-type": "m5.2xlarge"})
    assert machine_of(labelled) == "infra+worker m5.2xlarge"
    assert machine_of(Node(name="n", roles=["master"], cpu_cores_capacity=8)) == "control-plane 8 cores"
    assert machine_of(Node(name="n", cpu_cores=96, gpus=Gpus(count=8, product="H100"))) == "worker 96 cores 8 H100"
