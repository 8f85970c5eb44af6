"""A cluster of 5,000 series in which three faults spread over many of them."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import numpy.typing as npt
from scipy.signal import lfilter

from fleet.frames.frame import Frame, SeriesKey
from fleet.inventory.inventory import Inventory, Pod, Workload
from fleet.inventory.node import Node
from fleet.inventory.topology import Topology
from tests.fleet.findings.scenes import CLUSTER, NOW

NODES, WORKLOADS, PODS, NAMESPACES = 100, 104, 10, 40
DAYS, SLOTS, FINER = 15, 288, 10
FROM, TO = 3 * SLOTS // 4, SLOTS
"""When the faults are there, in slots of the last day: its last quarter."""

Values = npt.NDArray[np.float32]

_NODE = {
    "node_cpu_util": 0.4,
    "node_cpu_iowait_steal": 0.02,
    "node_load_per_core": 0.5,
    "node_mem_util": 0.5,
    "node_mem_pressure": 0.01,
    "node_rx_bytes": 4e6,
    "node_tx_bytes": 3e6,
    "tcp_retrans_ratio": 0.002,
}
_DEVICE = {"fs_used_ratio": 0.4, "disk_busy": 0.2, "disk_latency": 0.004}
_CONTAINER = {"container_cpu_cores": 0.3, "container_mem_bytes": 3e8, "container_mem_vs_limit": 0.5}
_ROUTE = {"ingress_5xx_ratio": 0.001, "route_latency_seconds": 0.1, "route_requests": 40, "route_error_burn_1h": 0.1}
_NAMESPACE = {"ns_cpu_cores": 6, "ns_mem_bytes": 8e9}


def pod(workload: int, number: int) -> tuple[str, str, str]:
    """Namespace, name and node of a pod."""
    namespace, node = f"team-{workload % NAMESPACES}", f"worker-{(workload + 7 * number) % NODES}"
    letters = "bcdfghjklm"
    return namespace, f"app-{workload}-6f7d8b9c4d-{letters[number]}x2x1", node


def topology() -> Topology:
    """What stands on what in it."""
    pods = [(workload, *pod(workload, number)) for workload in range(WORKLOADS) for number in range(PODS)]
    return Topology.of(
        Inventory(
            cluster_id=CLUSTER,
            observed_at=NOW,
            nodes=[Node(name=f"worker-{number}", addresses=[]) for number in range(NODES)],
            workloads=[
                Workload(namespace=f"team-{number % NAMESPACES}", kind="Deployment", name=f"app-{number}")
                for number in range(WORKLOADS)
            ],
            pods=[
                Pod(namespace=namespace, name=name, node=node, workload_kind="Deployment", workload=f"app-{workload}")
                for workload, namespace, name, node in pods
            ],
        )
    )


def keys() -> dict[SeriesKey, float]:
    """The series and their usual levels."""
    levels: dict[SeriesKey, float] = {}
    for node in (f"worker-{number}" for number in range(NODES)):
        levels |= {SeriesKey.of(query, {"instance": node}): level for query, level in _NODE.items()}
        for device in ("vda", "vdb"):
            labels = {"instance": node, "device": device}
            levels |= {SeriesKey.of(query, labels): level for query, level in _DEVICE.items()}
    for workload in range(WORKLOADS):
        for namespace, name, _ in (pod(workload, number) for number in range(PODS)):
            labels = {"namespace": namespace, "pod": name, "container": "app"}
            levels |= {SeriesKey.of(query, labels): level for query, level in _CONTAINER.items()}
    for route in range(100):
        labels = {"route": f"app-{route}", "exported_namespace": f"team-{route % NAMESPACES}"}
        levels |= {SeriesKey.of(query, labels): level for query, level in _ROUTE.items()}
    for number in range(NAMESPACES):
        levels |= {SeriesKey.of(query, {"namespace": f"team-{number}"}): level for query, level in _NAMESPACE.items()}
    return levels


def frames(seed: int) -> tuple[Frame, Frame]:
    """The judged day at 30 s with its faults, and the fortnight before at 5 minutes."""
    rng = np.random.default_rng(seed)
    levels = keys()
    rows = {key: row for row, key in enumerate(levels)}
    shocks = rng.standard_normal((len(rows), DAYS * SLOTS), np.float32)
    noise = lfilter(np.float32([np.sqrt(1 - 0.9**2)]), np.float32([1, -0.9]), shocks, axis=1)
    season = np.sin(np.arange(DAYS * SLOTS, dtype=np.float32) / SLOTS * 2 * np.pi)
    values = np.float32(list(levels.values()))[:, None] * (1 + np.float32(0.1) * season + np.float32(0.04) * noise)
    for key, factors in _faults().items():
        values[rows[key], -SLOTS + FROM : -SLOTS + TO or None] *= factors
    past, today = np.split(values, [(DAYS - 1) * SLOTS], axis=1)
    begin = NOW - timedelta(days=DAYS - 1)
    return Frame(NOW, 30, list(rows), np.repeat(today, FINER, axis=1)), Frame(begin, 300, list(rows), past)


def _faults() -> dict[SeriesKey, Values]:
    """What the faults multiply their series with: a bad rollout, a noisy neighbour, a disk that fills up."""
    steady, ramp = np.ones(TO - FROM), np.linspace(1, 2.4, TO - FROM)
    effects: dict[SeriesKey, Values] = {}

    def hit(labels: dict[str, str], factors: Values, **queries: float) -> None:
        effects.update({SeriesKey.of(query, labels): 1 + by * (factors - 1) for query, by in queries.items()})

    route = {"route": "app-7", "exported_namespace": "team-7"}
    hit(route, 2 * steady, ingress_5xx_ratio=300, route_error_burn_1h=300)
    hit(route, 2 * steady, route_latency_seconds=12, route_requests=-0.3)
    for number in range(PODS):
        namespace, name, _ = pod(7, number)
        hit({"namespace": namespace, "pod": name, "container": "app"}, 2 * steady, container_cpu_cores=1.5)
    hit({"instance": "worker-31"}, 2 * steady, node_cpu_util=1.3, node_load_per_core=5)
    for workload, number in [(w, n) for w in range(WORKLOADS) for n in range(PODS) if pod(w, n)[2] == "worker-31"]:
        namespace, name, _ = pod(workload, number)
        hit({"namespace": namespace, "pod": name, "container": "app"}, 2 * steady, container_cpu_cores=-0.6)
    namespace, name, _ = pod(31, 0)
    hit({"namespace": namespace, "pod": name, "container": "app"}, 2 * steady, container_cpu_cores=15)
    hit({"namespace": "team-31"}, 2 * steady, ns_cpu_cores=0.75)
    disk = {"instance": "worker-62", "device": "vdb"}
    hit(disk, ramp, fs_used_ratio=1, disk_busy=2, disk_latency=8)
    hit({"instance": "worker-62"}, ramp, node_cpu_iowait_steal=6)
    return {key: np.asarray(factors, dtype=np.float32) for key, factors in effects.items()}
