"""NVIDIA's GPU operator: which nodes have GPUs, their labels and resources, and the ClusterPolicy."""

from __future__ import annotations

from dataclasses import dataclass

from simulator.cluster import SimulatedCluster
from simulator.kubernetes.meta import Object, born, condition, custom_object
from simulator.kubernetes.objects.node_parts import NodeParts
from simulator.layout import Node
from simulator.randomness import uniforms

_NAMESPACE = "nvidia-gpu-operator"
_DRIVER = ("550", "90", "07")
_UNHEALTHY_SHARE = 0.25


@dataclass(frozen=True)
class Gpus:
    """The GPUs of a node; ``mig`` names MIG devices by profile, which ``split`` of its GPUs are cut into."""

    product: str
    count: int
    memory_mib: int
    family: str
    mig: tuple[tuple[str, int], ...] = ()
    split: int = 0


_L4 = Gpus("NVIDIA-L4", 2, 23034, "ada-lovelace")
_H200 = Gpus("NVIDIA-H200", 4, 143771, "hopper", (("mig-1g.18gb", 2), ("mig-3g.71gb", 2)), split=1)


def gpus_of(cluster: SimulatedCluster, node: Node) -> Gpus | None:
    """The GPUs of a node; the third of an accelerated cluster's workers has them cut by MIG's mixed strategy."""
    workers = [each.name for each in cluster.layout.nodes if not each.control_plane]
    if node.name not in workers[: cluster.layout.profile.gpu_nodes]:
        return None
    return _H200 if workers.index(node.name) == 2 else _L4


def node_parts(cluster: SimulatedCluster, node: Node) -> NodeParts:
    """What GPU feature discovery and the device plugin tell of a node."""
    gpus = gpus_of(cluster, node)
    if gpus is None:
        return NodeParts()
    whole = gpus.count - gpus.split
    capacity = {"nvidia.com/gpu": str(whole), **{f"nvidia.com/{name}": str(count) for name, count in gpus.mig}}
    allocatable = {}
    if uniforms(cluster.layout.seed, cluster.name, node.name, "unhealthy-gpu")[0] < _UNHEALTHY_SHARE:
        allocatable["nvidia.com/gpu"] = str(whole - 1)
    return NodeParts(labels=_labels(gpus), capacity=capacity, allocatable=allocatable)


def _labels(gpus: Gpus) -> dict[str, str]:
    major, minor, revision = _DRIVER
    labels = {
        "feature.node.kubernetes.io/pci-10de.present": "true",
        "nvidia.com/cuda.driver-version.full": ".".join(_DRIVER),
        "nvidia.com/cuda.driver-version.major": major,
        "nvidia.com/cuda.driver-version.minor": minor,
        "nvidia.com/cuda.driver-version.revision": revision,
        "nvidia.com/cuda.driver.major": major,
        "nvidia.com/cuda.driver.minor": minor,
        "nvidia.com/cuda.driver.rev": revision,
        "nvidia.com/cuda.runtime-version.full": "12.4",
        "nvidia.com/gpu-driver-upgrade-state": "upgrade-done",
        "nvidia.com/gpu.count": str(gpus.count),
        "nvidia.com/gpu.deploy.dcgm-exporter": "true",
        "nvidia.com/gpu.deploy.device-plugin": "true",
        "nvidia.com/gpu.deploy.driver": "true",
        "nvidia.com/gpu.family": gpus.family,
        "nvidia.com/gpu.memory": str(gpus.memory_mib),
        "nvidia.com/gpu.present": "true",
        "nvidia.com/gpu.product": gpus.product,
        "nvidia.com/gpu.replicas": "1",
        "nvidia.com/gpu.sharing-strategy": "none",
        "nvidia.com/mig.capable": "true" if gpus.mig else "false",
        "nvidia.com/mig.strategy": "mixed" if gpus.mig else "single",
    }
    if gpus.mig:
        labels |= {"nvidia.com/mig.config": "custom-mixed", "nvidia.com/mig.config.state": "success"}
    for name, count in gpus.mig:
        labels |= {
            f"nvidia.com/{name}.count": str(count),
            f"nvidia.com/{name}.product": f"{gpus.product}-{name.replace('mig', 'MIG')}",
            f"nvidia.com/{name}.replicas": "1",
        }
    return labels


def cluster_policies(cluster: SimulatedCluster, at: float) -> list[Object]:
    """The GPU operator's one ClusterPolicy, ready."""
    since = born(cluster) + 3 * 3600
    message = "ClusterPolicy is ready as all resources have been successfully reconciled"
    mixed = any(gpus.mig for node in cluster.layout.nodes if (gpus := gpus_of(cluster, node)))
    return [
        custom_object(
            cluster,
            "nvidia.com/v1",
            "ClusterPolicy",
            "gpu-cluster-policy",
            after=3 * 3600 - 900,
            spec={
                "daemonsets": {"updateStrategy": "RollingUpdate"},
                "dcgm": {"enabled": True},
                "dcgmExporter": {"enabled": True, "serviceMonitor": {"enabled": True}},
                "devicePlugin": {"enabled": True},
                "driver": {"enabled": True, "version": ".".join(_DRIVER)},
                "gfd": {"enabled": True},
                "mig": {"strategy": "mixed" if mixed else "single"},
                "operator": {"defaultRuntime": "crio", "use_ocp_driver_toolkit": True},
                "toolkit": {"enabled": True},
            },
            status={
                "conditions": [
                    condition("Ready", holds=True, since=since, reason="Reconciled", message=message),
                    condition("Error", holds=False, since=since, reason="Ready", message=""),
                ],
                "namespace": _NAMESPACE,
                "state": "ready",
            },
        )
    ]


def node_feature_discoveries(cluster: SimulatedCluster, at: float) -> list[Object]:
    """Node Feature Discovery's one instance."""
    since = born(cluster) + 2.5 * 3600
    states = (("Available", True), ("Upgradeable", True), ("Progressing", False), ("Degraded", False))
    return [
        custom_object(
            cluster,
            "nfd.openshift.io/v1",
            "NodeFeatureDiscovery",
            "nfd-instance",
            "openshift-nfd",
            after=2.5 * 3600,
            spec={"operand": {"image": "registry.redhat.io/openshift4/ose-node-feature-discovery-rhel9:v4.16"}},
            status={
                "conditions": [
                    condition(kind, holds=holds, since=since, reason="", message="") for kind, holds in states
                ]
            },
        )
    ]
