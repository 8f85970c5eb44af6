"""APIRequestCounts: which API versions are still asked for, some of them to be removed."""

from __future__ import annotations

from simulator.cluster import SimulatedCluster
from simulator.kubernetes.meta import Object, custom_object
from simulator.randomness import uniforms

_COUNTED: tuple[tuple[str, str | None], ...] = (
    ("clusterversions.v1.config.openshift.io", None),
    ("configmaps.v1", None),
    ("deployments.v1.apps", None),
    ("flowschemas.v1beta3.flowcontrol.apiserver.k8s.io", "1.32"),
    ("nodes.v1", None),
    ("pods.v1", None),
    ("prioritylevelconfigurations.v1beta3.flowcontrol.apiserver.k8s.io", "1.32"),
    ("routes.v1.route.openshift.io", None),
)
_USER = "system:serviceaccount:reporting:default"


def api_request_counts(cluster: SimulatedCluster, at: float) -> list[Object]:
    """The counts of a few resources; those with a release in which they go are asked for by one user."""
    return [_count(cluster, name, removed) for name, removed in _COUNTED]


def _count(cluster: SimulatedCluster, name: str, removed: str | None) -> Object:
    draw = uniforms(cluster.layout.seed, cluster.name, name, "requests")[0]
    hourly = int(2 + draw * 10) if removed else int(200 + draw * 5000)
    node = next(node for node in cluster.layout.nodes if node.control_plane)
    user = {
        "byVerb": [{"requestCount": hourly, "verb": "list"}],
        "requestCount": hourly,
        "userAgent": "batch-export/v1.4.0",
        "username": _USER if removed else "system:apiserver",
    }
    hour = {
        "byNode": [{"byUser": [user], "nodeName": node.address, "requestCount": hourly}],
        "requestCount": hourly,
    }
    release = {"removedInRelease": removed} if removed else {}
    return custom_object(
        cluster,
        "apiserver.openshift.io/v1",
        "APIRequestCount",
        name,
        spec={"numberOfUsersToReport": 10},
        status={
            "conditions": [],
            "currentHour": hour,
            "last24h": [hour if index == 23 else {"requestCount": hourly} for index in range(24)],
            **release,
            "requestCount": hourly * 24,
        },
    )
