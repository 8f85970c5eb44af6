"""Services: those of the observability stack as its operators and charts make them, and one a routed workload."""

from __future__ import annotations

from dataclasses import dataclass, field

from simulator.cluster import SimulatedCluster
from simulator.kubernetes.meta import Object, born, metadata
from simulator.kubernetes.objects.observability import LOGGING_NAMESPACE, LOKI_NAME, STACK, TEMPO_NAME, TEMPO_NAMESPACE
from simulator.randomness import uniforms


@dataclass(frozen=True)
class Service:
    """A Service: its ports by name, its labels, what it selects; ``headless`` for one without an address."""

    namespace: str
    name: str
    ports: dict[str, int]
    labels: dict[str, str] = field(default_factory=dict)
    selector: dict[str, str] = field(default_factory=dict)
    headless: bool = False


def services(cluster: SimulatedCluster, at: float) -> list[Object]:
    """The Services of a cluster."""
    platform = _openshift() if cluster.layout.profile.openshift else _charts()
    own = [
        Service(workload.namespace, workload.name, {"http": 8080}, {"app": workload.name}, {"app": workload.name})
        for workload in cluster.layout.workloads
        if workload.routed
    ]
    api_server = Service("default", "kubernetes", {"https": 443}, {"component": "apiserver", "provider": "kubernetes"})
    return [_object(cluster, service) for service in [api_server, *platform, *own]]


def _object(cluster: SimulatedCluster, service: Service) -> Object:
    low, high, *_ = uniforms(cluster.layout.seed, cluster.name, service.namespace, service.name, "service")
    address = "None" if service.headless else f"172.30.{int(low * 256)}.{1 + int(high * 253)}"
    ports = [
        {"name": name, "port": port, "protocol": "TCP", "targetPort": name} for name, port in service.ports.items()
    ]
    return {
        "metadata": metadata(
            cluster, "Service", service.name, born(cluster) + 1800, service.namespace, labels=service.labels
        ),
        "spec": {
            "clusterIP": address,
            "clusterIPs": [address],
            "internalTrafficPolicy": "Cluster",
            "ipFamilies": ["IPv4"],
            "ipFamilyPolicy": "SingleStack",
            "ports": ports,
            **({"selector": service.selector} if service.selector else {}),
            "sessionAffinity": "None",
            "type": "ClusterIP",
        },
        "status": {"loadBalancer": {}},
    }


def _openshift() -> list[Service]:
    monitoring = "openshift-monitoring"

    def part(name: str, component: str, ports: dict[str, int], *, headless: bool = False) -> Service:
        labels = {
            "app.kubernetes.io/component": component,
            "app.kubernetes.io/managed-by": "cluster-monitoring-operator",
            "app.kubernetes.io/part-of": "openshift-monitoring",
        }
        return Service(monitoring, name, ports, labels, {"app.kubernetes.io/component": component}, headless)

    loki = {"app.kubernetes.io/instance": LOKI_NAME, "app.kubernetes.io/name": "lokistack"}
    tempo = {
        "app.kubernetes.io/instance": TEMPO_NAME,
        "app.kubernetes.io/managed-by": "tempo-operator",
        "app.kubernetes.io/name": "tempo",
    }
    return [
        part("alertmanager-main", "alert-router", {"web": 9094, "tenancy": 9092, "metrics": 9097}),
        part("alertmanager-operated", "alert-router", {"web": 9093, "tcp-mesh": 9094}, headless=True),
        part("prometheus-k8s", "prometheus", {"web": 9091, "metrics": 9092}),
        part("prometheus-operated", "prometheus", {"web": 9090, "grpc": 10901}, headless=True),
        part("thanos-querier", "query-layer", {"web": 9091, "tenancy": 9092, "tenancy-rules": 9093, "metrics": 9094}),
        *(
            Service(
                LOGGING_NAMESPACE,
                f"{LOKI_NAME}-{component}-http",
                ports,
                loki | {"app.kubernetes.io/component": label},
                loki | {"app.kubernetes.io/component": label},
            )
            for component, label, ports in (
                ("distributor", "distributor", {"metrics": 3100}),
                ("gateway", "lokistack-gateway", {"public": 8080, "metrics": 8081}),
                ("query-frontend", "query-frontend", {"metrics": 3100}),
            )
        ),
        *(
            Service(
                TEMPO_NAMESPACE,
                f"tempo-{TEMPO_NAME}-{component}",
                ports,
                tempo | {"app.kubernetes.io/component": component},
                tempo | {"app.kubernetes.io/component": component},
            )
            for component, ports in (
                ("distributor", {"otlp-grpc": 4317, "http": 3200}),
                ("gateway", {"grpc-public": 8090, "internal": 8081, "public": 8080}),
                ("query-frontend", {"http": 3200, "grpc": 9095}),
            )
        ),
    ]


def _charts() -> list[Service]:
    namespace = "monitoring"
    stack = {
        "app.kubernetes.io/instance": STACK,
        "app.kubernetes.io/managed-by": "Helm",
        "app.kubernetes.io/part-of": STACK,
        "app.kubernetes.io/version": "61.3.2",
        "chart": f"{STACK}-61.3.2",
        "heritage": "Helm",
        "release": STACK,
    }

    def part(name: str, ports: dict[str, int], **labels: str) -> Service:
        return Service(namespace, name, ports, {"app": name, **stack, **labels}, {"app.kubernetes.io/name": name})

    def operated(name: str, ports: dict[str, int]) -> Service:
        labels = {"managed-by": "prometheus-operator", f"operated-{name}": "true"}
        return Service(namespace, f"{name}-operated", ports, labels, {"app.kubernetes.io/name": name}, headless=True)

    def chart(name: str, version: str) -> dict[str, str]:
        own = {
            "app.kubernetes.io/instance": name,
            "app.kubernetes.io/managed-by": "Helm",
            "app.kubernetes.io/name": name,
        }
        return {
            **own,
            "app.kubernetes.io/version": version.partition("/")[0],
            "helm.sh/chart": version.partition("/")[2],
        }

    loki, tempo = chart("loki", "3.1.1/loki-6.10.0"), chart("tempo", "2.5.0/tempo-1.10.3")
    loki_pods = {"app.kubernetes.io/instance": "loki", "app.kubernetes.io/name": "loki"}
    tempo_pods = {"app.kubernetes.io/instance": "tempo", "app.kubernetes.io/name": "tempo"}
    return [
        part(f"{STACK}-alertmanager", {"http-web": 9093, "reloader-web": 8080}, **{"self-monitor": "true"}),
        part(f"{STACK}-operator", {"https": 443}),
        part(f"{STACK}-prometheus", {"http-web": 9090, "reloader-web": 8080}, **{"self-monitor": "true"}),
        operated("alertmanager", {"http-web": 9093, "tcp-mesh": 9094}),
        operated("prometheus", {"http-web": 9090}),
        Service(namespace, "loki", {"http-metrics": 3100, "grpc": 9095}, loki, loki_pods),
        Service(
            namespace,
            "loki-gateway",
            {"http-metrics": 80},
            loki | {"app.kubernetes.io/component": "gateway"},
            loki_pods | {"app.kubernetes.io/component": "gateway"},
        ),
        Service(
            namespace, "loki-headless", {"http-metrics": 3100}, loki | {"variant": "headless"}, loki_pods, headless=True
        ),
        Service(namespace, "loki-memberlist", {"tcp": 7946}, loki, loki_pods, headless=True),
        Service(
            namespace,
            "tempo",
            {"tempo-prom-metrics": 3200, "grpc-tempo-otlp": 4317, "tempo-otlp-http": 4318},
            tempo,
            tempo_pods,
        ),
    ]
