"""Nodes and namespaces."""

from __future__ import annotations

from simulator.cluster import SimulatedCluster
from simulator.faults import Fault, pressure_from
from simulator.kubernetes.meta import Object, born, condition, metadata
from simulator.kubernetes.node_roles import node_parts
from simulator.kubernetes.objects.observability import TEMPO_NAMESPACE
from simulator.kubernetes.objects.operators import operators_of
from simulator.layout import Node
from simulator.options import FaultKind
from simulator.randomness import uid_of
from simulator.truth import rfc3339

_CAPACITY = {"ephemeral-storage": "125293548Ki", "hugepages-1Gi": "0", "hugepages-2Mi": "0", "pods": "250"}
_PRESSURES = (
    ("MemoryPressure", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
    ("DiskPressure", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
    ("PIDPressure", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
)


def kubelet_version(cluster: SimulatedCluster) -> str:
    """The Kubernetes version, as the API server and the kubelets say it."""
    return "v1.29.8+f10c92d" if cluster.layout.profile.openshift else "v1.30.4"


def nodes(cluster: SimulatedCluster, at: float) -> list[Object]:
    """The nodes as of a time."""
    return [_node(cluster, node, at) for node in cluster.layout.nodes]


def namespaces(cluster: SimulatedCluster, at: float) -> list[Object]:
    """The namespaces: those with workloads and the ones that every cluster has."""
    names = {*cluster.layout.namespaces, "default", "kube-system", "kube-public", *_of_operators(cluster)}
    return [
        {
            "metadata": metadata(
                cluster, "Namespace", name, born(cluster), labels={"kubernetes.io/metadata.name": name}
            ),
            "spec": {"finalizers": ["kubernetes"]},
            "status": {"phase": "Active"},
        }
        for name in sorted(names)
    ]


def _of_operators(cluster: SimulatedCluster) -> set[str]:
    profile = cluster.layout.profile
    names = {operator.namespace for operator in operators_of(profile)}
    if profile.openshift:
        names |= {"openshift-config-managed", "openshift-console", TEMPO_NAMESPACE}
    return names | ({"ran"} if profile.ptp else set())


def disk_faults(cluster: SimulatedCluster, node: Node) -> list[Fault]:
    """The disks that fill up on a node."""
    return [
        fault
        for fault in cluster.timeline.story.faults
        if fault.kind is FaultKind.DISK_FILLING and fault.node and fault.node.name == node.name
    ]


def _node(cluster: SimulatedCluster, node: Node, at: float) -> Object:
    start = born(cluster)
    role = "control-plane" if node.control_plane else "worker"
    labels = {
        "kubernetes.io/arch": "amd64",
        "kubernetes.io/hostname": node.name,
        "kubernetes.io/os": "linux",
        f"node-role.kubernetes.io/{role}": "",
    }
    parts = node_parts(cluster, node)
    capacity = _CAPACITY | {"cpu": str(node.cores), "memory": f"{node.memory_bytes // 1024}Ki"} | parts.capacity
    pressed, since = _disk_pressure(cluster, node, at)
    spec: Object = {"providerID": f"simulated:///{node.name}"}
    if parts.taints:
        spec["taints"] = list(parts.taints)
    return {
        "metadata": metadata(
            cluster,
            "Node",
            node.name,
            start,
            changed=since,
            labels=labels | parts.labels,
            annotations=parts.annotations,
        ),
        "spec": spec,
        "status": {
            "capacity": capacity,
            "allocatable": {**capacity, "cpu": f"{node.cores * 1000 - 500}m", **parts.allocatable},
            "conditions": _conditions(start, at, since, pressed=pressed),
            "addresses": [
                {"type": "InternalIP", "address": node.address},
                {"type": "Hostname", "address": node.name},
            ],
            "daemonEndpoints": {"kubeletEndpoint": {"Port": 10250}},
            "nodeInfo": _node_info(cluster, node),
        },
    }


def _conditions(start: float, at: float, disk_since: float | None, *, pressed: bool) -> list[Object]:
    found = []
    for kind, reason, message in _PRESSURES:
        on_disk = kind == "DiskPressure"
        if on_disk and pressed:
            reason, message = "KubeletHasDiskPressure", "kubelet has disk pressure"
        since = disk_since if on_disk and disk_since else start
        found.append(condition(kind, holds=on_disk and pressed, since=since, reason=reason, message=message))
    ready = "kubelet is posting ready status"
    found.append(condition("Ready", holds=True, since=start + 90, reason="KubeletReady", message=ready))
    for each in found:
        each["lastHeartbeatTime"] = rfc3339(at - at % 300)
    return found


def _disk_pressure(cluster: SimulatedCluster, node: Node, at: float) -> tuple[bool, float | None]:
    """Whether a node reports disk pressure at a time, and since when that is so."""
    since = None
    for fault in disk_faults(cluster, node):
        if pressure_from(fault) <= at < fault.end:
            return True, pressure_from(fault)
        if fault.end <= at:
            since = fault.end
    return False, since


def _node_info(cluster: SimulatedCluster, node: Node) -> Object:
    machine = uid_of(cluster.layout.seed, cluster.name, node.name, "machine")
    openshift = cluster.layout.profile.openshift
    runtime = "cri-o://1.29.7" if openshift else "containerd://1.7.20"
    return {
        "machineID": machine.replace("-", ""),
        "systemUUID": machine,
        "bootID": uid_of(cluster.layout.seed, cluster.name, node.name, "boot"),
        "kernelVersion": "5.14.0-427.33.1.el9_4.x86_64" if openshift else "6.1.0-25-amd64",
        "osImage": "Red Hat Enterprise Linux CoreOS 416.94" if openshift else "Debian GNU/Linux 12 (bookworm)",
        "containerRuntimeVersion": runtime,
        "kubeletVersion": kubelet_version(cluster),
        "kubeProxyVersion": kubelet_version(cluster),
        "operatingSystem": "linux",
        "architecture": "amd64",
    }
