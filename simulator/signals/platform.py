"""Signals about the cluster's alerts, its GPUs and PTP clocks."""

from __future__ import annotations

from collections.abc import Iterator

from simulator.effects import ALERTS, alert_spans
from simulator.layout import Node
from simulator.randomness import uid_of, uniforms
from simulator.signals.row import Catalogue, Row
from simulator.timeline import Timeline

PLATFORM = Catalogue()
_GPUS_PER_NODE = 2


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


@PLATFORM.signal("gpu_power", decimals=3)
def _gpu_power(timeline: Timeline) -> Iterator[Row]:
    return _gpus(timeline, 48.0, 0.15, 0.06, 0.08)


@PLATFORM.state("gpu_xid")
def _gpu_xid(timeline: Timeline) -> Iterator[Row]:
    return _gpus(timeline, 0.0, 0.0, 0.0, 0.0)


@PLATFORM.state("gpu_row_remap_failed")
def _gpu_row_remap_failed(timeline: Timeline) -> Iterator[Row]:
    return _gpus(timeline, 0.0, 0.0, 0.0, 0.0)


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


@PLATFORM.signal("ptp_delay", decimals=11)
def _ptp_delay(timeline: Timeline) -> Iterator[Row]:
    return (row for row in _clocks(timeline, 2.4e-7, 0.0, 0.01, 0.01) if row.labels["process"] == "ptp4l")


@PLATFORM.signal("ptp_process_restarts", decimals=4)
def _ptp_process_restarts(timeline: Timeline) -> Iterator[Row]:
    for row in _clocks(timeline, 0.0, 0.0, 0.0, 0.0):
        yield Row({"node": row.labels["node"], "process": row.labels["process"]}, 0.0, target=row.target)
