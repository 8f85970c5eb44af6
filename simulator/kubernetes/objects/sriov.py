"""The SR-IOV operator: interfaces and virtual functions of nodes, the policies that made them, and their networks."""

from __future__ import annotations

import json
from dataclasses import dataclass

from simulator.cluster import SimulatedCluster
from simulator.kubernetes.meta import Object, custom_object
from simulator.kubernetes.objects.node_parts import NodeParts
from simulator.layout import Node
from simulator.randomness import uniforms

_GROUP_VERSION = "sriovnetwork.openshift.io/v1"
_NAMESPACE = "openshift-sriov-network-operator"
_UNHEALTHY_SHARE = 0.15


@dataclass(frozen=True)
class Policy:
    """A policy: which physical function it cuts into how many virtual ones, with which driver, under which name."""

    name: str
    resource: str
    interface: str
    functions: int
    driver: str
    vlan: int
    mtu: int = 1500


POLICIES = (
    Policy("fronthaul", "fronthaul", "ens1f0", 8, "vfio-pci", 0, 9000),
    Policy("midhaul", "midhaul", "ens1f1", 4, "netdevice", 140),
)


def nodes_of(cluster: SimulatedCluster) -> list[Node]:
    """The nodes with SR-IOV: all workers of a cluster for radio access."""
    return [node for node in cluster.layout.nodes if cluster.layout.profile.ptp and not node.control_plane]


def node_parts(cluster: SimulatedCluster, node: Node) -> NodeParts:
    """What the operator's device plugin tells of a node."""
    if node not in nodes_of(cluster):
        return NodeParts()
    capacity = {f"openshift.io/{policy.resource}": str(policy.functions) for policy in POLICIES}
    short = uniforms(cluster.layout.seed, cluster.name, node.name, "unhealthy-function")[0] < _UNHEALTHY_SHARE
    allocatable = {"openshift.io/midhaul": str(POLICIES[1].functions - 1)} if short else {}
    labels = {"feature.node.kubernetes.io/network-sriov.capable": "true"}
    return NodeParts(labels=labels, capacity=capacity, allocatable=allocatable)


def node_states(cluster: SimulatedCluster, at: float) -> list[Object]:
    """One SriovNetworkNodeState a node, in sync."""
    return [
        custom_object(
            cluster,
            _GROUP_VERSION,
            "SriovNetworkNodeState",
            node.name,
            _NAMESPACE,
            spec={"interfaces": [_wanted(index, policy) for index, policy in enumerate(POLICIES)]},
            status={
                "interfaces": [
                    *(_physical(cluster, node, index, policy) for index, policy in enumerate(POLICIES)),
                    _management(cluster, node),
                ],
                "syncStatus": "Succeeded",
            },
        )
        for node in nodes_of(cluster)
    ]


def _address(index: int) -> str:
    return f"0000:17:00.{index}"


def _wanted(index: int, policy: Policy) -> Object:
    return {
        "linkType": "eth",
        "mtu": policy.mtu,
        "name": policy.interface,
        "numVfs": policy.functions,
        "pciAddress": _address(index),
        "vfGroups": [
            {
                "deviceType": policy.driver,
                "mtu": policy.mtu,
                "policyName": policy.name,
                "resourceName": policy.resource,
                "vfRange": f"0-{policy.functions - 1}",
            }
        ],
    }


def function_address(index: int, number: int) -> str:
    """The PCI address of a virtual function of the policy with this index."""
    return f"0000:17:{1 + 16 * index:02x}.{number}"


def _physical(cluster: SimulatedCluster, node: Node, index: int, policy: Policy) -> Object:
    return {
        "Vfs": [_virtual(cluster, node, index, policy, number) for number in range(policy.functions)],
        "deviceID": "1593",
        "driver": "ice",
        "eSwitchMode": "legacy",
        "linkAdminState": "up",
        "linkSpeed": "25000 Mb/s",
        "linkType": "ETH",
        "mac": _mac(cluster, node, policy.interface, "b4:96:91"),
        "mtu": policy.mtu,
        "name": policy.interface,
        "numVfs": policy.functions,
        "pciAddress": _address(index),
        "totalvfs": 128,
        "vendor": "8086",
    }


def _virtual(cluster: SimulatedCluster, node: Node, index: int, policy: Policy, number: int) -> Object:
    common = {
        "deviceID": "1889",
        "pciAddress": function_address(index, number),
        "vendor": "8086",
        "vfID": number,
    }
    if policy.driver == "vfio-pci":
        # Bound to vfio-pci a function has no network device: neither name nor address.
        return {**common, "driver": "vfio-pci"}
    name = f"{policy.interface}v{number}"
    return {
        **common,
        "Vlan": 0,
        "driver": "iavf",
        "mac": _mac(cluster, node, name, "a6:f1:3c"),
        "mtu": policy.mtu,
        "name": name,
    }


def _management(cluster: SimulatedCluster, node: Node) -> Object:
    """An interface that cannot be cut, whose link is what the node itself uses."""
    return {
        "deviceID": "1533",
        "driver": "igb",
        "linkAdminState": "up",
        "linkSpeed": "1000 Mb/s",
        "linkType": "ETH",
        "mac": _mac(cluster, node, "eno1", "3c:ec:ef"),
        "mtu": 1500,
        "name": "eno1",
        "pciAddress": "0000:02:00.0",
        "vendor": "8086",
    }


def _mac(cluster: SimulatedCluster, node: Node, name: str, prefix: str) -> str:
    parts = uniforms(cluster.layout.seed, cluster.name, node.name, name, "mac")[:3]
    return ":".join([prefix, *(f"{int(part * 256):02x}" for part in parts)])


def policies(cluster: SimulatedCluster, at: float) -> list[Object]:
    """The SriovNetworkNodePolicies; ``default`` is made by the operator itself and wants nothing."""
    selector = {"node-role.kubernetes.io/worker": ""}
    default = {"nicSelector": {}, "nodeSelector": {}, "numVfs": 0, "resourceName": "default-policy"}
    specs = {"default": default} | {
        policy.name: {
            "deviceType": policy.driver,
            "isRdma": False,
            "linkType": "eth",
            "mtu": policy.mtu,
            "nicSelector": {"deviceID": "1593", "pfNames": [policy.interface], "vendor": "8086"},
            "nodeSelector": selector,
            "numVfs": policy.functions,
            "priority": 10,
            "resourceName": policy.resource,
        }
        for policy in POLICIES
    }
    return [
        custom_object(cluster, _GROUP_VERSION, "SriovNetworkNodePolicy", name, _NAMESPACE, spec=spec)
        for name, spec in specs.items()
    ]


def networks(cluster: SimulatedCluster, at: float) -> list[Object]:
    """The SriovNetworks."""
    return [
        custom_object(
            cluster,
            _GROUP_VERSION,
            "SriovNetwork",
            policy.name,
            _NAMESPACE,
            spec={"networkNamespace": "ran", "resourceName": policy.resource, "vlan": policy.vlan},
        )
        for policy in POLICIES
    ]


def _plugin(policy: Policy) -> str:
    return json.dumps(
        {"cniVersion": "0.3.1", "name": policy.name, "type": "sriov", "vlan": policy.vlan, "ipam": {}},
        separators=(",", ":"),
    )


def attachments(cluster: SimulatedCluster, at: float) -> list[Object]:
    """The NetworkAttachmentDefinitions that the operator makes of the SriovNetworks."""
    return [
        custom_object(
            cluster,
            "k8s.cni.cncf.io/v1",
            "NetworkAttachmentDefinition",
            policy.name,
            "ran",
            annotations={"k8s.v1.cni.cncf.io/resourceName": f"openshift.io/{policy.resource}"},
            spec={"config": _plugin(policy)},
        )
        for policy in POLICIES
    ]
