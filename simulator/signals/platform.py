"""Signals about the control plane, the cluster's operators and alerts, and its GPUs and PTP clocks."""

from __future__ import annotations

from collections.abc import Iterator

from simulator.effects import ALERTS, alert_spans
from simulator.layout import Node
from simulator.randomness import uid_of, uniforms
from simulator.signals.row import Catalogue, Row
from simulator.timeline import Timeline

PLATFORM = Catalogue()
_OPERATORS = ("authentication", "console", "dns", "etcd", "ingress", "monitoring", "network", "storage")
_GPUS_PER_NODE = 2


@PLATFORM.signal("dns_p99")
def _dns_p99(timeline: Timeline) -> Iterator[Row]:
    yield Row({"component": "dns"}, 0.012, daily=0.1, noise=0.1, wander=0.1)


@PLATFORM.signal("apiserver_p99")
def _apiserver_p99(timeline: Timeline) -> Iterator[Row]:
    for verb, level in (("GET", 0.03), ("LIST", 0.12), ("PATCH", 0.06), ("POST", 0.05), ("PUT", 0.05)):
        yield Row({"component": "apiserver", "verb": verb}, level, daily=0.08, noise=0.08, wander=0.1)


@PLATFORM.ratio("apiserver_5xx_ratio")
def _apiserver_5xx_ratio(timeline: Timeline) -> Iterator[Row]:
    yield Row({"component": "apiserver"}, 0.0002, noise=0.3, wander=0.3)


@PLATFORM.signal("apf_rejected", decimals=4)
def _apf_rejected(timeline: Timeline) -> Iterator[Row]:
    for level in ("global-default", "workload-low"):
        yield Row({"priority_level": level}, 0.0)


def _etcd(timeline: Timeline) -> Iterator[dict[str, str]]:
    if timeline.layout.profile.control_plane_metrics:
        port = 9979 if timeline.layout.profile.openshift else 2381
        for node in timeline.layout.nodes:
            if node.control_plane:
                yield {"component": "etcd", "instance": f"{node.address}:{port}"}


@PLATFORM.signal("etcd_fsync_p99")
def _etcd_fsync_p99(timeline: Timeline) -> Iterator[Row]:
    for labels in _etcd(timeline):
        yield Row(labels, 0.0035, daily=0.05, noise=0.08, wander=0.08)


@PLATFORM.signal("etcd_commit_p99")
def _etcd_commit_p99(timeline: Timeline) -> Iterator[Row]:
    for labels in _etcd(timeline):
        yield Row(labels, 0.007, daily=0.05, noise=0.08, wander=0.08)


@PLATFORM.ratio("etcd_db_quota_ratio")
def _etcd_db_quota_ratio(timeline: Timeline) -> Iterator[Row]:
    for labels in _etcd(timeline):
        yield Row(labels, 0.021, wander=0.01)


def _with_control_plane(timeline: Timeline, *rows: Row) -> Iterator[Row]:
    if timeline.layout.profile.control_plane_metrics:
        yield from rows


@PLATFORM.state("etcd_has_leader")
def _etcd_has_leader(timeline: Timeline) -> Iterator[Row]:
    return _with_control_plane(timeline, Row({"job": "etcd"}, 1.0))


@PLATFORM.signal("etcd_leader_changes", decimals=4)
def _etcd_leader_changes(timeline: Timeline) -> Iterator[Row]:
    return _with_control_plane(timeline, Row({"job": "etcd"}, 0.0))


@PLATFORM.signal("scheduler_p99")
def _scheduler_p99(timeline: Timeline) -> Iterator[Row]:
    return _with_control_plane(timeline, Row({"component": "scheduler"}, 0.02, noise=0.15, wander=0.1))


@PLATFORM.signal("pending_pods", decimals=0)
def _pending_pods(timeline: Timeline) -> Iterator[Row]:
    queues = ("active", "backoff", "gated", "unschedulable")
    rows = (Row({"component": "scheduler", "queue": queue}, 0.0) for queue in queues)
    return _with_control_plane(timeline, *rows)


def _operators(timeline: Timeline, level: float) -> Iterator[Row]:
    if timeline.layout.profile.openshift:
        for name in _OPERATORS:
            yield Row({"name": name}, level)


@PLATFORM.state("operator_up")
def _operator_up(timeline: Timeline) -> Iterator[Row]:
    return _operators(timeline, 1.0)


@PLATFORM.state("operator_degraded")
def _operator_degraded(timeline: Timeline) -> Iterator[Row]:
    return _operators(timeline, 0.0)


@PLATFORM.signal("firing_alerts", decimals=0)
def _firing_alerts(timeline: Timeline) -> Iterator[Row]:
    for alert in ALERTS:
        for namespace, begin, end in alert_spans(timeline, alert):
            labels = {"alertname": alert.name, "namespace": namespace, "severity": alert.severity}
            yield Row(labels, 1.0, born=begin, died=end)


def _workers(timeline: Timeline) -> Iterator[Node]:
    return (node for node in timeline.layout.nodes if not node.control_plane)


def _gpus(timeline: Timeline, level: float, *unrest: float) -> Iterator[Row]:
    if not timeline.layout.profile.gpus:
        return
    daily, noise, wander = unrest
    layout = timeline.layout
    for node in list(_workers(timeline))[:2]:
        for gpu in map(str, range(_GPUS_PER_NODE)):
            share = uniforms(layout.seed, layout.cluster, "gpu", level, node.name, gpu)[0]
            labels = {"Hostname": node.name, "UUID": f"GPU-{uid_of(layout.cluster, node.name, gpu)}", "gpu": gpu}
            yield Row(labels, level * (0.85 + 0.3 * share), daily, noise, wander, target=f"dcgm/{node.name}")


@PLATFORM.ratio("gpu_util")
def _gpu_util(timeline: Timeline) -> Iterator[Row]:
    for row in _gpus(timeline, 0.45, 0.35, 0.15, 0.15):
        yield Row({**row.labels, "modelName": "NVIDIA L4"}, row.level, row.daily, row.noise, row.wander)


@PLATFORM.ratio("gpu_fb_ratio")
def _gpu_fb_ratio(timeline: Timeline) -> Iterator[Row]:
    return _gpus(timeline, 0.6, 0.05, 0.01, 0.03)


@PLATFORM.signal("gpu_temp", decimals=0)
def _gpu_temp(timeline: Timeline) -> Iterator[Row]:
    return _gpus(timeline, 56, 0.08, 0.015, 0.02)


def _clocks(timeline: Timeline, level: float, *unrest: float) -> Iterator[Row]:
    if timeline.layout.profile.ptp:
        daily, noise, wander = unrest
        for node in list(_workers(timeline))[:2]:
            for process, iface in (("phc2sys", "CLOCK_REALTIME"), ("ptp4l", "ens1fx")):
                labels = {"iface": iface, "node": node.name, "process": process}
                yield Row(labels, level, daily, noise, wander, target=f"ptp/{node.name}")


@PLATFORM.signal("ptp_offset", decimals=11)
def _ptp_offset(timeline: Timeline) -> Iterator[Row]:
    return _clocks(timeline, 6e-9, 0.0, 0.45, 0.15)


@PLATFORM.state("ptp_locked")
def _ptp_locked(timeline: Timeline) -> Iterator[Row]:
    return _clocks(timeline, 1.0, 0.0, 0.0, 0.0)


@PLATFORM.state("ptp_process_up")
def _ptp_process_up(timeline: Timeline) -> Iterator[Row]:
    for row in _clocks(timeline, 1.0, 0.0, 0.0, 0.0):
        process = row.labels["process"]
        config = f"{process}.0.config" if process == "ptp4l" else "phc2sys.0.config"
        yield Row({"config": config, "node": row.labels["node"], "process": process}, 1.0)
