"""What observability is installed, as its operators' objects say: Prometheus, Alertmanager, LokiStack, TempoStack."""

from __future__ import annotations

from simulator.cluster import SimulatedCluster
from simulator.kubernetes.meta import Object, born, condition, custom_object

_MONITORING = "monitoring.coreos.com/v1"
LOGGING_NAMESPACE, LOKI_NAME = "openshift-logging", "logging-loki"
TEMPO_NAMESPACE, TEMPO_NAME = "openshift-tracing", "platform"
STACK = "kube-prometheus-stack"


def prometheuses(cluster: SimulatedCluster, at: float) -> list[Object]:
    """The Prometheus that the platform or the chart brings along."""
    name = "k8s" if cluster.layout.profile.openshift else f"{STACK}-prometheus"
    return [_monitoring_object(cluster, "Prometheus", name, {"replicas": 1, "retention": "15d", "version": "2.53.1"})]


def alertmanagers(cluster: SimulatedCluster, at: float) -> list[Object]:
    """The Alertmanager beside it."""
    name = "main" if cluster.layout.profile.openshift else f"{STACK}-alertmanager"
    return [_monitoring_object(cluster, "Alertmanager", name, {"replicas": 1, "version": "0.27.0"})]


def _monitoring_object(cluster: SimulatedCluster, kind: str, name: str, spec: Object) -> Object:
    since = born(cluster) + 2000
    conditions = [
        condition(each, holds=True, since=since, reason="", message="") | {"observedGeneration": 1}
        for each in ("Available", "Reconciled")
    ]
    status = {
        "availableReplicas": 1,
        "conditions": conditions,
        "paused": False,
        "replicas": 1,
        "unavailableReplicas": 0,
        "updatedReplicas": 1,
    }
    namespace = cluster.layout.monitoring_namespace
    return custom_object(cluster, _MONITORING, kind, name, namespace, after=1900, spec=spec, status=status)


def loki_stacks(cluster: SimulatedCluster, at: float) -> list[Object]:
    """The LokiStack of OpenShift Logging."""
    since = born(cluster) + 3 * 3600
    ready = condition("Ready", holds=True, since=since, reason="ReadyComponents", message="All components ready")
    components = (
        "compactor",
        "distributor",
        "gateway",
        "indexGateway",
        "ingester",
        "querier",
        "queryFrontend",
        "ruler",
    )
    return [
        custom_object(
            cluster,
            "loki.grafana.com/v1",
            "LokiStack",
            LOKI_NAME,
            LOGGING_NAMESPACE,
            after=3 * 3600,
            spec={
                "managementState": "Managed",
                "size": "1x.small",
                "storage": {
                    "schemas": [{"effectiveDate": "2024-04-01", "version": "v13"}],
                    "secret": {"name": "logging-loki-s3", "type": "s3"},
                },
                "storageClassName": "standard",
                "tenants": {"mode": "openshift-logging"},
            },
            status={
                "components": {name: {"Running": [f"{LOKI_NAME}-{name.lower()}-0"]} for name in components},
                "conditions": [ready],
                "storage": {"credentialMode": "static", "schemas": [{"effectiveDate": "2024-04-01", "version": "v13"}]},
            },
        )
    ]


def tempo_stacks(cluster: SimulatedCluster, at: float) -> list[Object]:
    """The TempoStack, with a gateway."""
    ready = condition(
        "Ready", holds=True, since=born(cluster) + 3 * 3600, reason="Ready", message="All components are operational"
    )
    return [
        custom_object(
            cluster,
            "tempo.grafana.com/v1alpha1",
            "TempoStack",
            TEMPO_NAME,
            TEMPO_NAMESPACE,
            after=3 * 3600,
            spec={
                "managementState": "Managed",
                "storage": {"secret": {"name": "tempo-s3", "type": "s3"}},
                "storageSize": "10Gi",
                "template": {"gateway": {"enabled": True}},
                "tenants": {
                    "authentication": [{"tenantId": "1610b0c3-c509-4592-a256-a1871353dbfa", "tenantName": "platform"}],
                    "mode": "openshift",
                },
            },
            status={
                "conditions": [ready],
                "operatorVersion": "0.13.0",
                "tempoVersion": "2.5.0",
                "tempoQueryVersion": "2.5.0",
            },
        )
    ]
