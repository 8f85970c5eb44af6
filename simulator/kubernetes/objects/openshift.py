"""OpenShift's own state: ClusterVersion, ClusterOperators and Infrastructure."""

from __future__ import annotations

from simulator.cluster import SimulatedCluster
from simulator.faults import DAY
from simulator.kubernetes.meta import Object, born, condition, custom_object
from simulator.randomness import token_of, uid_of, uniforms
from simulator.truth import rfc3339

_CONFIG = "config.openshift.io/v1"
VERSION = "4.16.11"
_INSTALLED = "4.15.28"
_UPGRADE_AFTER = 21 * DAY
_UPGRADE_SECONDS = 4320
OPERATORS = (
    "authentication",
    "baremetal",
    "cloud-controller-manager",
    "cloud-credential",
    "cluster-autoscaler",
    "config-operator",
    "console",
    "control-plane-machine-set",
    "csi-snapshot-controller",
    "dns",
    "etcd",
    "image-registry",
    "ingress",
    "insights",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kube-storage-version-migrator",
    "machine-api",
    "machine-approver",
    "machine-config",
    "marketplace",
    "monitoring",
    "network",
    "node-tuning",
    "openshift-apiserver",
    "openshift-controller-manager",
    "openshift-samples",
    "operator-lifecycle-manager",
    "operator-lifecycle-manager-catalog",
    "operator-lifecycle-manager-packageserver",
    "service-ca",
    "storage",
)
_DEGRADED_SHARE = 0.1


def upgraded_at(cluster: SimulatedCluster) -> float:
    """When the cluster's last update was done (Unix seconds)."""
    return born(cluster) + _UPGRADE_AFTER + _UPGRADE_SECONDS


def cluster_versions(cluster: SimulatedCluster, at: float) -> list[Object]:
    """The one ClusterVersion, with the history of an installation and an update, newest first."""
    start, done = born(cluster), upgraded_at(cluster)
    history = [
        _history(VERSION, start + _UPGRADE_AFTER, done, verified=True),
        _history(_INSTALLED, start, start + 2400, verified=False),
    ]
    message = f"Cluster version is {VERSION}"
    conditions = [
        _condition("RetrievedUpdates", start + 60, holds=True),
        condition(
            "ReleaseAccepted", holds=True, since=start + _UPGRADE_AFTER, reason="PayloadLoaded", message=_loaded()
        ),
        condition("Available", holds=True, since=start + 2400, reason="", message=f"Done applying {VERSION}"),
        _condition("Failing", done - 600, holds=False),
        condition("Progressing", holds=False, since=done, reason="", message=message),
    ]
    for each in conditions:
        # Go leaves an empty reason out.
        if not each.get("reason", "-"):
            del each["reason"]
    return [
        custom_object(
            cluster,
            _CONFIG,
            "ClusterVersion",
            "version",
            after=0,
            spec={"channel": "stable-4.16", "clusterID": cluster_uid(cluster)},
            status={
                "availableUpdates": None,
                "conditions": conditions,
                "desired": {
                    "channels": ["candidate-4.16", "candidate-4.17", "eus-4.16", "fast-4.16", "stable-4.16"],
                    "image": _image(VERSION),
                    "url": "https://access.redhat.com/errata/RHSA-2024:6004",
                    "version": VERSION,
                },
                "history": history,
                "observedGeneration": 2,
                "versionHash": token_of(11, VERSION, cluster.name) + "=",
            },
        )
    ]


def cluster_uid(cluster: SimulatedCluster) -> str:
    """The id by which OpenShift knows the cluster."""
    return uid_of(cluster.layout.seed, cluster.name, "Cluster", None, cluster.name)


def _image(version: str) -> str:
    return f"quay.io/openshift-release-dev/ocp-release@sha256:{_digest(version)}"


def _digest(*names: object) -> str:
    return (uid_of(*names) + uid_of(*names, 2)).replace("-", "")


def _loaded() -> str:
    return f'Payload loaded version="{VERSION}" image="{_image(VERSION)}" architecture="amd64"'


def _history(version: str, begun: float, done: float, *, verified: bool) -> Object:
    return {
        "completionTime": rfc3339(done),
        "image": _image(version),
        "startedTime": rfc3339(begun),
        "state": "Completed",
        "verified": verified,
        "version": version,
    }


def _condition(kind: str, since: float, *, holds: bool) -> Object:
    return {"lastTransitionTime": rfc3339(since), "status": "True" if holds else "False", "type": kind}


def degraded_operator(cluster: SimulatedCluster) -> str | None:
    """The operator that is degraded for good in this cluster: one in ten clusters, by its name, has one."""
    chance, which, *_ = uniforms(cluster.layout.seed, cluster.name, "degraded-operator")
    if chance >= _DEGRADED_SHARE:
        return None
    candidates = ("image-registry", "insights", "openshift-samples")
    return candidates[int(which * len(candidates))]


def cluster_operators(cluster: SimulatedCluster, at: float) -> list[Object]:
    """The ClusterOperators; in some clusters one is degraded."""
    return [_operator(cluster, name, degraded=name == degraded_operator(cluster)) for name in OPERATORS]


def _operator(cluster: SimulatedCluster, name: str, *, degraded: bool) -> Object:
    done = upgraded_at(cluster)
    pods = f"openshift-{name}"
    conditions = [
        condition("Available", holds=True, since=born(cluster) + 1500, reason="AsExpected", message="All is well"),
        condition("Progressing", holds=False, since=done - 900, reason="AsExpected", message="All is well"),
        _condition("Degraded", done - 900, holds=False),
        condition("Upgradeable", holds=True, since=born(cluster) + 1200, reason="AsExpected", message="All is well"),
    ]
    if degraded:
        text = f"{name}: 1 of 2 replicas unavailable in {pods}"
        conditions[2] = condition("Degraded", holds=True, since=done + DAY, reason="ReplicasUnavailable", message=text)
    return custom_object(
        cluster,
        _CONFIG,
        "ClusterOperator",
        name,
        after=200,
        annotations={"include.release.openshift.io/self-managed-high-availability": "true"},
        spec={},
        status={
            "conditions": conditions,
            "extension": None,
            "relatedObjects": [{"group": "", "name": pods, "resource": "namespaces"}],
            "versions": [{"name": "operator", "version": VERSION}],
        },
    )


def platform_of(cluster: SimulatedCluster) -> str:
    """What the cluster runs on, in OpenShift's words."""
    return "VSphere" if cluster.layout.profile.name == "openshift" else "BareMetal"


def infrastructures(cluster: SimulatedCluster, at: float) -> list[Object]:
    """The one Infrastructure."""
    masters = sum(1 for node in cluster.layout.nodes if node.control_plane)
    platform = platform_of(cluster)
    domain = f"{cluster.name}.example.net"
    return [
        custom_object(
            cluster,
            _CONFIG,
            "Infrastructure",
            "cluster",
            after=0,
            spec={"cloudConfig": {"name": ""}, "platformSpec": {"type": platform}},
            status={
                "apiServerInternalURI": f"https://api-int.{domain}:6443",
                "apiServerURL": f"https://api.{domain}:6443",
                "controlPlaneTopology": "HighlyAvailable" if masters > 1 else "SingleReplica",
                "cpuPartitioning": "AllNodes" if cluster.layout.profile.ptp else "None",
                "etcdDiscoveryDomain": "",
                "infrastructureName": f"{cluster.name}-{token_of(5, cluster.layout.seed, cluster.name, 'infra')}",
                "infrastructureTopology": "HighlyAvailable",
                "platform": platform,
                "platformStatus": {"type": platform},
            },
        )
    ]
