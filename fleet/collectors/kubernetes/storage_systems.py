"""Storage that runs in the cluster: OpenShift Data Foundation's StorageCluster and Rook's CephCluster."""

from __future__ import annotations

from fleet.collectors.kubernetes.objects import Condition, Metadata, Object
from fleet.collectors.kubernetes.openshift import holds
from fleet.collectors.kubernetes.text import NAME_CHARACTERS, clean
from fleet.inventory.operators import StorageSystem


class _Capacity(Object):
    bytes_total: int | None = None
    bytes_used: int | None = None


class _Ceph(Object):
    health: str | None = None
    capacity: _Capacity | None = None


class _CephVersion(Object):
    version: str | None = None


class _CephStatus(Object):
    phase: str | None = None
    message: str | None = None
    ceph: _Ceph | None = None
    version: _CephVersion | None = None


class CephClusterObject(Object):
    """ceph.rook.io/v1 CephCluster."""

    metadata: Metadata
    status: _CephStatus | None = None


def read_ceph(seen: CephClusterObject) -> StorageSystem:
    """A Ceph cluster with its own word on its health (``HEALTH_OK`` …)."""
    status = seen.status or _CephStatus()
    ceph = status.ceph or _Ceph()
    capacity = ceph.capacity or _Capacity()
    return StorageSystem(
        kind="CephCluster",
        namespace=clean(seen.metadata.namespace, 63),
        name=clean(seen.metadata.name, NAME_CHARACTERS),
        phase=clean(status.phase, 40),
        health=clean(ceph.health, 40),
        message=clean(status.message),
        version=clean(status.version.version if status.version else None, 60),
        capacity_bytes=capacity.bytes_total,
        used_bytes=capacity.bytes_used,
    )


class _StorageStatus(Object):
    phase: str | None = None
    version: str | None = None
    conditions: list[Condition] | None = None


class StorageClusterObject(Object):
    """ocs.openshift.io/v1 StorageCluster."""

    metadata: Metadata
    status: _StorageStatus | None = None


def read_storage_cluster(seen: StorageClusterObject) -> StorageSystem:
    """A StorageCluster with the message of its Degraded condition, where that holds."""
    status = seen.status or _StorageStatus()
    degraded = [each for each in status.conditions or [] if each.type == "Degraded" and holds(each)]
    return StorageSystem(
        kind="StorageCluster",
        namespace=clean(seen.metadata.namespace, 63),
        name=clean(seen.metadata.name, NAME_CHARACTERS),
        phase=clean(status.phase, 40),
        message=clean(degraded[0].message if degraded else None),
        version=clean(status.version, 60),
    )
