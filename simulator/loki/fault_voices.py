"""How faults sound in the logs: the same faults, at the same times and places, as in the metrics."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

from simulator.faults import FOREVER, Fault, Restart, oom_kills, pressure_from
from simulator.layout import Workload
from simulator.loki import scripts
from simulator.loki.voices import Moment, Mood, Voice
from simulator.options import FaultKind
from simulator.timeline import RESTART_SECONDS, Pod, Timeline

Sounds = Iterator[Voice | Moment]
ROUTERS = ("router-default", "haproxy-ingress")
"""The workloads through which routes are reached."""
_SHOWS_AFTER = 60.0
"""Seconds until a bad version's errors are seen, as in the metrics."""


@dataclass(frozen=True)
class Stage:
    """Where voices speak: the numbers of the streams of pods (by namespace and name) and of nodes (by name)."""

    timeline: Timeline
    pods: dict[tuple[str, str], int]
    nodes: dict[str, int]

    def stream(self, pod: Pod) -> int:
        """The stream of a pod's container."""
        return self.pods[pod.workload.namespace, pod.name]


def fault_sounds(stage: Stage) -> Sounds:
    """Everything that faults have containers and nodes say."""
    for fault in stage.timeline.story.faults:
        yield from _SOUNDS[fault.kind](stage, fault)


def restart_sounds(stage: Stage, pod: Pod, restart: Restart) -> Sounds:
    """A container's end and its return: in its own log, and in its node's."""
    node, name = stage.nodes[pod.node], named(pod)
    if restart.reason == "OOMKilled":
        yield Moment(node, scripts.OUT_OF_MEMORY, restart.at, pod.container)
    else:
        yield Moment(stage.stream(pod), scripts.PANIC, restart.at - 1)
    yield Moment(node, scripts.CONTAINER_DIED, restart.at + 1, name)
    yield Moment(node, scripts.BACK_OFF, restart.at + 3, name)
    yield from start_sounds(stage, pod, restart.at + RESTART_SECONDS)


def start_sounds(stage: Stage, pod: Pod, at: float) -> Sounds:
    """What a container says when it comes up."""
    for seconds, script in enumerate((scripts.STARTING, scripts.CONFIGURED, scripts.LISTENING)):
        yield Moment(stage.stream(pod), script, at + seconds)


def named(pod: Pod) -> str:
    """``namespace/name``, as the kubelet names a pod."""
    return f"{pod.workload.namespace}/{pod.name}"


def _memory_leak(stage: Stage, fault: Fault) -> Sounds:
    workload = _place(fault)
    kills = [fault.start, *oom_kills(fault, stage.timeline.anchor)]
    for begin, kill in pairwise(kills):
        pod = stage.timeline.pod_of(workload, kill - 1)
        if pod is None:
            continue
        stream = stage.stream(pod)
        seen, often, lacking = (kill - share * (kill - begin) for share in (0.6, 0.25, 0.06))
        for digit in "148":
            yield Voice(stream, scripts.GC_SEEN, 180, seen, often, Mood.RISING, digit)
            yield Voice(stream, scripts.GC_OFTEN, 60, often, kill, Mood.RISING, digit)
        yield Voice(stream, scripts.NO_MEMORY, 6, lacking, kill, Mood.RISING)


def _noisy_neighbour(stage: Stage, fault: Fault) -> Sounds:
    pod = stage.timeline.pod_of(_place(fault), fault.start)
    if pod is None:
        return
    yield Voice(stage.stream(pod), scripts.FULL_EXPORT, 2, fault.start, fault.end)
    for victim in stage.timeline.pods:
        near = victim.node == pod.node and victim.workload.key != pod.workload.key
        if near and victim.workload.cpu_limited and victim.alive(fault.start):
            interval = 4 if victim.workload.routed else 15
            end = min(fault.end, victim.ended)
            yield Voice(stage.stream(victim), scripts.SLOW, interval, fault.start + _SHOWS_AFTER, end)


def _bad_rollout(stage: Stage, fault: Fault) -> Sounds:
    workload, timeline = _place(fault), stage.timeline
    start, end = fault.start + _SHOWS_AFTER, fault.end + _SHOWS_AFTER
    for pod in timeline.pods_by_workload[workload.key]:
        if pod.revision.start != fault.start:
            continue
        until = min(end, pod.ended)
        yield Voice(stage.stream(pod), scripts.BROKEN_VERSION, 3, max(start, pod.created + 3), until)
        yield Voice(stage.nodes[pod.node], scripts.PROBE_FAILED, 300, start, until, about=named(pod))
    route = f"{workload.namespace}:{workload.name}"
    for router in (pod for pod in timeline.pods if pod.workload.name in ROUTERS):
        yield Voice(stage.stream(router), scripts.ROUTED_ERROR, 4, start, end, about=route)


def _disk_filling(stage: Stage, fault: Fault) -> Sounds:
    if fault.node is None:
        raise ValueError(f"{fault.id} has no node")
    node, pressed = stage.nodes[fault.node.name], pressure_from(fault)
    for digit in "679":
        yield Voice(node, scripts.IMAGES_COLLECTED, 900, fault.start + 0.8 * fault.climb_seconds, pressed, about=digit)
    yield Voice(node, scripts.EVICTION, 20, pressed + 10, fault.end, about="ephemeral-storage")
    if fault.end != FOREVER:
        yield Moment(node, scripts.PRESSURE_OVER, fault.end)
    for pod in stage.timeline.pods:
        if pod.node == fault.node.name and pod.alive(pressed):
            interval = 15 if pod.workload.kind == "StatefulSet" else 60
            yield Voice(stage.stream(pod), scripts.NO_SPACE, interval, pressed, min(fault.end, pod.ended))


def _exporter_down(stage: Stage, fault: Fault) -> Sounds:
    if fault.node is None:
        raise ValueError(f"{fault.id} has no node")
    target = f"{fault.node.address}:9100"
    for pod in stage.timeline.pods:
        if pod.workload.name == "prometheus-k8s":
            yield Voice(stage.stream(pod), scripts.SCRAPE_FAILED, 30, fault.start, fault.end, about=target)
        elif pod.workload.name == "node-exporter" and pod.node == fault.node.name:
            for second in (0, 1, 2):
                yield Moment(stage.stream(pod), scripts.NO_SOCKETS, fault.start + second)
            if fault.end != FOREVER:
                yield Moment(stage.stream(pod), scripts.LISTENING, fault.end)


def silences(timeline: Timeline, pod: Pod) -> list[tuple[float, float]]:
    """When a container says nothing of the ordinary, though its pod lives: while it restarts or its exporter hangs."""
    restarts = timeline.restarts.get((pod.workload.namespace, pod.name), [])
    found = [(each.at, each.at + RESTART_SECONDS) for each in restarts]
    if pod.workload.name == "node-exporter":
        faults = timeline.story.faults
        hanging = (each for each in faults if each.kind is FaultKind.EXPORTER_DOWN and each.node is not None)
        found += [(each.start, each.end) for each in hanging if each.node and each.node.name == pod.node]
    return sorted(found)


def _place(fault: Fault) -> Workload:
    if fault.workload is None:
        raise ValueError(f"{fault.id} has no workload")
    return fault.workload


_SOUNDS: dict[FaultKind, Callable[[Stage, Fault], Sounds]] = {
    FaultKind.MEMORY_LEAK: _memory_leak,
    FaultKind.NOISY_NEIGHBOUR: _noisy_neighbour,
    FaultKind.BAD_ROLLOUT: _bad_rollout,
    FaultKind.DISK_FILLING: _disk_filling,
    FaultKind.EXPORTER_DOWN: _exporter_down,
}
