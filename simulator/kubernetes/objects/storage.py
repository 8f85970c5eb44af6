"""OpenShift Data Foundation: the StorageCluster and the CephCluster behind it."""

from __future__ import annotations

from simulator.cluster import SimulatedCluster
from simulator.kubernetes.meta import Object, born, condition, custom_object
from simulator.layout import GIB
from simulator.truth import rfc3339

_NAMESPACE = "openshift-storage"
_AFTER = 4 * 3600
_CEPH_IMAGE = "registry.redhat.io/rhceph/rhceph-7-rhel9:7-229"
_CEPH_VERSION = "ceph version 18.2.1-229.el9cp (ef652b206f2487adfc86613646a4cac946f6b4e0) reef (stable)"


def storage_clusters(cluster: SimulatedCluster, at: float) -> list[Object]:
    """The one StorageCluster, ready."""
    since = born(cluster) + _AFTER + 900
    done = "Reconcile completed successfully"
    states = (
        ("ReconcileComplete", True),
        ("Available", True),
        ("Progressing", False),
        ("Degraded", False),
        ("Upgradeable", True),
    )
    conditions = [
        condition(kind, holds=holds, since=since, reason="ReconcileCompleted", message=done)
        | {"lastHeartbeatTime": rfc3339(since)}
        for kind, holds in states
    ]
    device_set = {"count": 1, "dataPVCTemplate": {}, "name": "ocs-deviceset", "replica": 3}
    return [
        custom_object(
            cluster,
            "ocs.openshift.io/v1",
            "StorageCluster",
            "ocs-storagecluster",
            _NAMESPACE,
            after=_AFTER,
            spec={"resourceProfile": "balanced", "storageDeviceSets": [device_set]},
            status={
                "conditions": conditions,
                "currentMonCount": 3,
                "failureDomain": "rack",
                "images": {},
                "phase": "Ready",
                "version": "4.16.2",
            },
        )
    ]


def ceph_clusters(cluster: SimulatedCluster, at: float) -> list[Object]:
    """The one CephCluster, healthy, a third full."""
    since, total = born(cluster) + _AFTER + 600, 6144 * GIB
    ready = condition("Ready", holds=True, since=since, reason="ClusterCreated", message="Cluster created successfully")
    return [
        custom_object(
            cluster,
            "ceph.rook.io/v1",
            "CephCluster",
            "ocs-storagecluster-cephcluster",
            _NAMESPACE,
            after=_AFTER + 60,
            spec={"dataDirHostPath": "/var/lib/rook", "mon": {"count": 3}},
            status={
                "ceph": {
                    "capacity": {
                        "bytesAvailable": total - total // 3,
                        "bytesTotal": total,
                        "bytesUsed": total // 3,
                        "lastUpdated": rfc3339(cluster.timeline.anchor),
                    },
                    "fsid": "3f1f6a0e-8e9d-4f1c-9b65-0f6f2a3f6d11",
                    "health": "HEALTH_OK",
                    "lastChecked": rfc3339(cluster.timeline.anchor),
                    "versions": {"overall": {_CEPH_VERSION: 9}},
                },
                "conditions": [ready | {"lastHeartbeatTime": rfc3339(since)}],
                "message": "Cluster created successfully",
                "phase": "Ready",
                "state": "Created",
                "version": {
                    "image": _CEPH_IMAGE,
                    "version": "18.2.1-229",
                },
            },
        )
    ]
