"""The faults that tests plant in a town, each with the findings that detection would write."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from fleet.frames.frame import Frame, concatenate
from fleet.frames.window import Window
from fleet.inventory.change import ChangeKind
from fleet.investigations.question import Material
from tests.fleet.investigations.town import GIB, NEW_HASH, Shape, Town, Values, pod_name, workload


def step_to(level: float, start: float, end: float) -> Shape:
    """The quiet noise about another level between two hours."""

    def shape(hours: Values, values: Values) -> Values:
        return np.where((hours >= start) & (hours < end), level + values - np.nanmedian(values), values)

    return shape


def ramp_to(level: float, start: float, end: float) -> Shape:
    """A straight climb between two hours, then back to the quiet level."""

    def shape(hours: Values, values: Values) -> Values:
        share = np.clip((hours - start) / (end - start), 0, 1)
        return np.where((hours >= start) & (hours < end), values + share * (level - np.nanmedian(values)), values)

    return shape


def climb_to_stay(level: float, start: float, end: float) -> Shape:
    """A straight climb between two hours that stays where it came to."""

    def shape(hours: Values, values: Values) -> Values:
        return values + np.clip((hours - start) / (end - start), 0, 1) * (level - np.nanmedian(values))

    return shape


def gap(start: float, end: float) -> Shape:
    def shape(hours: Values, values: Values) -> Values:
        return np.where((hours >= start) & (hours < end), np.nan, values)

    return shape


def memory_leak(town: Town) -> None:
    pod = {"pod": pod_name("checkout", 0)}
    town.plant("container_mem_bytes", ramp_to(0.98 * GIB, 12, 16), **pod)
    town.plant("container_mem_vs_limit", ramp_to(0.98, 12, 16), **pod)
    town.plant("container_restarts", step_to(1, 16, 16.17), **pod)
    town.plant("container_oom_kills", step_to(1, 16, 16.17), **pod)
    town.found("container_mem_bytes", 13, 16, 0.98 * GIB, **pod)
    town.found("container_mem_vs_limit", 13, 16, 0.98, **pod)
    town.found("container_restarts", 16, 16.17, 1, **pod)
    town.change(ChangeKind.OOM_KILL, workload("shop", "checkout"), 16, "Container checkout was killed: OOMKilled")


def noisy_neighbour(town: Town) -> None:
    town.plant("container_cpu_cores", step_to(5.2, 10, 12), pod=pod_name("batch-export", 0))
    town.plant("node_cpu_util", step_to(0.93, 10, 12), instance="worker-0")
    town.plant("node_load_per_core", step_to(2.5, 10, 12), instance="worker-0")
    town.plant("container_throttle_ratio", step_to(0.5, 10.05, 12), pod=pod_name("cart", 0))
    town.plant("route_latency_seconds", step_to(0.3, 10.05, 12), route="cart")
    town.found("node_load_per_core", 10, 12, 2.5, instance="worker-0")
    town.found("container_throttle_ratio", 10.05, 12, 0.5, pod=pod_name("cart", 0))
    town.found("route_latency_seconds", 10.05, 12, 0.3, route="cart")


def bad_rollout(town: Town, *, told: bool = True) -> None:
    town.plant("ingress_5xx_ratio", step_to(0.2, 14.05, 16), route="checkout")
    town.plant("route_latency_seconds", step_to(0.6, 14.1, 16), route="checkout")
    for query in ("container_cpu_cores", "container_mem_bytes"):
        for ordinal in range(2):
            town.rename(query, 14, pod_name("checkout", ordinal), pod_name("checkout", ordinal, NEW_HASH))
    town.found("ingress_5xx_ratio", 14.05, 16, 0.2, route="checkout")
    town.found("route_latency_seconds", 14.1, 16, 0.6, route="checkout")
    if told:
        subject = workload("shop", "checkout")
        town.change(ChangeKind.ROLLOUT, subject, 14, "Rollout of checkout", before="shop:1.4", after="shop:1.5")
        town.change(ChangeKind.ROLLOUT, subject, 16, "Rollout of checkout", before="shop:1.5", after="shop:1.4")


def disk_filling(town: Town) -> None:
    disk = {"instance": "worker-2", "device": "/dev/vdb"}
    town.plant("fs_used_ratio", climb_to_stay(0.97, 17, 21), **disk)
    town.plant("node_pressure", step_to(1, 20.5, 24), node="worker-2")
    town.found("fs_used_ratio", 18, 24, 0.97, **disk)
    town.found("node_pressure", 20.5, 24, 1, node="worker-2")


_NODE_QUERIES = ("node_cpu_util", "node_load_per_core", "node_mem_util", "fs_used_ratio")


def exporter_down(town: Town) -> None:
    for query in _NODE_QUERIES:
        town.plant(query, gap(9, 11), instance="worker-3")
        town.found(query, 9, 11, None, instance="worker-3")
    town.plant("targets_up_ratio", step_to(0.75, 9, 11), job="node-exporter")
    town.found("targets_up_ratio", 9, 11, 0.75, job="node-exporter")


def node_failure(town: Town) -> None:
    for query in _NODE_QUERIES:
        town.plant(query, gap(9, 11), instance="worker-3")
        town.found(query, 9, 11, None, instance="worker-3")
    for job in ("node-exporter", "kubelet"):
        town.plant("targets_up_ratio", step_to(0.75, 9, 11), job=job)
    town.plant("node_ready", step_to(0, 9.02, 11), node="worker-3")
    town.plant("container_cpu_cores", gap(9, 11), pod=pod_name("gateway", 0))
    town.found("node_ready", 9.02, 11, 0, node="worker-3")
    town.found("targets_up_ratio", 9, 11, 0.75, job="node-exporter")


def saturation(town: Town) -> None:
    town.plant("node_mem_util", step_to(0.98, 6, 8), instance="worker-1")
    town.plant("route_latency_seconds", step_to(0.4, 6.1, 8), route="cart")
    town.found("node_mem_util", 6, 8, 0.98, instance="worker-1")
    town.found("route_latency_seconds", 6.1, 8, 0.4, route="cart")


def with_past_day(material: Material, day: Material) -> Material:
    """The material with the earlier part of a day after the days before it as its history at five minutes."""
    width = 300 // day.frame.step_seconds
    points = int((material.frame.start - day.frame.start).total_seconds()) // 300
    earlier = day.frame.values[:, : points * width].reshape(len(day.frame.keys), points, width)[:, :, 0]
    today = Frame(day.frame.start, 300, day.frame.keys, np.ascontiguousarray(earlier))
    before = day.history
    assert before is not None
    window = Window(start=before.start, end=material.frame.start)
    return replace(material, history=concatenate([before, today], window, 300))
