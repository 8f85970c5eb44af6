"""Pods."""

from __future__ import annotations

from collections.abc import Iterator

from simulator.cluster import SimulatedCluster
from simulator.faults import Restart
from simulator.kubernetes.meta import Object, condition, metadata, owner_reference
from simulator.kubernetes.objects import performance
from simulator.layout import Workload
from simulator.randomness import uniforms
from simulator.timeline import POD_START_SECONDS, RESTART_SECONDS, Pod
from simulator.truth import rfc3339


def pods(cluster: SimulatedCluster, at: float) -> Iterator[Object]:
    """The pods that exist at a time, as they are then."""
    return (_pod(cluster, pod, at) for pod in cluster.timeline.pods if pod.alive(at))


def restarts_until(cluster: SimulatedCluster, pod: Pod, at: float) -> list[Restart]:
    """The restarts of a pod's container up to a time, oldest first."""
    restarts = cluster.timeline.restarts.get((pod.workload.namespace, pod.name), [])
    return [restart for restart in restarts if restart.at <= at]


def pod_address(cluster: SimulatedCluster, pod: Pod) -> str:
    """The pod's address in the cluster's own network."""
    low, high, *_ = uniforms(cluster.name, pod.workload.namespace, pod.name, "address")
    return f"10.{128 + int(low * 3)}.{int(high * 250)}.{int(low * 1e6) % 250 + 2}"


def _owner(cluster: SimulatedCluster, pod: Pod) -> Object:
    workload = pod.workload
    if workload.kind == "Deployment":
        name = f"{workload.name}-{pod.revision.template_hash}"
        return owner_reference(cluster, "apps/v1", "ReplicaSet", workload.namespace, name)
    return owner_reference(cluster, "apps/v1", workload.kind, workload.namespace, workload.name)


def pod_labels(pod: Pod) -> dict[str, str]:
    """The labels by which a pod's workload selects it, and its template's hash."""
    labels = {"app": pod.workload.name}
    if pod.workload.kind == "Deployment":
        labels["pod-template-hash"] = pod.revision.template_hash
    return labels


def _pod(cluster: SimulatedCluster, pod: Pod, at: float) -> Object:
    workload = pod.workload
    ready_at = pod.created + POD_START_SECONDS
    restarts = restarts_until(cluster, pod, at)
    if restarts:
        ready_at = restarts[-1].at + RESTART_SECONDS
    node = cluster.layout.node_by_name[pod.node]
    ready = at >= ready_at
    started = at >= pod.created + POD_START_SECONDS
    demands = performance.demands_of(cluster.layout.profile, workload)
    address = pod_address(cluster, pod)
    words = ("", "") if ready else ("ContainersNotReady", f"containers with unready status: [{pod.container}]")
    return {
        "metadata": metadata(
            cluster,
            "Pod",
            pod.name,
            pod.created,
            namespace=workload.namespace,
            changed=min(at, ready_at),
            labels=pod_labels(pod) | (demands.labels if demands else {}),
            annotations=_annotations(cluster, pod, demands, address if started else ""),
            ownerReferences=[_owner(cluster, pod)],
        ),
        "spec": {
            "containers": [container_of(cluster, workload, pod.revision.image)],
            "restartPolicy": "Always",
            "terminationGracePeriodSeconds": 30,
            "dnsPolicy": "ClusterFirst",
            "serviceAccountName": "default",
            "nodeName": pod.node,
            "schedulerName": "default-scheduler",
            **({"runtimeClassName": f"performance-{performance.PROFILE}"} if demands else {}),
        },
        "status": {
            "phase": "Running" if started else "Pending",
            "conditions": [
                condition("Initialized", holds=True, since=pod.created, reason="", message=""),
                condition("Ready", holds=ready, since=min(at, ready_at), reason=words[0], message=words[1]),
                condition("ContainersReady", holds=ready, since=min(at, ready_at), reason=words[0], message=words[1]),
                condition("PodScheduled", holds=True, since=pod.created, reason="", message=""),
            ],
            "hostIP": node.address,
            "podIP": address,
            "podIPs": [{"ip": address}],
            "startTime": rfc3339(pod.created),
            "containerStatuses": [_container_status(pod, restarts, ready=ready, started=started)],
            "qosClass": "Guaranteed" if demands else "Burstable",
        },
    }


def _annotations(
    cluster: SimulatedCluster, pod: Pod, demands: performance.Demands | None, address: str
) -> dict[str, str]:
    """The annotations of a pod; ``address`` is empty before it has its networks."""
    if demands is None:
        return {}
    requested = performance.requested_networks(demands)
    if not address:
        return requested
    status = performance.network_status(cluster, demands, pod.name, address)
    return requested | {"k8s.v1.cni.cncf.io/network-status": status}


def container_of(cluster: SimulatedCluster, workload: Workload, image: str) -> Object:
    """A workload's container with an image and its requests and limits, as pods and templates name it."""
    demands = performance.demands_of(cluster.layout.profile, workload)
    cpu = f"{max(10, round(workload.cpu_cores * 1000 / 10) * 10)}m"
    limits = {"memory": f"{workload.memory_limit_bytes // 2**20}Mi"}
    if workload.cpu_limited:
        limits["cpu"] = f"{max(100, round(workload.cpu_cores * 2.5, 1) * 1000):.0f}m"
    resources = {"requests": {"cpu": cpu, "memory": f"{workload.memory_bytes // 2**20}Mi"}, "limits": limits}
    if demands:
        resources = demands.resources(workload.memory_limit_bytes // 2**20)
    return {
        "name": workload.name,
        "image": image,
        "ports": [{"containerPort": 8080, "protocol": "TCP"}],
        "resources": resources,
        "terminationMessagePath": "/dev/termination-log",
        "terminationMessagePolicy": "File",
        "imagePullPolicy": "IfNotPresent",
    }


def _container_status(pod: Pod, restarts: list[Restart], *, ready: bool, started: bool) -> Object:
    begun = restarts[-1].at + RESTART_SECONDS if restarts else pod.created + POD_START_SECONDS
    state: Object = {"running": {"startedAt": rfc3339(begun)}}
    if not ready:
        state = {"waiting": {"reason": "ContainerCreating"}}
    last: Object = {}
    if restarts:
        before = restarts[-2].at + RESTART_SECONDS if len(restarts) > 1 else pod.created + POD_START_SECONDS
        last = {
            "terminated": {
                "exitCode": restarts[-1].exit_code,
                "reason": restarts[-1].reason,
                "startedAt": rfc3339(before),
                "finishedAt": rfc3339(restarts[-1].at),
            }
        }
    return {
        "name": pod.container,
        "state": state,
        "lastState": last,
        "ready": ready,
        "restartCount": len(restarts),
        "image": pod.revision.image,
        "imageID": f"{pod.revision.image.rpartition(':')[0]}@sha256:{pod.revision.template_hash}",
        "started": started,
    }
