"""The PTP operator: clocks' configurations, and the devices that can tell the time."""

from __future__ import annotations

from simulator.cluster import SimulatedCluster
from simulator.kubernetes.meta import Object, custom_object
from simulator.layout import Node

_GROUP_VERSION = "ptp.openshift.io/v1"
_NAMESPACE = "openshift-ptp"
_CLOCKS = 2
_THRESHOLD = {"holdOverTimeout": 5, "maxOffsetThreshold": 100, "minOffsetThreshold": -100}
_ORDINARY = """[global]
twoStepFlag 1
slaveOnly 1
priority1 128
priority2 128
domainNumber 24
network_transport L2
"""
_BOUNDARY = """[ens1f0]
masterOnly 0
[ens1f1]
masterOnly 1
[global]
twoStepFlag 1
priority1 128
priority2 128
domainNumber 24
boundary_clock_jbod 0
network_transport L2
"""


def clocks_of(cluster: SimulatedCluster) -> list[Node]:
    """The nodes with PTP clocks: the first two workers, as the metrics have it."""
    workers = [node for node in cluster.layout.nodes if not node.control_plane]
    return workers[:_CLOCKS] if cluster.layout.profile.ptp else []


def configurations(cluster: SimulatedCluster, at: float) -> list[Object]:
    """Two PtpConfigs: an ordinary clock on the first of the nodes, a boundary clock on the second."""
    roles = (
        ("ordinary-clock", {"interface": "ens1f0", "ptp4lConf": _ORDINARY, "ptp4lOpts": "-2 -s --summary_interval -4"}),
        ("boundary-clock", {"ptp4lConf": _BOUNDARY, "ptp4lOpts": "-2 --summary_interval -4"}),
    )
    return [
        _configuration(cluster, name, own, node) for (name, own), node in zip(roles, clocks_of(cluster), strict=False)
    ]


def _configuration(cluster: SimulatedCluster, name: str, own: dict[str, str], node: Node) -> Object:
    profile = {
        "name": name,
        "phc2sysOpts": "-a -r -m -n 24 -N 8 -R 16",
        "ptpClockThreshold": _THRESHOLD,
        "ptpSchedulingPolicy": "SCHED_FIFO",
        "ptpSchedulingPriority": 10,
        "ptpSettings": {"logReduce": "true"},
        **own,
    }
    return custom_object(
        cluster,
        _GROUP_VERSION,
        "PtpConfig",
        name,
        _NAMESPACE,
        spec={
            "profile": [profile],
            "recommend": [{"match": [{"nodeName": node.name}], "priority": 4, "profile": name}],
        },
        status={"matchList": [{"nodeName": node.name, "profile": name}]},
    )


def devices(cluster: SimulatedCluster, at: float) -> list[Object]:
    """One NodePtpDevice a worker, with what its network cards say of themselves."""
    return [
        custom_object(
            cluster,
            _GROUP_VERSION,
            "NodePtpDevice",
            node.name,
            _NAMESPACE,
            spec={},
            status={"devices": [_device(name, index) for index, name in enumerate(("ens1f0", "ens1f1"))]},
        )
        for node in cluster.layout.nodes
        if not node.control_plane
    ]


def _device(name: str, index: int) -> Object:
    return {
        "hardwareInfo": {
            "deviceID": "0x1593",
            "driverVersion": "5.14.0-427.33.1.el9_4.x86_64",
            "firmwareVersion": "4.40 0x8001c967 1.3534.0",
            "linkSpeed": "25000 Mb/s",
            "linkStatus": "up",
            "pciAddress": f"0000:17:00.{index}",
            "vendorID": "0x8086",
        },
        "name": name,
    }


def operator_configurations(cluster: SimulatedCluster, at: float) -> list[Object]:
    """The operator's own configuration."""
    events = {
        "apiVersion": "2.0",
        "enableEventPublisher": True,
        "transportHost": "http://ptp-event-publisher-service-NODE_NAME.openshift-ptp.svc.cluster.local:9043",
    }
    return [
        custom_object(
            cluster,
            _GROUP_VERSION,
            "PtpOperatorConfig",
            "default",
            _NAMESPACE,
            spec={"daemonNodeSelector": {"node-role.kubernetes.io/worker": ""}, "ptpEventConfig": events},
        )
    ]
