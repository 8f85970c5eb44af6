"""Routes, and what clients need to trust them."""

from __future__ import annotations

from dataclasses import dataclass

from simulator.cluster import SimulatedCluster
from simulator.kubernetes.meta import Object, born, metadata
from simulator.kubernetes.objects.observability import LOGGING_NAMESPACE, LOKI_NAME, TEMPO_NAME, TEMPO_NAMESPACE
from simulator.truth import rfc3339

_AFTER = 1900


@dataclass(frozen=True)
class Route:
    """A Route: the Service and port that it leads to, and the path that it is bound to."""

    namespace: str
    name: str
    service: str
    port: str
    path: str = ""
    termination: str = "reencrypt"


_MONITORING = "openshift-monitoring"
_PLATFORM = (
    Route("openshift-console", "console", "console", "https"),
    Route(_MONITORING, "alertmanager-main", "alertmanager-main", "web", "/api"),
    Route(_MONITORING, "prometheus-k8s", "prometheus-k8s", "web", "/api"),
    Route(_MONITORING, "prometheus-k8s-federate", "prometheus-k8s", "web", "/federate"),
    Route(_MONITORING, "thanos-querier", "thanos-querier", "web", "/api"),
    Route(LOGGING_NAMESPACE, LOKI_NAME, f"{LOKI_NAME}-gateway-http", "public"),
    Route(
        TEMPO_NAMESPACE,
        f"tempo-{TEMPO_NAME}-gateway",
        f"tempo-{TEMPO_NAME}-gateway",
        "public",
        termination="passthrough",
    ),
)


def routes(cluster: SimulatedCluster, at: float) -> list[Object]:
    """The platform's Routes and those of the workloads that are reached from outside."""
    own = [
        Route(workload.namespace, workload.name, workload.name, "http", termination="edge")
        for workload in cluster.layout.workloads
        if workload.routed
    ]
    return [_route(cluster, route) for route in (*_PLATFORM, *own)]


def _route(cluster: SimulatedCluster, route: Route) -> Object:
    domain = f"apps.{cluster.name}.example.net"
    host = f"{route.name}-{route.namespace}.{domain}"
    tls = {"termination": route.termination}
    if route.termination != "passthrough":
        tls["insecureEdgeTerminationPolicy"] = "Redirect"
    admitted = {"lastTransitionTime": rfc3339(born(cluster) + _AFTER + 5), "status": "True", "type": "Admitted"}
    return {
        "metadata": metadata(
            cluster,
            "Route",
            route.name,
            born(cluster) + _AFTER,
            route.namespace,
            annotations={"openshift.io/host.generated": "true"},
        ),
        "spec": {
            "host": host,
            **({"path": route.path} if route.path else {}),
            "port": {"targetPort": route.port},
            "tls": tls,
            "to": {"kind": "Service", "name": route.service, "weight": 100},
            "wildcardPolicy": "None",
        },
        "status": {
            "ingress": [
                {
                    "conditions": [admitted],
                    "host": host,
                    "routerCanonicalHostname": f"router-default.{domain}",
                    "routerName": "default",
                    "wildcardPolicy": "None",
                }
            ]
        },
    }


def config_maps(cluster: SimulatedCluster, at: float) -> list[Object]:
    """The certificate authorities that the platform publishes: the API's in each namespace, the Routes' in one."""
    ca_pem = cluster.neighbourhood().ca_pem
    named = [(namespace, "kube-root-ca.crt", "ca.crt") for namespace in ("default", *cluster.layout.namespaces)]
    if cluster.layout.profile.openshift:
        named.append(("openshift-config-managed", "default-ingress-cert", "ca-bundle.crt"))
    return [
        {
            "metadata": metadata(cluster, "ConfigMap", name, born(cluster) + 300, namespace),
            "data": {key: ca_pem},
        }
        for namespace, name, key in named
    ]
