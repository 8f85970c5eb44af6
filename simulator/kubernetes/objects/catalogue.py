"""Which kinds beyond the built-in ones a kind of cluster has."""

from __future__ import annotations

from simulator.kubernetes.objects import (
    gpu,
    hub,
    machine_config,
    observability,
    openshift,
    operators,
    performance,
    ptp,
    requests,
    routes,
    sriov,
    storage,
)
from simulator.kubernetes.objects.custom_kind import CustomKind, nothing
from simulator.layout import Profile

_CONFIG = "config.openshift.io"
_MACHINES = "machineconfiguration.openshift.io"
_MONITORING = "monitoring.coreos.com"
_SRIOV = "sriovnetwork.openshift.io"
_PTP = "ptp.openshift.io"

_PROMETHEUS_OPERATOR = (
    CustomKind(_MONITORING, "v1", "alertmanagers", "Alertmanager", observability.alertmanagers),
    CustomKind(_MONITORING, "v1", "prometheuses", "Prometheus", observability.prometheuses),
    CustomKind(_MONITORING, "v1", "prometheusrules", "PrometheusRule", nothing, short_names=("promrule",)),
    CustomKind(_MONITORING, "v1", "servicemonitors", "ServiceMonitor", nothing, short_names=("smon",)),
)
_OPENSHIFT = (
    CustomKind(_CONFIG, "v1", "clusteroperators", "ClusterOperator", openshift.cluster_operators, False, ("co",)),
    CustomKind(_CONFIG, "v1", "clusterversions", "ClusterVersion", openshift.cluster_versions, False),
    CustomKind(_CONFIG, "v1", "infrastructures", "Infrastructure", openshift.infrastructures, False),
    CustomKind(
        "apiserver.openshift.io", "v1", "apirequestcounts", "APIRequestCount", requests.api_request_counts, False
    ),
    CustomKind(_MACHINES, "v1", "machineconfigpools", "MachineConfigPool", machine_config.pools, False, ("mcp",)),
    CustomKind(_MACHINES, "v1", "machineconfigs", "MachineConfig", machine_config.machine_configs, False, ("mc",)),
    CustomKind("route.openshift.io", "v1", "routes", "Route", routes.routes, aggregated=True),
    CustomKind(
        operators.GROUP,
        "v1alpha1",
        "clusterserviceversions",
        "ClusterServiceVersion",
        operators.cluster_service_versions,
        short_names=("csv", "csvs"),
    ),
    CustomKind(
        operators.GROUP, "v1alpha1", "installplans", "InstallPlan", operators.install_plans, short_names=("ip",)
    ),
    CustomKind(
        operators.GROUP,
        "v1alpha1",
        "subscriptions",
        "Subscription",
        operators.subscriptions,
        short_names=("sub", "subs"),
    ),
    CustomKind("loki.grafana.com", "v1", "lokistacks", "LokiStack", observability.loki_stacks),
    CustomKind(
        "tempo.grafana.com",
        "v1alpha1",
        "tempostacks",
        "TempoStack",
        observability.tempo_stacks,
        short_names=("tempo", "tempos"),
    ),
)
_STORAGE = (
    CustomKind("ceph.rook.io", "v1", "cephclusters", "CephCluster", storage.ceph_clusters),
    CustomKind("ocs.openshift.io", "v1", "storageclusters", "StorageCluster", storage.storage_clusters),
)
_GPUS = (
    CustomKind("nvidia.com", "v1", "clusterpolicies", "ClusterPolicy", gpu.cluster_policies, False),
    CustomKind(
        "nfd.openshift.io",
        "v1",
        "nodefeaturediscoveries",
        "NodeFeatureDiscovery",
        gpu.node_feature_discoveries,
    ),
)
_RADIO = (
    CustomKind(_PTP, "v1", "nodeptpdevices", "NodePtpDevice", ptp.devices),
    CustomKind(_PTP, "v1", "ptpconfigs", "PtpConfig", ptp.configurations),
    CustomKind(_PTP, "v1", "ptpoperatorconfigs", "PtpOperatorConfig", ptp.operator_configurations),
    CustomKind(_SRIOV, "v1", "sriovnetworknodepolicies", "SriovNetworkNodePolicy", sriov.policies),
    CustomKind(_SRIOV, "v1", "sriovnetworknodestates", "SriovNetworkNodeState", sriov.node_states),
    CustomKind(_SRIOV, "v1", "sriovnetworks", "SriovNetwork", sriov.networks),
    CustomKind(
        "performance.openshift.io", "v2", "performanceprofiles", "PerformanceProfile", performance.profiles, False
    ),
    CustomKind(
        "k8s.cni.cncf.io",
        "v1",
        "network-attachment-definitions",
        "NetworkAttachmentDefinition",
        sriov.attachments,
        short_names=("net-attach-def",),
    ),
)
_HUB = (
    CustomKind(
        "cluster.open-cluster-management.io",
        "v1",
        "managedclusters",
        "ManagedCluster",
        hub.managed_clusters,
        False,
        ("mcl", "mcls"),
    ),
)


def custom_kinds_of(profile: Profile) -> tuple[CustomKind, ...]:
    """The kinds of a kind of cluster."""
    found: tuple[CustomKind, ...] = _PROMETHEUS_OPERATOR
    if profile.openshift:
        found += _OPENSHIFT
    if profile.storage:
        found += _STORAGE
    if profile.gpu_nodes:
        found += _GPUS
    if profile.ptp:
        found += _RADIO
    return (*found, *_HUB) if profile.hub else found
