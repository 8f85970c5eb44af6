"""What a node is for, and all that follows from it: roles, taints, and what hardware and operators add."""

from __future__ import annotations

from simulator.cluster import SimulatedCluster
from simulator.kubernetes.objects import gpu, machine_config, performance, sriov
from simulator.kubernetes.objects.node_parts import NodeParts, together
from simulator.layout import Node

_ROLE = "node-role.kubernetes.io/"
_SMALL = 6
"""Below so many workers the infrastructure nodes run workloads, too."""


def node_parts(cluster: SimulatedCluster, node: Node) -> NodeParts:
    """Everything about a node that is not the same for all nodes."""
    sources = (_of_role, _of_platform, machine_parts, gpu.node_parts, sriov.node_parts, performance.node_parts)
    return together(source(cluster, node) for source in sources)


def _of_role(cluster: SimulatedCluster, node: Node) -> NodeParts:
    profile = cluster.layout.profile
    if node.control_plane:
        role = f"{_ROLE}{'master' if profile.openshift else 'control-plane'}"
        labels = {role: ""} if profile.openshift else {}
        return NodeParts(labels=labels, taints=({"key": role, "effect": "NoSchedule"},))
    workers = [each.name for each in cluster.layout.nodes if not each.control_plane]
    special = workers[-1:] if len(workers) < _SMALL else workers[-2:]
    if not profile.openshift or node.name not in special or len(workers) < 2:
        return NodeParts()
    role = f"{_ROLE}{'edge' if profile.ptp else 'infra'}"
    alone = len(workers) >= _SMALL
    return NodeParts(labels={role: ""}, taints=({"key": role, "effect": "NoSchedule"},) if alone else ())


def _of_platform(cluster: SimulatedCluster, node: Node) -> NodeParts:
    index = next(index for index, each in enumerate(cluster.layout.nodes) if each.name == node.name)
    labels = {"topology.kubernetes.io/zone": f"{cluster.name}-{'abc'[index % 3]}"}
    if cluster.layout.profile.openshift:
        labels["node.openshift.io/os_id"] = "rhcos"
    return NodeParts(labels=labels)


def machine_parts(cluster: SimulatedCluster, node: Node) -> NodeParts:
    """What the machine config daemon notes at its node."""
    if not cluster.layout.profile.openshift:
        return NodeParts()
    prefix, name = "machineconfiguration.openshift.io", machine_config.rendered(cluster, machine_config.pool_of(node))
    return NodeParts(
        annotations={
            f"{prefix}/currentConfig": name,
            f"{prefix}/desiredConfig": name,
            f"{prefix}/reason": "",
            f"{prefix}/state": "Done",
        }
    )
