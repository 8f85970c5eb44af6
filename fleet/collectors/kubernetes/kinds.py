"""Every kind of object that is listed, over all namespaces: where it lives and what it is needed for.

The one table from which requests, gaps and the shipped ClusterRole are made: a kind that is not here is not read.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Kind:
    """A kind of objects.

    Attributes:
        plural: as it stands in paths and in rules of roles; also the name of the inventory's part.
        group: the API group, "" for the core group.
        versions: of the group that are known to have this kind, the best first. A group's preferred version need not
            have it: that of ``operators.coreos.com`` has no Subscription.
        needed_for: what discovery cannot tell without it.
        namespaced: whether its objects live in namespaces.
        names_only: names and labels are enough, so only metadata is asked for.
        label_selector: which objects are asked for, "" for all.
        page_size: objects a request where they are unusually large; None for the client's own.
    """

    plural: str
    group: str
    versions: tuple[str, ...]
    needed_for: str
    namespaced: bool = True
    names_only: bool = False
    label_selector: str = ""
    page_size: int | None = None

    @property
    def resource(self) -> str:
        """The resource with its group, as ``kubectl auth can-i`` takes it: ``pods``, ``deployments.apps``."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def right(self) -> str:
        """The right that reading it takes, in the whole cluster."""
        return f"list {self.resource}"

    def path(self, version: str) -> str:
        """The path of the list over all namespaces."""
        return f"/apis/{self.group}/{version}/{self.plural}" if self.group else f"/api/{version}/{self.plural}"


_V1 = ("v1",)

NODES = Kind("nodes", "", _V1, "nodes: roles, versions, capacity, GPUs, hugepages and devices", namespaced=False)
NAMESPACES = Kind("namespaces", "", _V1, "the namespaces", namespaced=False, names_only=True)
PODS = Kind("pods", "", _V1, "pods: where they run, restarts, kills for want of memory, image digests, hugepages")
EVENTS = Kind("events", "", _V1, "warnings, evictions and scaling as changes")
NEW_EVENTS = Kind("events", "events.k8s.io", _V1, "the same events, where the core API's may not be read")
"""The same objects once more, hence none of those below: no right is missing while one of the two is there."""

SERVICES = Kind("services", "", _V1, "finding Prometheus, Alertmanager, Loki, Tempo and Korrel8r behind Services")

DEPLOYMENTS = Kind("deployments", "apps", _V1, "workloads with their images and configuration")
STATEFUL_SETS = Kind("statefulsets", "apps", _V1, "workloads with their images and configuration")
DAEMON_SETS = Kind("daemonsets", "apps", _V1, "workloads with their images and configuration")
REPLICA_SETS = Kind("replicasets", "apps", _V1, "rollouts, and which workload a pod belongs to")

CLUSTER_VERSIONS = Kind(
    "clusterversions", "config.openshift.io", _V1, "the OpenShift version and its history", namespaced=False
)
CLUSTER_OPERATORS = Kind(
    "clusteroperators", "config.openshift.io", _V1, "the health of OpenShift's own operators", namespaced=False
)
INFRASTRUCTURES = Kind(
    "infrastructures", "config.openshift.io", _V1, "the platform below OpenShift and its topology", namespaced=False
)
MACHINE_CONFIG_POOLS = Kind(
    "machineconfigpools",
    "machineconfiguration.openshift.io",
    _V1,
    "machine configuration: rendered configs, updates under way, degraded machines",
    namespaced=False,
)
API_REQUEST_COUNTS = Kind(
    "apirequestcounts",
    "apiserver.openshift.io",
    _V1,
    "deprecated APIs that are still in use",
    namespaced=False,
    # Each counts a day of requests by node and user.
    page_size=100,
)

SUBSCRIPTIONS = Kind("subscriptions", "operators.coreos.com", ("v1alpha1",), "operators: channel and pending upgrades")
CLUSTER_SERVICE_VERSIONS = Kind(
    "clusterserviceversions",
    "operators.coreos.com",
    ("v1alpha1",),
    "operators: version and phase",
    # An operator for all namespaces has a copy of some hundred kilobytes in each of them.
    label_selector="!olm.copiedFrom",
    page_size=100,
)

CLUSTER_POLICIES = Kind(
    "clusterpolicies", "nvidia.com", _V1, "the state of the GPU operator and its driver", namespaced=False
)
SRIOV_NODE_STATES = Kind(
    "sriovnetworknodestates", "sriovnetwork.openshift.io", _V1, "SR-IOV: interfaces, virtual functions, their state"
)
PTP_CONFIGS = Kind("ptpconfigs", "ptp.openshift.io", _V1, "PTP: profiles and the nodes that they are matched to")
NODE_PTP_DEVICES = Kind("nodeptpdevices", "ptp.openshift.io", _V1, "PTP: clock devices of nodes, their firmware")
PTP_OPERATOR_CONFIGS = Kind("ptpoperatorconfigs", "ptp.openshift.io", _V1, "PTP: whether events are published")
PERFORMANCE_PROFILES = Kind(
    "performanceprofiles",
    "performance.openshift.io",
    ("v2", "v1"),
    "isolated CPUs, hugepages and real-time kernels as they were asked for",
    namespaced=False,
)
NETWORK_ATTACHMENTS = Kind(
    "network-attachment-definitions", "k8s.cni.cncf.io", _V1, "further networks of pods", names_only=True
)
STORAGE_CLUSTERS = Kind("storageclusters", "ocs.openshift.io", _V1, "OpenShift Data Foundation: phase")
CEPH_CLUSTERS = Kind("cephclusters", "ceph.rook.io", _V1, "Ceph: phase, health and capacity")

PROMETHEUSES = Kind(
    "prometheuses", "monitoring.coreos.com", _V1, "whether the Prometheus operator is used", names_only=True
)
LOKI_STACKS = Kind(
    "lokistacks", "loki.grafana.com", ("v1", "v1beta1"), "whether the Loki operator is used", names_only=True
)
TEMPO_STACKS = Kind(
    "tempostacks", "tempo.grafana.com", ("v1alpha1",), "whether the Tempo operator is used", names_only=True
)
TEMPO_MONOLITHICS = Kind(
    "tempomonolithics", "tempo.grafana.com", ("v1alpha1",), "whether the Tempo operator is used", names_only=True
)
ROUTES = Kind(
    "routes", "route.openshift.io", _V1, "finding the endpoints of OpenShift's monitoring, logging and tracing"
)
MANAGED_CLUSTERS = Kind(
    "managedclusters",
    "cluster.open-cluster-management.io",
    _V1,
    "whether this is a hub of Advanced Cluster Management",
    namespaced=False,
    names_only=True,
)

BUILT_IN = (NODES, NAMESPACES, PODS, EVENTS, SERVICES, DEPLOYMENTS, STATEFUL_SETS, DAEMON_SETS, REPLICA_SETS)
"""What every Kubernetes has."""
CUSTOM = (
    CLUSTER_VERSIONS,
    CLUSTER_OPERATORS,
    INFRASTRUCTURES,
    MACHINE_CONFIG_POOLS,
    API_REQUEST_COUNTS,
    SUBSCRIPTIONS,
    CLUSTER_SERVICE_VERSIONS,
    CLUSTER_POLICIES,
    SRIOV_NODE_STATES,
    PTP_CONFIGS,
    NODE_PTP_DEVICES,
    PTP_OPERATOR_CONFIGS,
    PERFORMANCE_PROFILES,
    NETWORK_ATTACHMENTS,
    STORAGE_CLUSTERS,
    CEPH_CLUSTERS,
    PROMETHEUSES,
    LOKI_STACKS,
    TEMPO_STACKS,
    TEMPO_MONOLITHICS,
    ROUTES,
    MANAGED_CLUSTERS,
)
"""What is there only with its API group."""
KINDS = (*BUILT_IN, *CUSTOM)
"""All of them."""
