"""Operators that OLM has installed: Subscriptions, ClusterServiceVersions (with OLM's copies) and InstallPlans."""

from __future__ import annotations

from dataclasses import dataclass

from simulator.cluster import SimulatedCluster
from simulator.kubernetes.meta import Object, born, custom_object
from simulator.layout import Profile
from simulator.randomness import token_of, uid_of
from simulator.truth import rfc3339

GROUP, GROUP_VERSION = "operators.coreos.com", "operators.coreos.com/v1alpha1"
_INSTALLED_AFTER = 2 * 3600


@dataclass(frozen=True)
class Operator:
    """An operator as its catalogue names it.

    ``everywhere`` says that it watches all namespaces, into each of which OLM copies its ClusterServiceVersion.
    """

    package: str
    csv: str
    display: str
    version: str
    channel: str
    namespace: str
    provider: str = "Red Hat"
    source: str = "redhat-operators"
    everywhere: bool = False

    @property
    def csv_name(self) -> str:
        """The name of its ClusterServiceVersion."""
        return f"{self.csv}.v{self.version}"


_EVERYWHERE = (
    Operator(
        "cluster-logging", "cluster-logging", "Red Hat OpenShift Logging", "6.0.2", "stable-6.0", "openshift-logging"
    ),
    Operator(
        "loki-operator",
        "loki-operator",
        "Loki Operator",
        "6.0.2",
        "stable-6.0",
        "openshift-operators-redhat",
        everywhere=True,
    ),
    Operator(
        "tempo-product",
        "tempo-operator",
        "Tempo Operator",
        "0.13.0-1",
        "stable",
        "openshift-tempo-operator",
        everywhere=True,
    ),
)
_ODF = (
    Operator(
        "odf-operator", "odf-operator", "OpenShift Data Foundation", "4.16.2-rhodf", "stable-4.16", "openshift-storage"
    ),
    Operator(
        "ocs-operator",
        "ocs-operator",
        "OpenShift Container Storage",
        "4.16.2-rhodf",
        "stable-4.16",
        "openshift-storage",
    ),
    Operator(
        "rook-ceph-operator", "rook-ceph-operator", "Rook-Ceph", "4.16.2-rhodf", "stable-4.16", "openshift-storage"
    ),
)
_LOCAL_STORAGE = Operator(
    "local-storage-operator",
    "local-storage-operator",
    "Local Storage",
    "4.16.0-202408141510",
    "stable",
    "openshift-local-storage",
)
_GPU = (
    Operator("nfd", "nfd", "Node Feature Discovery Operator", "4.16.0-202408051537", "stable", "openshift-nfd"),
    Operator(
        "gpu-operator-certified",
        "gpu-operator-certified",
        "NVIDIA GPU Operator",
        "24.6.1",
        "v24.6",
        "nvidia-gpu-operator",
        provider="NVIDIA Corporation",
        source="certified-operators",
    ),
)
_RAN = (
    Operator(
        "sriov-network-operator",
        "sriov-network-operator",
        "SR-IOV Network Operator",
        "4.16.0-202408141210",
        "stable",
        "openshift-sriov-network-operator",
    ),
    Operator("ptp-operator", "ptp-operator", "PTP Operator", "4.16.0-202408141210", "stable", "openshift-ptp"),
)
_HUB = Operator(
    "advanced-cluster-management",
    "advanced-cluster-management",
    "Advanced Cluster Management for Kubernetes",
    "2.11.2",
    "release-2.11",
    "open-cluster-management",
)


def operators_of(profile: Profile) -> tuple[Operator, ...]:
    """What is installed on a kind of cluster; nothing where there is no OLM."""
    if not profile.openshift:
        return ()
    found: tuple[Operator, ...] = (*_EVERYWHERE, _LOCAL_STORAGE)
    if profile.storage:
        found += _ODF
    if profile.gpu_nodes:
        found += _GPU
    if profile.ptp:
        found += _RAN
    return (*found, _HUB) if profile.hub else found


def subscriptions(cluster: SimulatedCluster, at: float) -> list[Object]:
    """One Subscription an operator."""
    return [_subscription(cluster, operator) for operator in operators_of(cluster.layout.profile)]


def _subscription(cluster: SimulatedCluster, operator: Operator) -> Object:
    plan = _plan_name(cluster, operator)
    checked = rfc3339(born(cluster) + _INSTALLED_AFTER + 60)
    conditions = [
        {
            "lastTransitionTime": checked,
            "message": "all available catalogsources are healthy",
            "reason": "AllCatalogSourcesHealthy",
            "status": "False",
            "type": "CatalogSourcesUnhealthy",
        }
    ]
    return custom_object(
        cluster,
        GROUP_VERSION,
        "Subscription",
        operator.package,
        operator.namespace,
        after=_INSTALLED_AFTER,
        labels={f"operators.coreos.com/{operator.package}.{operator.namespace}"[:63]: ""},
        spec={
            "channel": operator.channel,
            "installPlanApproval": "Automatic",
            "name": operator.package,
            "source": operator.source,
            "sourceNamespace": "openshift-marketplace",
            "startingCSV": operator.csv_name,
        },
        status={
            "conditions": conditions,
            "currentCSV": operator.csv_name,
            "installPlanGeneration": 1,
            "installPlanRef": {
                "apiVersion": GROUP_VERSION,
                "kind": "InstallPlan",
                "name": plan,
                "namespace": operator.namespace,
                "uid": uid_of(cluster.layout.seed, cluster.name, "InstallPlan", operator.namespace, plan),
            },
            "installedCSV": operator.csv_name,
            "installplan": {
                "apiVersion": GROUP_VERSION,
                "kind": "InstallPlan",
                "name": plan,
                "uuid": uid_of(cluster.layout.seed, cluster.name, "InstallPlan", operator.namespace, plan),
            },
            "lastUpdated": checked,
            "state": "AtLatestKnown",
        },
    )


def _plan_name(cluster: SimulatedCluster, operator: Operator) -> str:
    return f"install-{token_of(5, cluster.layout.seed, cluster.name, operator.package, 'plan')}"


def install_plans(cluster: SimulatedCluster, at: float) -> list[Object]:
    """One InstallPlan an operator, done."""
    return [
        custom_object(
            cluster,
            GROUP_VERSION,
            "InstallPlan",
            _plan_name(cluster, operator),
            operator.namespace,
            after=_INSTALLED_AFTER + 20,
            spec={
                "approval": "Automatic",
                "approved": True,
                "clusterServiceVersionNames": [operator.csv_name],
                "generation": 1,
            },
            status={
                "catalogSources": [],
                "phase": "Complete",
                "startTime": rfc3339(born(cluster) + _INSTALLED_AFTER + 20),
            },
        )
        for operator in operators_of(cluster.layout.profile)
    ]


def cluster_service_versions(cluster: SimulatedCluster, at: float) -> list[Object]:
    """Each operator's ClusterServiceVersion, and its copies where it watches all namespaces."""
    made = []
    for operator in operators_of(cluster.layout.profile):
        places = {operator.namespace}
        if operator.everywhere:
            places |= {*cluster.layout.namespaces, "default", "kube-system"}
        made += [_version(cluster, operator, namespace) for namespace in sorted(places)]
    return made


def _version(cluster: SimulatedCluster, operator: Operator, namespace: str) -> Object:
    copied = namespace != operator.namespace
    done = rfc3339(born(cluster) + _INSTALLED_AFTER + 300)
    labels = {f"operators.coreos.com/{operator.package}.{operator.namespace}"[:63]: ""}
    if copied:
        labels["olm.copiedFrom"] = operator.namespace
    message = "The operator is running in " + operator.namespace + " but is managing this namespace"
    status: Object = {
        "cleanup": {},
        "conditions": [
            {
                "lastTransitionTime": done,
                "lastUpdateTime": done,
                "message": "install strategy completed with no errors",
                "phase": "Succeeded",
                "reason": "InstallSucceeded",
            }
        ],
        "lastTransitionTime": done,
        "lastUpdateTime": done,
        "message": message if copied else "install strategy completed with no errors",
        "phase": "Succeeded",
        "reason": "Copied" if copied else "InstallSucceeded",
    }
    return custom_object(
        cluster,
        GROUP_VERSION,
        "ClusterServiceVersion",
        operator.csv_name,
        namespace,
        after=_INSTALLED_AFTER + 240,
        labels=labels,
        annotations={"operatorframework.io/suggested-namespace": operator.namespace},
        spec={
            "cleanup": {"enabled": False},
            "customresourcedefinitions": {},
            "displayName": operator.display,
            "install": {"spec": {"deployments": []}, "strategy": "deployment"},
            "installModes": [{"supported": operator.everywhere, "type": "AllNamespaces"}],
            "maturity": "stable",
            "minKubeVersion": "1.25.0",
            "provider": {"name": operator.provider},
            "version": operator.version,
        },
        status=status,
    )
