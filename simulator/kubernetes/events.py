"""Events of the last day: what controllers and kubelets say about rollouts, restarts and faults.

A real API server forgets them after an hour or three; a day lets a discovery that comes later see the whole story.
Older recorders count repetitions and keep the first and the last time; newer ones, like the scheduler, name an action
and keep a series. Both kinds are in the story.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from simulator.cluster import SimulatedCluster
from simulator.faults import DAY, MINUTE, Fault, pressure_from
from simulator.kubernetes.meta import Object, metadata
from simulator.kubernetes.pods import restarts_until
from simulator.options import FaultKind
from simulator.randomness import token_of, uid_of
from simulator.timeline import Pod, Revision
from simulator.truth import rfc3339

KEPT_SECONDS = 26 * 3600


@dataclass(frozen=True)
class _Event:
    at: float
    kind: str
    namespace: str | None
    name: str
    reason: str
    message: str
    component: str
    warning: bool = False
    last: float | None = None
    count: int = 1
    part: str = ""
    host: str = ""
    action: str = ""
    """Of a newer recorder's event."""


def events(cluster: SimulatedCluster, at: float) -> list[Object]:
    """The events that are remembered at a time."""
    said = [*_rollouts(cluster), *_scalings(cluster), *_pods(cluster, at), *_faults(cluster, at)]
    shown = [each for each in said if at - KEPT_SECONDS <= (each.last or each.at) and each.at <= at]
    made = [_object(cluster, each) for each in shown]
    return sorted(made, key=lambda each: (each["metadata"]["namespace"], each["metadata"]["name"]))


def _object(cluster: SimulatedCluster, said: _Event) -> Object:
    api_version = {"Pod": "v1", "Node": "v1"}.get(said.kind, "apps/v1")
    last = said.last or said.at
    involved: Object = {"kind": said.kind}
    if said.namespace is not None:
        involved["namespace"] = said.namespace
    involved |= {
        "name": said.name,
        "uid": uid_of(cluster.layout.seed, cluster.name, said.kind, said.namespace, said.name),
        "apiVersion": api_version,
    }
    if said.part:
        involved["fieldPath"] = f"spec.containers{{{said.part}}}"
    suffix = token_of(16, cluster.name, said.kind, said.namespace, said.name, said.reason, said.message, said.at)
    new = bool(said.action)
    repeated = {"count": said.count, "lastObservedTime": _microseconds(last)}
    return {
        "metadata": metadata(
            cluster, "Event", f"{said.name}.{suffix}", said.at, namespace=said.namespace or "default", changed=last
        ),
        "involvedObject": involved,
        "reason": said.reason,
        "message": said.message,
        "source": {} if new else {"component": said.component, **({"host": said.host} if said.host else {})},
        "firstTimestamp": None if new else rfc3339(said.at),
        "lastTimestamp": None if new else rfc3339(last),
        **({} if new else {"count": said.count}),
        "type": "Warning" if said.warning else "Normal",
        "eventTime": _microseconds(said.at) if new else None,
        **({"series": repeated} if new and said.count > 1 else {}),
        **({"action": said.action} if new else {}),
        "reportingComponent": said.component,
        "reportingInstance": said.host or (f"{said.component}-0" if new else ""),
    }


def _microseconds(at: float) -> str:
    return f"{rfc3339(at).removesuffix('Z')}.{int(at % 1 * 1e6):06}Z"


def _scaled(namespace: str, name: str, template_hash: str, at: float, before: int, after: int) -> _Event:
    way = "up" if after > before else "down"
    message = f"Scaled {way} replica set {name}-{template_hash} to {after} from {before}"
    return _Event(at, "Deployment", namespace, name, "ScalingReplicaSet", message, "deployment-controller")


def _rollouts(cluster: SimulatedCluster) -> Iterator[_Event]:
    for (namespace, name), revisions in cluster.timeline.revisions.items():
        replicas = cluster.layout.workload(namespace, name).replicas
        for before, after in pairwise(revisions):
            for index in range(replicas):
                at = after.start + 30 * index
                yield _scaled(namespace, name, after.template_hash, at, index, index + 1)
                yield _scaled(namespace, name, before.template_hash, at + 15, replicas - index, replicas - index - 1)


def _scalings(cluster: SimulatedCluster) -> Iterator[_Event]:
    for scaling in cluster.timeline.story.scalings:
        workload, replicas = scaling.workload, scaling.workload.replicas
        for at, before, after in ((scaling.at, replicas, replicas + 1), (scaling.end, replicas + 1, replicas)):
            revision = _revision_at(cluster, workload.key, at)
            yield _scaled(workload.namespace, workload.name, revision.template_hash, at, before, after)


def _revision_at(cluster: SimulatedCluster, key: tuple[str, str], at: float) -> Revision:
    return next(each for each in reversed(cluster.timeline.revisions[key]) if each.start <= at)


def _pods(cluster: SimulatedCluster, at: float) -> Iterator[_Event]:
    for pod in cluster.timeline.pods:
        namespace = pod.workload.namespace
        if pod.created >= at - KEPT_SECONDS - DAY:
            placed = f"Successfully assigned {namespace}/{pod.name} to {pod.node}"
            yield _Event(
                pod.created, "Pod", namespace, pod.name, "Scheduled", placed, "default-scheduler", action="Binding"
            )
            pulled = f'Successfully pulled image "{pod.revision.image}" in 2.1s'
            yield _kubelet(pod, pod.created + 4, "Pulled", pulled)
            yield _kubelet(pod, pod.created + 6, "Started", f"Started container {pod.container}")
        if pod.ended <= at:
            yield _kubelet(pod, pod.ended, "Killing", f"Stopping container {pod.container}")
        for restart in restarts_until(cluster, pod, at):
            if restart.reason == "OOMKilled":
                killed = f"Memory cgroup out of memory: Killed process 4711 ({pod.container})"
                yield _kubelet(pod, restart.at, "OOMKilling", killed, warning=True)
            again = f'Container image "{pod.revision.image}" already present on machine'
            yield _kubelet(pod, restart.at + 5, "Pulled", again)


def _kubelet(pod: Pod, at: float, reason: str, message: str, *, warning: bool = False, **more: object) -> _Event:
    return _Event(
        at,
        "Pod",
        pod.workload.namespace,
        pod.name,
        reason,
        message,
        "kubelet",
        warning=warning,
        part=pod.container,
        host=pod.node,
        **more,  # type: ignore[arg-type]
    )


def _faults(cluster: SimulatedCluster, at: float) -> Iterator[_Event]:
    for fault in cluster.timeline.story.faults:
        if fault.kind is FaultKind.DISK_FILLING:
            yield from _disk_filling(fault, at)
        elif fault.kind is FaultKind.BAD_ROLLOUT:
            yield from _bad_rollout(cluster, fault, at)


def _disk_filling(fault: Fault, at: float) -> Iterator[_Event]:
    node, pressed = fault.node, pressure_from(fault)
    if node is None:
        return
    last = max(pressed, min(at, fault.end))
    status = f"Node {node.name} status is now: "

    def said(when: float, reason: str, message: str, **more: object) -> _Event:
        return _Event(when, "Node", None, node.name, reason, message, "kubelet", host=node.name, **more)  # type: ignore[arg-type]

    yield said(pressed, "NodeHasDiskPressure", f"{status}NodeHasDiskPressure")
    first = pressed + 10
    last = max(first, last)
    count = 1 + int((last - first) // (5 * MINUTE))
    reclaim = "Attempting to reclaim ephemeral-storage"
    yield said(first, "EvictionThresholdMet", reclaim, warning=True, last=last, count=count, action="Reclaiming")
    if fault.end <= at:
        yield said(fault.end, "NodeHasNoDiskPressure", f"{status}NodeHasNoDiskPressure")


def _bad_rollout(cluster: SimulatedCluster, fault: Fault, at: float) -> Iterator[_Event]:
    # A fifth of the answers fail, so that single probes do; never enough in a row to take a pod out.
    first = fault.start + 60
    last = max(first, min(at, fault.end))
    count = 1 + int((last - first) // (5 * MINUTE))
    for pod in cluster.timeline.pods:
        if fault.workload and pod.workload.key == fault.workload.key and pod.revision.start == fault.start:
            text = "Readiness probe failed: HTTP probe failed with statuscode: 500"
            yield _kubelet(pod, first, "Unhealthy", text, warning=True, last=last, count=count)
