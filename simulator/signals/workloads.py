"""Signals about containers, workloads, namespaces, volumes and routes."""

from __future__ import annotations

from collections.abc import Iterator

from simulator.randomness import uniforms
from simulator.signals.row import Catalogue, Row
from simulator.timeline import RETENTION_SECONDS, Pod, Timeline

WORKLOADS = Catalogue()


def _shown(timeline: Timeline) -> Iterator[Pod]:
    """The pods that lived within the retention."""
    return (pod for pod in timeline.pods if pod.ended > timeline.anchor - RETENTION_SECONDS)


def _labels(pod: Pod) -> dict[str, str]:
    return {"container": pod.container, "namespace": pod.workload.namespace, "pod": pod.name}


def _container(timeline: Timeline, pod: Pod, signal: str, level: float, *unrest: float) -> Row:
    """A series of a pod's container; pods of one workload differ a little in level."""
    layout = timeline.layout
    share = uniforms(layout.seed, layout.cluster, signal, *pod.workload.key, pod.ordinal)[0]
    daily, noise, wander = unrest
    return Row(
        _labels(pod),
        level * (0.85 + 0.3 * share),
        daily,
        noise,
        wander,
        key=f"{signal}/{pod.name}",
        target=f"kubelet/{pod.node}",
        born=pod.created,
        died=pod.ended,
    )


@WORKLOADS.signal("container_cpu_cores")
def _container_cpu_cores(timeline: Timeline) -> Iterator[Row]:
    for pod in _shown(timeline):
        yield _container(timeline, pod, "cpu", pod.workload.cpu_cores, 0.35, 0.06, 0.08)


@WORKLOADS.ratio("container_throttle_ratio")
def _container_throttle_ratio(timeline: Timeline) -> Iterator[Row]:
    for pod in _shown(timeline):
        if pod.workload.cpu_limited:
            yield _container(timeline, pod, "throttle", 0.012, 0.3, 0.12, 0.15)


@WORKLOADS.signal("container_mem_bytes", decimals=0)
def _container_mem_bytes(timeline: Timeline) -> Iterator[Row]:
    for pod in _shown(timeline):
        yield _container(timeline, pod, "memory", pod.workload.memory_bytes, 0.04, 0.004, 0.015)


@WORKLOADS.ratio("container_mem_vs_limit")
def _container_mem_vs_limit(timeline: Timeline) -> Iterator[Row]:
    for pod in _shown(timeline):
        share = pod.workload.memory_bytes / pod.workload.memory_limit_bytes
        yield _container(timeline, pod, "memory", share, 0.04, 0.004, 0.015)


@WORKLOADS.signal("container_oom_kills", decimals=4)
def _container_oom_kills(timeline: Timeline) -> Iterator[Row]:
    for pod in _shown(timeline):
        yield _container(timeline, pod, "oom", 0.0, 0.0, 0.0, 0.0)


@WORKLOADS.signal("container_restarts", decimals=4)
def _container_restarts(timeline: Timeline) -> Iterator[Row]:
    for pod in _shown(timeline):
        yield Row(_labels(pod), 0.0, target="kube-state-metrics", born=pod.created, died=pod.ended)


@WORKLOADS.signal("ns_cpu_cores")
def _ns_cpu_cores(timeline: Timeline) -> Iterator[Row]:
    for namespace in timeline.layout.namespaces:
        members = [each for each in timeline.layout.workloads if each.namespace == namespace]
        total = sum(each.cpu_cores * each.replicas for each in members)
        yield Row({"namespace": namespace}, total, daily=0.33, noise=0.03, wander=0.05)


@WORKLOADS.signal("ns_mem_bytes", decimals=0)
def _ns_mem_bytes(timeline: Timeline) -> Iterator[Row]:
    for namespace in timeline.layout.namespaces:
        members = [each for each in timeline.layout.workloads if each.namespace == namespace]
        total = sum(each.memory_bytes * each.replicas for each in members)
        yield Row({"namespace": namespace}, total, daily=0.03, noise=0.003, wander=0.01)


@WORKLOADS.ratio("cpu_commitment")
def _cpu_commitment(timeline: Timeline) -> Iterator[Row]:
    cores = sum(node.cores for node in timeline.layout.nodes)
    wanted = sum(each.cpu_cores * each.replicas for each in timeline.layout.workloads)
    yield Row({}, min(0.9, round(0.25 + wanted / cores, 4)))


@WORKLOADS.signal("waiting_containers", decimals=0)
def _waiting_containers(timeline: Timeline) -> Iterator[Row]:
    for namespace in timeline.layout.namespaces:
        for reason in ("CrashLoopBackOff", "CreateContainerConfigError", "ImagePullBackOff"):
            yield Row({"namespace": namespace, "reason": reason}, 0.0)


@WORKLOADS.signal("pods_by_phase", decimals=0)
def _pods_by_phase(timeline: Timeline) -> Iterator[Row]:
    running = sum(1 for pod in timeline.pods if pod.alive(timeline.anchor))
    for phase, count in (("Failed", 0), ("Pending", 0), ("Running", running), ("Succeeded", 3), ("Unknown", 0)):
        yield Row({"phase": phase}, count)


@WORKLOADS.signal("pods_not_ready", decimals=0)
def _pods_not_ready(timeline: Timeline) -> Iterator[Row]:
    for namespace in timeline.layout.namespaces:
        yield Row({"namespace": namespace}, 0.0)


def _per_workload(timeline: Timeline, kind: str, label: str) -> Iterator[Row]:
    for workload in timeline.layout.workloads:
        if workload.kind == kind:
            yield Row({label: workload.name, "namespace": workload.namespace}, 0.0)


@WORKLOADS.signal("deploy_missing_replicas", decimals=0)
def _deploy_missing_replicas(timeline: Timeline) -> Iterator[Row]:
    yield from _per_workload(timeline, "Deployment", "deployment")


@WORKLOADS.state("deploy_stuck")
def _deploy_stuck(timeline: Timeline) -> Iterator[Row]:
    yield from _per_workload(timeline, "Deployment", "deployment")


def _per_routed(timeline: Timeline, label: str) -> Iterator[Row]:
    for workload in timeline.layout.workloads:
        if workload.routed:
            yield Row({label: workload.name, "namespace": workload.namespace}, 0.0)


@WORKLOADS.signal("pdb_missing_pods", decimals=0)
def _pdb_missing_pods(timeline: Timeline) -> Iterator[Row]:
    return _per_routed(timeline, "poddisruptionbudget")


@WORKLOADS.state("hpa_at_max")
def _hpa_at_max(timeline: Timeline) -> Iterator[Row]:
    return _per_routed(timeline, "horizontalpodautoscaler")


@WORKLOADS.signal("sts_missing_replicas", decimals=0)
def _sts_missing_replicas(timeline: Timeline) -> Iterator[Row]:
    yield from _per_workload(timeline, "StatefulSet", "statefulset")


@WORKLOADS.signal("ds_missing", decimals=0)
def _ds_missing(timeline: Timeline) -> Iterator[Row]:
    yield from _per_workload(timeline, "DaemonSet", "daemonset")


@WORKLOADS.signal("failed_jobs", decimals=0)
def _failed_jobs(timeline: Timeline) -> Iterator[Row]:
    for namespace in timeline.layout.namespaces:
        if any(workload.batch for workload in timeline.layout.workloads if workload.namespace == namespace):
            yield Row({"namespace": namespace}, 0.0)


def _per_claim(timeline: Timeline, signal: str, low: float, high: float) -> Iterator[Row]:
    for workload in timeline.layout.workloads:
        if workload.kind == "StatefulSet":
            share = uniforms(timeline.layout.seed, timeline.layout.cluster, signal, *workload.key)[0]
            labels = {"namespace": workload.namespace, "persistentvolumeclaim": f"data-{workload.name}-0"}
            yield Row(labels, low + (high - low) * share, wander=0.004, target=f"kubelet/{workload.places[0]}")


@WORKLOADS.ratio("pvc_used_ratio")
def _pvc_used_ratio(timeline: Timeline) -> Iterator[Row]:
    return _per_claim(timeline, "pvc", 0.3, 0.6)


@WORKLOADS.ratio("pvc_inodes_used_ratio")
def _pvc_inodes_used_ratio(timeline: Timeline) -> Iterator[Row]:
    return _per_claim(timeline, "pvc-inodes", 0.01, 0.06)


@WORKLOADS.signal("pv_bad_phase", decimals=0)
def _pv_bad_phase(timeline: Timeline) -> Iterator[Row]:
    for phase in ("Failed", "Pending"):
        yield Row({"phase": phase}, 0.0)


def _per_route(timeline: Timeline, level: tuple[float, float], *unrest: float) -> Iterator[Row]:
    layout = timeline.layout
    low, high = level
    daily, noise, wander = unrest
    for workload in layout.workloads:
        if workload.routed:
            share = uniforms(layout.seed, layout.cluster, "route", low, *workload.key)[0]
            labels = {"exported_namespace": workload.namespace, "route": workload.name}
            yield Row(labels, low * (high / low) ** share, daily, noise, wander, target="haproxy")


@WORKLOADS.ratio("ingress_5xx_ratio")
def _ingress_5xx_ratio(timeline: Timeline) -> Iterator[Row]:
    return _per_route(timeline, (0.0008, 0.003), 0.1, 0.2, 0.15)


@WORKLOADS.signal("route_latency_seconds")
def _route_latency_seconds(timeline: Timeline) -> Iterator[Row]:
    return _per_route(timeline, (0.03, 0.12), 0.2, 0.06, 0.06)


@WORKLOADS.state("route_up")
def _route_up(timeline: Timeline) -> Iterator[Row]:
    return _per_route(timeline, (1.0, 1.0), 0.0, 0.0, 0.0)


@WORKLOADS.signal("route_requests", decimals=3)
def _route_requests(timeline: Timeline) -> Iterator[Row]:
    return _per_route(timeline, (4.0, 60.0), 0.4, 0.05, 0.08)


@WORKLOADS.signal("route_error_burn_1h", decimals=5)
def _route_error_burn_1h(timeline: Timeline) -> Iterator[Row]:
    return _per_route(timeline, (0.08, 0.3), 0.1, 0.03, 0.12)


@WORKLOADS.signal("certificate_overdue", decimals=0)
def _certificate_overdue(timeline: Timeline) -> Iterator[Row]:
    for workload in timeline.layout.workloads:
        if workload.routed and not timeline.layout.profile.openshift:
            yield Row({"exported_namespace": workload.namespace, "name": f"{workload.name}-tls"}, 0.0)
