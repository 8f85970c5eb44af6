"""Nodes tuned for low latency: the PerformanceProfile, their huge pages, and what a radio workload asks of them."""

from __future__ import annotations

import json
from dataclasses import dataclass

from simulator.cluster import SimulatedCluster
from simulator.kubernetes.meta import Object, born, condition, custom_object
from simulator.kubernetes.objects.node_parts import NodeParts
from simulator.kubernetes.objects.sriov import POLICIES, function_address
from simulator.layout import GIB, Node, Profile, Workload
from simulator.randomness import uniforms

PROFILE = "telco-du"
_PAGES = 8
_RESERVED = "0-1"


def node_parts(cluster: SimulatedCluster, node: Node) -> NodeParts:
    """What the profile makes of a node: huge pages, taken from its memory."""
    if not cluster.layout.profile.ptp or node.control_plane:
        return NodeParts()
    capacity = {"hugepages-1Gi": f"{_PAGES}Gi", "hugepages-2Mi": "0"}
    left = {"memory": f"{(node.memory_bytes - _PAGES * GIB) // 1024}Ki"}
    labels = {"feature.node.kubernetes.io/kernel-version.full": "5.14.0-427.33.1.el9_4.x86_64+rt"}
    return NodeParts(labels=labels, capacity=capacity, allocatable=left)


def profiles(cluster: SimulatedCluster, at: float) -> list[Object]:
    """The one PerformanceProfile."""
    since = born(cluster) + 5000
    states = (("Available", True), ("Upgradeable", True), ("Progressing", False), ("Degraded", False))
    cores = min(node.cores for node in cluster.layout.nodes if not node.control_plane)
    return [
        custom_object(
            cluster,
            "performance.openshift.io/v2",
            "PerformanceProfile",
            PROFILE,
            spec={
                "additionalKernelArgs": ["rcupdate.rcu_normal_after_boot=0"],
                "cpu": {"isolated": f"2-{cores - 1}", "reserved": _RESERVED},
                "globallyDisableIrqLoadBalancing": False,
                "hugepages": {"defaultHugepagesSize": "1G", "pages": [{"count": _PAGES, "size": "1G"}]},
                "machineConfigPoolSelector": {"pools.operator.machineconfiguration.openshift.io/worker": ""},
                "nodeSelector": {"node-role.kubernetes.io/worker": ""},
                "numa": {"topologyPolicy": "restricted"},
                "realTimeKernel": {"enabled": True},
                "workloadHints": {"perPodPowerManagement": False, "realTime": True},
            },
            status={
                "conditions": [
                    condition(kind, holds=holds, since=since, reason="", message="") for kind, holds in states
                ],
                "runtimeClass": f"performance-{PROFILE}",
                "tuned": f"openshift-cluster-node-tuning-operator/openshift-node-performance-{PROFILE}",
            },
        )
    ]


@dataclass(frozen=True)
class Demands:
    """What a pod with a data plane of its own asks for: whole cores, huge pages and virtual functions."""

    cores: int
    hugepages_1gi: int
    functions: dict[str, int]
    labels: dict[str, str]

    def resources(self, memory_mib: int) -> dict[str, dict[str, str]]:
        """Requests and limits, which are the same: the pod is Guaranteed."""
        amounts = {
            "cpu": str(self.cores),
            "hugepages-1Gi": f"{self.hugepages_1gi}Gi",
            "memory": f"{memory_mib}Mi",
            **{f"openshift.io/{name}": str(count) for name, count in self.functions.items()},
        }
        return {"requests": amounts, "limits": amounts}


_DISTRIBUTED_UNIT = Demands(
    cores=4,
    hugepages_1gi=4,
    functions={"fronthaul": 2, "midhaul": 1},
    labels={"app.kubernetes.io/component": "du", "app.kubernetes.io/part-of": "ran"},
)


def demands_of(profile: Profile, workload: Workload) -> Demands | None:
    """What a workload's pods ask for beyond CPU and memory; None for an ordinary workload."""
    return _DISTRIBUTED_UNIT if profile.ptp and workload.key == ("ran", "cell-manager") else None


def requested_networks(demands: Demands) -> dict[str, str]:
    """The annotations by which a pod asks for its further interfaces and for undisturbed cores."""
    names = [f"ran/{name}" for name, count in demands.functions.items() for _ in range(count)]
    return {
        "cpu-load-balancing.crio.io": "disable",
        "cpu-quota.crio.io": "disable",
        "irq-load-balancing.crio.io": "disable",
        "k8s.v1.cni.cncf.io/networks": ", ".join(names),
    }


def network_status(cluster: SimulatedCluster, demands: Demands, pod: str, address: str) -> str:
    """What Multus writes of a pod's interfaces: a JSON list, the cluster's own network first."""
    low, *_ = uniforms(cluster.name, pod, "functions")
    entries: list[Object] = [
        {"name": "ovn-kubernetes", "interface": "eth0", "ips": [address], "default": True, "dns": {}}
    ]
    for index, policy in enumerate(POLICIES):
        for number in range(demands.functions.get(policy.resource, 0)):
            entries.append(
                {
                    "name": f"ran/{policy.name}",
                    "interface": f"net{len(entries)}",
                    "dns": {},
                    "device-info": {
                        "type": "pci",
                        "version": "1.1.0",
                        "pci": {"pci-address": function_address(index, (number + int(low * 4)) % policy.functions)},
                    },
                }
            )
    return json.dumps(entries, indent=4)
