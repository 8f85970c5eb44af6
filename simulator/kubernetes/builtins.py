"""The built-in kinds of which a simulated cluster makes nothing of its own, or next to nothing."""

from __future__ import annotations

from simulator.cluster import SimulatedCluster
from simulator.kubernetes.crds import platform_crds
from simulator.kubernetes.meta import Object
from simulator.kubernetes.rbac_defaults import cluster_role_bindings, cluster_roles
from simulator.kubernetes.resources import Objects, Resource

BUILT_IN_GROUPS = frozenset(
    {
        "",
        "admissionregistration.k8s.io",
        "apiextensions.k8s.io",
        "apps",
        "authentication.k8s.io",
        "authorization.k8s.io",
        "autoscaling",
        "batch",
        "coordination.k8s.io",
        "discovery.k8s.io",
        "events.k8s.io",
        "networking.k8s.io",
        "policy",
        "rbac.authorization.k8s.io",
        "scheduling.k8s.io",
        "storage.k8s.io",
    }
)
_WITHOUT_STATUS = frozenset(
    {
        "configmaps",
        "secrets",
        "serviceaccounts",
        "endpoints",
        "limitranges",
        "events",
        "roles",
        "rolebindings",
        "clusterroles",
        "clusterrolebindings",
        "leases",
        "endpointslices",
        "storageclasses",
        "priorityclasses",
        "networkpolicies",
    }
)


def _none(cluster: SimulatedCluster, at: float) -> list[Object]:
    return []


def _kind(
    group_version: str,
    plural: str,
    kind: str,
    short_names: str = "",
    *,
    namespaced: bool = True,
    objects: Objects = _none,
) -> Resource:
    group, _, version = group_version.rpartition("/")
    return Resource(group, version, plural, kind, objects, namespaced, tuple(short_names.split()))


_RBAC = "rbac.authorization.k8s.io/v1"
_FURTHER = (
    _kind("v1", "configmaps", "ConfigMap", "cm"),
    _kind("v1", "endpoints", "Endpoints", "ep"),
    _kind("v1", "limitranges", "LimitRange", "limits"),
    _kind("v1", "persistentvolumeclaims", "PersistentVolumeClaim", "pvc"),
    _kind("v1", "persistentvolumes", "PersistentVolume", "pv", namespaced=False),
    _kind("v1", "resourcequotas", "ResourceQuota", "quota"),
    _kind("v1", "secrets", "Secret"),
    _kind("v1", "serviceaccounts", "ServiceAccount", "sa"),
    _kind("v1", "services", "Service", "svc"),
    _kind(
        "apiextensions.k8s.io/v1",
        "customresourcedefinitions",
        "CustomResourceDefinition",
        "crd",
        namespaced=False,
        objects=platform_crds,
    ),
    _kind("autoscaling/v2", "horizontalpodautoscalers", "HorizontalPodAutoscaler", "hpa"),
    _kind("batch/v1", "cronjobs", "CronJob", "cj"),
    _kind("batch/v1", "jobs", "Job"),
    _kind("coordination.k8s.io/v1", "leases", "Lease"),
    _kind("discovery.k8s.io/v1", "endpointslices", "EndpointSlice"),
    _kind("networking.k8s.io/v1", "ingresses", "Ingress", "ing"),
    _kind("networking.k8s.io/v1", "networkpolicies", "NetworkPolicy", "netpol"),
    _kind("policy/v1", "poddisruptionbudgets", "PodDisruptionBudget", "pdb"),
    _kind(_RBAC, "clusterrolebindings", "ClusterRoleBinding", namespaced=False, objects=cluster_role_bindings),
    _kind(_RBAC, "clusterroles", "ClusterRole", namespaced=False, objects=cluster_roles),
    _kind(_RBAC, "rolebindings", "RoleBinding"),
    _kind(_RBAC, "roles", "Role"),
    _kind("scheduling.k8s.io/v1", "priorityclasses", "PriorityClass", "pc", namespaced=False),
    _kind("storage.k8s.io/v1", "storageclasses", "StorageClass", "sc", namespaced=False),
)


def with_built_ins(resources: tuple[Resource, ...]) -> tuple[Resource, ...]:
    """A cluster's own resources and the built-in ones that it does not make itself."""
    own = {(each.group, each.plural) for each in resources}
    return (*resources, *(each for each in _FURTHER if (each.group, each.plural) not in own))


def has_status(resource: Resource) -> bool:
    """Whether a kind's status is a subresource."""
    if resource.group in BUILT_IN_GROUPS:
        return resource.plural not in _WITHOUT_STATUS
    return resource.with_status
