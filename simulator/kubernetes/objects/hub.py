"""Advanced Cluster Management: the ManagedClusters that a hub knows."""

from __future__ import annotations

from base64 import b64encode

from simulator.cluster import SimulatedCluster
from simulator.faults import DAY
from simulator.kubernetes.meta import Object, born, condition, custom_object
from simulator.kubernetes.objects.openshift import VERSION
from simulator.layout import Profile
from simulator.randomness import uid_of

_AFTER = 5 * 3600
_HUB_NAME = "local-cluster"


def managed_clusters(cluster: SimulatedCluster, at: float) -> list[Object]:
    """The hub itself and the other clusters of the fleet; the last of three or more does not answer any more."""
    around = cluster.neighbourhood()
    others = [name for name in around.profiles if name != cluster.name]
    silent = others[-1] if len(others) > 1 else None
    return [
        _managed(cluster, name, around.profiles[name], around.urls[name], around.ca_pem, silent=name == silent)
        for name in [cluster.name, *others]
    ]


def _managed(hub: SimulatedCluster, name: str, profile: Profile, url: str, ca_pem: str, *, silent: bool) -> Object:
    own = name == hub.name
    labels = {
        "cloud": "VMware" if profile.name == "openshift" else "Other",
        "cluster.open-cluster-management.io/clusterset": "default",
        "clusterID": uid_of(hub.layout.seed, name, "Cluster", None, name),
        "name": _HUB_NAME if own else name,
        "vendor": "OpenShift" if profile.openshift else "Other",
    }
    if own:
        labels["local-cluster"] = "true"
    if profile.openshift:
        labels |= {"openshiftVersion": VERSION, "openshiftVersion-major": "4", "openshiftVersion-major-minor": "4.16"}
    since = born(hub) + _AFTER
    available: Object = condition(
        "ManagedClusterConditionAvailable",
        holds=True,
        since=since + 60,
        reason="ManagedClusterAvailable",
        message="Managed cluster is available",
    )
    if silent:
        available |= condition(
            "ManagedClusterConditionAvailable",
            holds=False,
            since=hub.timeline.anchor - 2 * DAY,
            reason="ManagedClusterLeaseUpdateStopped",
            message="Registration agent stopped updating its lease.",
        ) | {"status": "Unknown"}
    conditions = [
        condition(
            "HubAcceptedManagedCluster",
            holds=True,
            since=since,
            reason="HubClusterAdminAccepted",
            message="Accepted by hub cluster admin",
        ),
        condition(
            "ManagedClusterJoined",
            holds=True,
            since=since + 30,
            reason="ManagedClusterJoined",
            message="Managed cluster joined",
        ),
        available,
    ]
    kubernetes = "v1.29.8+f10c92d" if profile.openshift else "v1.30.4"
    claims = {"id.k8s.io": labels["clusterID"], "kubeversion.open-cluster-management.io": kubernetes, "name": name}
    if profile.openshift:
        claims["version.openshift.io"] = VERSION
    return custom_object(
        hub,
        "cluster.open-cluster-management.io/v1",
        "ManagedCluster",
        _HUB_NAME if own else name,
        after=_AFTER,
        labels=labels,
        spec={
            "hubAcceptsClient": True,
            "leaseDurationSeconds": 60,
            "managedClusterClientConfigs": [{"caBundle": b64encode(ca_pem.encode()).decode(), "url": url}],
        },
        status={
            "clusterClaims": [{"name": key, "value": value} for key, value in claims.items()],
            "conditions": conditions,
            "version": {"kubernetes": kubernetes},
        },
    )
