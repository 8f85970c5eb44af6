"""How faults and events show in the series: which labels, in what shape, how strong."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum

from simulator.faults import FOREVER, HOUR, MINUTE, Fault, Restart, pressure_from
from simulator.layout import Node, Workload, file_system
from simulator.options import FaultKind
from simulator.timeline import Pod, Timeline

RATE_WINDOW = 5 * MINUTE
"""The queries' rate() looks back so far: a step in the counters' slope shows as a ramp of this length."""
INCREASE_WINDOW = 10 * MINUTE
ERROR_BUDGET = 0.01
"""The share of requests that may fail, against which burn rates are given."""
ONE_EVENT = 20 / 19
"""What ``increase(…[10m])`` makes of one event at a sample every 30 s: it extrapolates 19 intervals to 20."""
_OUT_OF_MEMORY_GAP = 90.0


class Mode(Enum):
    """What an effect does with a value, by its strength s in 0..1.

    ADD adds s × amount to the level before noise; SCALE multiplies by 1 + s × (amount - 1); TOWARDS moves the value
    by s of its way to amount; GAP takes the sample away.
    """

    ADD = "add"
    SCALE = "scale"
    TOWARDS = "towards"
    GAP = "gap"


@dataclass(frozen=True)
class Effect:
    """A change of the series of one query whose labels hold ``match``, over start..end (Unix seconds).

    The strength rises from 0 to ``peak`` within ``rise`` seconds as a power, falls within ``fall`` seconds after the
    end, and starts anew each ``rise`` seconds when it repeats.
    """

    query: str
    match: dict[str, str]
    mode: Mode
    amount: float
    start: float
    end: float
    rise: float = 0.0
    fall: float = 0.0
    power: float = 1.0
    repeat: bool = False
    peak: float = 1.0


@dataclass(frozen=True)
class Alert:
    """An alert that a kind of fault raises ``after`` so many seconds, at the latest until the fault ends."""

    name: str
    severity: str
    kind: FaultKind
    after: float


ALERTS = (
    Alert("CPUThrottlingHigh", "info", FaultKind.NOISY_NEIGHBOUR, 15 * MINUTE),
    Alert("NodeFilesystemAlmostOutOfSpace", "critical", FaultKind.DISK_FILLING, 150 * MINUTE),
    Alert("TargetDown", "warning", FaultKind.EXPORTER_DOWN, 10 * MINUTE),
)


def alert_spans(timeline: Timeline, alert: Alert) -> Iterator[tuple[str, float, float]]:
    """Where (namespace) and when (Unix seconds) an alert fires in a cluster."""
    for fault in timeline.story.faults:
        if fault.kind is alert.kind and fault.start + alert.after < fault.end:
            namespace = fault.workload.namespace if fault.workload else timeline.layout.monitoring_namespace
            yield namespace, fault.start + alert.after, fault.end


def effects_of(timeline: Timeline) -> list[Effect]:
    """Every effect on the series of a cluster, of faults and of harmless events."""
    found = [effect for fault in timeline.story.faults for effect in _FAULT_EFFECTS[fault.kind](timeline, fault)]
    for (namespace, name), restarts in timeline.restarts.items():
        for restart in restarts:
            found += _restart_effects(timeline, namespace, name, restart)
    for rollout in timeline.story.rollouts:
        # A surge pod waits for its first minute.
        match = {"namespace": rollout.workload.namespace}
        found.append(Effect("pods_not_ready", match, Mode.ADD, 1.0, rollout.at, rollout.at + 30))
    return found


def _containers(pod: Pod) -> dict[str, str]:
    return {"namespace": pod.workload.namespace, "pod": pod.name}


def _restart_effects(timeline: Timeline, namespace: str, name: str, restart: Restart) -> Iterator[Effect]:
    match = {"namespace": namespace, "pod": name}
    until = restart.at + INCREASE_WINDOW
    yield Effect("container_restarts", match, Mode.ADD, ONE_EVENT, restart.at + 30, until + 30)
    for query in ("container_cpu_cores", "container_mem_bytes", "container_mem_vs_limit", "container_throttle_ratio"):
        gap = _OUT_OF_MEMORY_GAP if restart.reason == "OOMKilled" else 30.0
        yield Effect(query, match, Mode.GAP, 0.0, restart.at, restart.at + gap)
    if restart.reason == "OOMKilled":
        yield Effect("container_oom_kills", match, Mode.ADD, ONE_EVENT, restart.at, until)
        instance = _instance(timeline, restart.workload.places[restart.ordinal])
        yield Effect("node_oom_kills", instance, Mode.ADD, ONE_EVENT, restart.at, until)
        route = {"exported_namespace": namespace, "route": restart.workload.name}
        yield Effect("ingress_5xx_ratio", route, Mode.ADD, 0.04, restart.at, restart.at + 90, rise=60, fall=RATE_WINDOW)
        yield Effect("route_error_burn_1h", route, Mode.ADD, 0.2, restart.at, restart.at + HOUR, rise=6 * MINUTE)


def _instance(timeline: Timeline, node_name: str) -> dict[str, str]:
    return {"instance": timeline.layout.instance(timeline.layout.node_by_name[node_name])}


def _place(fault: Fault) -> Workload:
    if fault.workload is None:
        raise ValueError(f"{fault.id} has no workload")
    return fault.workload


def _node(fault: Fault) -> Node:
    if fault.node is None:
        raise ValueError(f"{fault.id} has no node")
    return fault.node


def _memory_leak(timeline: Timeline, fault: Fault) -> Iterator[Effect]:
    workload = _place(fault)
    pod = timeline.pod_of(workload, fault.start)
    if pod is None:
        return
    lasting = fault.end == FOREVER
    end = FOREVER if lasting else fault.start + fault.climb_seconds
    limit = float(workload.memory_limit_bytes)
    climbs = (
        ("container_mem_bytes", _containers(pod), Mode.TOWARDS, limit * 0.997),
        ("container_mem_vs_limit", _containers(pod), Mode.TOWARDS, 0.997),
        ("ns_mem_bytes", {"namespace": workload.namespace}, Mode.ADD, limit - workload.memory_bytes),
        (
            "node_mem_util",
            _instance(timeline, pod.node),
            Mode.ADD,
            (limit - workload.memory_bytes) / timeline.layout.node_by_name[pod.node].memory_bytes,
        ),
    )
    for query, match, mode, amount in climbs:
        yield Effect(query, match, mode, amount, fault.start, end, fault.climb_seconds, power=1.15, repeat=lasting)


def _noisy_neighbour(timeline: Timeline, fault: Fault) -> Iterator[Effect]:
    workload = _place(fault)
    pod = timeline.pod_of(workload, fault.start)
    if pod is None:
        return
    node = timeline.layout.node_by_name[pod.node]
    cores, start, end = 0.58 * node.cores, fault.start, fault.end
    instance = _instance(timeline, node.name)
    total = sum(each.cores for each in timeline.layout.nodes)

    def step(
        query: str, match: dict[str, str], mode: Mode, amount: float, late: float = 0.0, peak: float = 1.0
    ) -> Effect:
        return Effect(query, match, mode, amount, start + late, end, RATE_WINDOW, RATE_WINDOW, peak=peak)

    yield step("container_cpu_cores", _containers(pod), Mode.ADD, cores)
    yield step("ns_cpu_cores", {"namespace": workload.namespace}, Mode.ADD, cores)
    yield step("node_cpu_util", instance, Mode.TOWARDS, 0.98, peak=0.94)
    yield step("cluster_cpu_util", {}, Mode.ADD, cores / total)
    yield step("node_load_per_core", instance, Mode.ADD, 1.6)
    for victim in timeline.pods:
        if victim.node != node.name or victim.workload.key == workload.key or not victim.workload.cpu_limited:
            continue
        yield step("container_throttle_ratio", _containers(victim), Mode.ADD, 0.5, late=60)
        if victim.workload.routed and victim.alive(start):
            route = {"exported_namespace": victim.workload.namespace, "route": victim.workload.name}
            yield step("route_latency_seconds", route, Mode.SCALE, 4.0, late=120)


def _bad_rollout(timeline: Timeline, fault: Fault) -> Iterator[Effect]:
    workload = _place(fault)
    route = {"exported_namespace": workload.namespace, "route": workload.name}
    start, end = fault.start + 60, fault.end + 60
    yield Effect("ingress_5xx_ratio", route, Mode.ADD, 0.22, start, end, rise=RATE_WINDOW, fall=RATE_WINDOW)
    yield Effect("route_latency_seconds", route, Mode.SCALE, 6.0, start, end, rise=RATE_WINDOW, fall=RATE_WINDOW)
    yield Effect("route_error_burn_1h", route, Mode.ADD, 0.22 / ERROR_BUDGET, start, end, rise=HOUR, fall=HOUR)


def _disk_filling(timeline: Timeline, fault: Fault) -> Iterator[Effect]:
    node = _node(fault)
    disk = {**_instance(timeline, node.name), "device": file_system(node, fault.device)}
    busy = {**_instance(timeline, node.name), "device": fault.device}
    start, end, climb = fault.start, fault.end, fault.climb_seconds
    yield Effect("fs_used_ratio", disk, Mode.TOWARDS, 0.972, start, end, rise=climb, fall=RATE_WINDOW, power=1.1)
    yield Effect("disk_busy", busy, Mode.ADD, 0.15, start, end, rise=RATE_WINDOW, fall=RATE_WINDOW)
    instance = _instance(timeline, node.name)
    yield Effect("node_io_pressure", instance, Mode.ADD, 0.06, start, end, rise=RATE_WINDOW, fall=RATE_WINDOW)
    condition = {"node": node.name, "condition": "DiskPressure"}
    yield Effect("node_pressure", condition, Mode.ADD, 1.0, pressure_from(fault), end)


def _exporter_down(timeline: Timeline, fault: Fault) -> Iterator[Effect]:
    node, nodes = _node(fault), len(timeline.layout.nodes)
    yield Effect("*", _instance(timeline, node.name), Mode.GAP, 0.0, fault.start, fault.end)
    job = {"job": "node-exporter"}
    yield Effect("targets_up_ratio", job, Mode.ADD, -1.0 / nodes, fault.start, fault.end)


_FAULT_EFFECTS: dict[FaultKind, Callable[[Timeline, Fault], Iterator[Effect]]] = {
    FaultKind.MEMORY_LEAK: _memory_leak,
    FaultKind.NOISY_NEIGHBOUR: _noisy_neighbour,
    FaultKind.BAD_ROLLOUT: _bad_rollout,
    FaultKind.DISK_FILLING: _disk_filling,
    FaultKind.EXPORTER_DOWN: _exporter_down,
}
