"""Signals about nodes: node exporter, kubelet and what kube-state-metrics says of nodes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from simulator.layout import Node, file_system
from simulator.randomness import uniforms
from simulator.signals.row import Catalogue, Row
from simulator.timeline import Timeline

NODES = Catalogue()


@dataclass(frozen=True)
class _Recipe:
    """A signal with one series a node (or a node's device): level between low and high, and its unrest."""

    query: str
    low: float
    high: float
    daily: float
    noise: float
    wander: float
    ratio: bool = False
    decimals: int = 6


_PER_NODE = (
    _Recipe("node_cpu_util", 0.18, 0.42, 0.30, 0.03, 0.06, ratio=True),
    _Recipe("node_cpu_iowait_steal", 0.002, 0.01, 0.25, 0.15, 0.15, ratio=True),
    _Recipe("node_load_per_core", 0.2, 0.5, 0.30, 0.08, 0.08),
    _Recipe("node_mem_util", 0.35, 0.62, 0.03, 0.002, 0.012, ratio=True),
    _Recipe("node_major_faults", 0.5, 4.0, 0.20, 0.25, 0.25, decimals=4),
    _Recipe("node_rx_bytes", 4e6, 3e7, 0.45, 0.05, 0.08, decimals=1),
    _Recipe("node_tx_bytes", 4e6, 3e7, 0.45, 0.05, 0.08, decimals=1),
    _Recipe("tcp_retrans_ratio", 0.0004, 0.002, 0.15, 0.12, 0.15, ratio=True, decimals=7),
    _Recipe("conntrack_ratio", 0.02, 0.08, 0.30, 0.02, 0.05, ratio=True),
    _Recipe("node_clock_offset", 2e-5, 1e-4, 0.0, 0.35, 0.25, decimals=9),
    _Recipe("node_mem_pressure", 0.0005, 0.003, 0.15, 0.2, 0.2, ratio=True),
    _Recipe("node_io_pressure", 0.005, 0.02, 0.25, 0.12, 0.15, ratio=True),
)
_PER_DISK = (
    _Recipe("disk_busy", 0.03, 0.12, 0.30, 0.08, 0.10, ratio=True),
    _Recipe("disk_latency", 0.0008, 0.004, 0.15, 0.10, 0.10, decimals=7),
)
_PER_FILE_SYSTEM = (
    _Recipe("fs_used_ratio", 0.35, 0.6, 0.0, 0.0004, 0.004, ratio=True),
    _Recipe("fs_inodes_used_ratio", 0.04, 0.15, 0.0, 0.0003, 0.003, ratio=True),
)


def _exporter(timeline: Timeline, node: Node) -> str:
    return f"node-exporter/{timeline.layout.instance(node)}"


def _drawn(timeline: Timeline, recipe: _Recipe, labels: dict[str, str], target: str) -> Row:
    layout = timeline.layout
    share = uniforms(layout.seed, layout.cluster, recipe.query, *labels.values())[0]
    level = recipe.low * (recipe.high / recipe.low) ** share
    return Row(labels, level, recipe.daily, recipe.noise, recipe.wander, target=target)


def _register_exporter_signals() -> None:
    def register(recipe: _Recipe, parts: str) -> None:
        def rows(timeline: Timeline) -> Iterator[Row]:
            for node in timeline.layout.nodes:
                instance = {"instance": timeline.layout.instance(node)}
                target = _exporter(timeline, node)
                if parts == "node":
                    yield _drawn(timeline, recipe, instance, target)
                for device in node.devices if parts != "node" else ():
                    name = file_system(node, device) if parts == "fs" else device
                    yield _drawn(timeline, recipe, {"device": name, **instance}, target)

        NODES.signal(recipe.query, recipe.decimals, high=1.0 if recipe.ratio else float("inf"))(rows)

    for recipe in _PER_NODE:
        register(recipe, "node")
    for recipe in _PER_DISK:
        register(recipe, "disk")
    for recipe in _PER_FILE_SYSTEM:
        register(recipe, "fs")


_register_exporter_signals()

EXPORTER_QUERIES = (
    *(recipe.query for recipe in (*_PER_NODE, *_PER_DISK, *_PER_FILE_SYSTEM)),
    "node_oom_kills",
    "node_net_errs",
    "node_net_drops",
    "node_uptime",
    "node_fs_readonly",
    "tcp_listen_overflows",
    "bond_links_missing",
)
"""The queries whose series vanish with a node's exporter."""


@NODES.ratio("cluster_cpu_util")
def _cluster_cpu_util(timeline: Timeline) -> Iterator[Row]:
    yield Row({}, 0.3, daily=0.30, noise=0.015, wander=0.03)


@NODES.signal("node_oom_kills", decimals=4)
def _node_oom_kills(timeline: Timeline) -> Iterator[Row]:
    for node in timeline.layout.nodes:
        yield Row({"instance": timeline.layout.instance(node)}, 0.0, target=_exporter(timeline, node))


@NODES.signal("node_net_errs", decimals=4)
def _node_net_errs(timeline: Timeline) -> Iterator[Row]:
    for node in timeline.layout.nodes:
        labels = {"device": "ens3", "instance": timeline.layout.instance(node)}
        yield Row(labels, 0.0, target=_exporter(timeline, node))


@NODES.signal("node_net_drops", decimals=4)
def _node_net_drops(timeline: Timeline) -> Iterator[Row]:
    for node in timeline.layout.nodes:
        labels = {"device": "ens3", "instance": timeline.layout.instance(node)}
        yield Row(labels, 0.4, daily=0.3, noise=0.3, wander=0.2, target=_exporter(timeline, node))


@NODES.signal("node_uptime", decimals=0)
def _node_uptime(timeline: Timeline) -> Iterator[Row]:
    for node in timeline.layout.nodes:
        yield Row({"instance": timeline.layout.instance(node)}, 86400.0, target=_exporter(timeline, node))


@NODES.state("node_fs_readonly")
def _node_fs_readonly(timeline: Timeline) -> Iterator[Row]:
    for node in timeline.layout.nodes:
        for device in node.devices:
            labels = {"device": file_system(node, device), "instance": timeline.layout.instance(node)}
            yield Row(labels, 0.0, target=_exporter(timeline, node))


@NODES.signal("tcp_listen_overflows", decimals=4)
def _tcp_listen_overflows(timeline: Timeline) -> Iterator[Row]:
    for node in timeline.layout.nodes:
        yield Row({"instance": timeline.layout.instance(node)}, 0.0, target=_exporter(timeline, node))


@NODES.signal("bond_links_missing", decimals=0)
def _bond_links_missing(timeline: Timeline) -> Iterator[Row]:
    for node in timeline.layout.nodes if timeline.layout.profile.ptp else ():
        labels = {"instance": timeline.layout.instance(node), "master": "bond0"}
        yield Row(labels, 0.0, target=_exporter(timeline, node))


@NODES.state("node_ready")
def _node_ready(timeline: Timeline) -> Iterator[Row]:
    for node in timeline.layout.nodes:
        yield Row({"node": node.name}, 1.0)


@NODES.state("node_pressure")
def _node_pressure(timeline: Timeline) -> Iterator[Row]:
    for node in timeline.layout.nodes:
        for condition in ("DiskPressure", "MemoryPressure", "PIDPressure"):
            yield Row({"condition": condition, "node": node.name}, 0.0)


@NODES.signal("cordoned_nodes", decimals=0)
def _cordoned_nodes(timeline: Timeline) -> Iterator[Row]:
    yield Row({}, 0.0)


@NODES.ratio("node_pod_fill")
def _node_pod_fill(timeline: Timeline) -> Iterator[Row]:
    for node in timeline.layout.nodes:
        pods = sum(1 for pod in timeline.pods if pod.node == node.name and pod.alive(timeline.anchor))
        yield Row({"node": node.name}, (pods + 12) / 250, target=f"kubelet/{node.name}")


def _kubelets(timeline: Timeline, level: float, *, noise: float = 0.0, wander: float = 0.0) -> Iterator[Row]:
    for node in timeline.layout.nodes:
        instance = timeline.layout.instance(node, 10250)
        yield Row({"instance": instance}, level, noise=noise, wander=wander, target=f"kubelet/{node.name}")


@NODES.signal("kubelet_pleg_p99", decimals=6)
def _kubelet_pleg_p99(timeline: Timeline) -> Iterator[Row]:
    return _kubelets(timeline, 0.0099, noise=0.03, wander=0.03)


@NODES.signal("kubelet_pod_worker_p99", decimals=5)
def _kubelet_pod_worker_p99(timeline: Timeline) -> Iterator[Row]:
    return _kubelets(timeline, 0.35, noise=0.2, wander=0.2)


@NODES.signal("kubelet_cert_left", decimals=0)
def _kubelet_cert_left(timeline: Timeline) -> Iterator[Row]:
    return _kubelets(timeline, 172800.0)


@NODES.signal("kubelet_runtime_errors", decimals=5)
def _kubelet_runtime_errors(timeline: Timeline) -> Iterator[Row]:
    return _kubelets(timeline, 0.01, noise=0.25, wander=0.2)


@NODES.signal("ovn_cni_errors", decimals=4)
def _ovn_cni_errors(timeline: Timeline) -> Iterator[Row]:
    for node in timeline.layout.nodes if timeline.layout.profile.openshift else ():
        yield Row({"instance": timeline.layout.instance(node, 9103)}, 0.0, target=f"ovnkube/{node.name}")


@NODES.ratio("sriov_used_ratio")
def _sriov_used_ratio(timeline: Timeline) -> Iterator[Row]:
    for node in timeline.layout.nodes if timeline.layout.profile.ptp else ():
        if not node.control_plane:
            yield Row({"node": node.name, "resource": "openshift_io_midhaul"}, 0.5)


@NODES.ratio("targets_up_ratio")
def _targets_up_ratio(timeline: Timeline) -> Iterator[Row]:
    jobs = ["apiserver", "coredns", "haproxy-router", "kube-state-metrics", "kubelet", "node-exporter"]
    if timeline.layout.profile.control_plane_metrics:
        jobs += ["etcd", "kube-scheduler"]
    for job in sorted(jobs):
        yield Row({"job": job}, 1.0)
