"""What a cluster stands on and what was installed into it: the kinds that are there only with their API group."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TypeVar

import msgspec

from fleet.collectors.kubernetes import kinds
from fleet.collectors.kubernetes.gpus import ClusterPolicyObject, read_policy
from fleet.collectors.kubernetes.kinds import Kind
from fleet.collectors.kubernetes.listing import Reading
from fleet.collectors.kubernetes.machine_config import (
    MachineConfigPoolObject,
    PerformanceProfileObject,
    read_pool,
    read_profile,
)
from fleet.collectors.kubernetes.objects import NamedObject
from fleet.collectors.kubernetes.olm import (
    ClusterServiceVersionObject,
    SubscriptionObject,
    join_operators,
    read_subscription,
    read_version,
)
from fleet.collectors.kubernetes.openshift import (
    ApiRequestCountObject,
    ClusterOperatorObject,
    ClusterVersionObject,
    InfrastructureObject,
    SeenVersion,
    read_cluster_operator,
    read_cluster_version,
    read_infrastructure,
    read_request_count,
    version_changes,
)
from fleet.collectors.kubernetes.parts import Parts, Pending
from fleet.collectors.kubernetes.ptp import (
    NodePtpDeviceObject,
    PtpConfigObject,
    PtpOperatorConfigObject,
    events_published,
    read_config,
    read_devices,
)
from fleet.collectors.kubernetes.sriov import SriovNodeStateObject, read_node_state
from fleet.collectors.kubernetes.storage_systems import (
    CephClusterObject,
    StorageClusterObject,
    read_ceph,
    read_storage_cluster,
)
from fleet.inventory.inventory import Inventory

FormT = TypeVar("FormT", bound=msgspec.Struct)
SeenT = TypeVar("SeenT")

_COUNTED = (
    kinds.NETWORK_ATTACHMENTS,
    kinds.PROMETHEUSES,
    kinds.LOKI_STACKS,
    kinds.TEMPO_STACKS,
    kinds.TEMPO_MONOLITHICS,
    kinds.MANAGED_CLUSTERS,
)


class Platform:
    """The lists of what a platform brings along, begun at once; :meth:`fill` waits for them."""

    def __init__(self, parts: Parts, hour: int) -> None:
        """Begin.

        Args:
            parts: of the cluster.
            hour: of the day, UTC, now.
        """
        self._parts = parts
        self._versions = self._begin(kinds.CLUSTER_VERSIONS, ClusterVersionObject, read_cluster_version)
        self._infrastructures = self._begin(kinds.INFRASTRUCTURES, InfrastructureObject, read_infrastructure)
        self._cluster_operators = self._begin(kinds.CLUSTER_OPERATORS, ClusterOperatorObject, read_cluster_operator)
        self._pools = self._begin(kinds.MACHINE_CONFIG_POOLS, MachineConfigPoolObject, read_pool)
        self._profiles = self._begin(kinds.PERFORMANCE_PROFILES, PerformanceProfileObject, read_profile)
        self._counts = self._begin(kinds.API_REQUEST_COUNTS, ApiRequestCountObject, partial(read_request_count, hour))
        self._subscriptions = self._begin(kinds.SUBSCRIPTIONS, SubscriptionObject, read_subscription)
        self._installed = self._begin(kinds.CLUSTER_SERVICE_VERSIONS, ClusterServiceVersionObject, read_version)
        self._policies = self._begin(kinds.CLUSTER_POLICIES, ClusterPolicyObject, read_policy)
        self._sriov = self._begin(kinds.SRIOV_NODE_STATES, SriovNodeStateObject, read_node_state)
        self._ptp_configs = self._begin(kinds.PTP_CONFIGS, PtpConfigObject, read_config)
        self._ptp_devices = self._begin(kinds.NODE_PTP_DEVICES, NodePtpDeviceObject, read_devices)
        self._ptp_operators = self._begin(kinds.PTP_OPERATOR_CONFIGS, PtpOperatorConfigObject, lambda seen: seen)
        self._storage = self._begin(kinds.STORAGE_CLUSTERS, StorageClusterObject, read_storage_cluster)
        self._ceph = self._begin(kinds.CEPH_CLUSTERS, CephClusterObject, read_ceph)
        self._counted = {kind.plural: self._begin(kind, NamedObject, lambda seen: seen) for kind in _COUNTED}

    def fill(self, inventory: Inventory) -> None:
        """Puts what was read into the inventory.

        Raises:
            fleet.errors.SourceError: nothing was read so far, and nothing will be.
        """
        take = self._parts.take
        for version in take(self._versions)[:1]:
            _fill_version(inventory, version)
        inventory.infrastructure = next(iter(take(self._infrastructures)), None)
        inventory.cluster_operators = sorted(take(self._cluster_operators), key=lambda each: each.name)
        inventory.machine_config_pools = sorted(take(self._pools), key=lambda each: each.name)
        inventory.performance_profiles = sorted(take(self._profiles), key=lambda each: each.name)
        inventory.deprecated_apis = sorted(take(self._counts), key=lambda each: each.resource)
        inventory.operators = join_operators(take(self._subscriptions), take(self._installed))
        inventory.gpu_policies = sorted(take(self._policies), key=lambda each: each.name)
        inventory.sriov_nodes = sorted(take(self._sriov), key=lambda each: each.node)
        inventory.ptp_profiles = [profile for profiles in take(self._ptp_configs) for profile in profiles]
        inventory.ptp_devices = [device for devices in take(self._ptp_devices) for device in devices]
        inventory.ptp_events = events_published(take(self._ptp_operators))
        inventory.storage_systems = [*take(self._storage), *take(self._ceph)]
        for pending in self._counted.values():
            take(pending)
        if self._parts.whole(kinds.NETWORK_ATTACHMENTS):
            inventory.network_attachments = self._parts.counts.get(kinds.NETWORK_ATTACHMENTS.plural)

    def _begin(self, kind: Kind, form: type[FormT], take: Callable[[FormT], SeenT | None]) -> Pending[SeenT]:
        return self._parts.begin(Reading(kind, form, take))


def _fill_version(inventory: Inventory, version: SeenVersion) -> None:
    inventory.platform_version = version.current
    inventory.platform_target = version.target
    inventory.platform_channel = version.channel
    inventory.version_history = version.history
    inventory.changes.extend(version_changes(inventory.cluster_id, version.history))
