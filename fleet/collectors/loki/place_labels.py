"""By which labels a Loki knows where a line comes from: collectors of logs name them differently."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from fleet.collectors.loki.logql import Matcher, one_of


@dataclass(frozen=True)
class PlaceLabels:
    """Names of the labels for a namespace, pod, container and node; ``tenant`` that of the kind of logs, or ""."""

    namespace: str
    pod: str
    container: str
    node: str
    tenant: str = ""

    def matchers(
        self, *, namespaces: Sequence[str] = (), pods: Sequence[str] = (), containers: Sequence[str] = ()
    ) -> tuple[Matcher, ...]:
        """Matchers for streams of these places; what is empty is not asked for."""
        asked = ((self.namespace, namespaces), (self.pod, pods), (self.container, containers))
        return tuple(one_of(label, values) for label, values in asked if values)


OPENSHIFT = PlaceLabels(
    "kubernetes_namespace_name", "kubernetes_pod_name", "kubernetes_container_name", "kubernetes_host", "log_type"
)
"""OpenShift Logging's own model (viaq)."""
OPEN_TELEMETRY = PlaceLabels("k8s_namespace_name", "k8s_pod_name", "k8s_container_name", "k8s_node_name", "log_type")
"""OTLP; on OpenShift where a LokiStack keeps that model."""
PLAIN = PlaceLabels("namespace", "pod", "container", "node_name")
"""Promtail and Alloy as their charts set them up."""


def place_labels_of(names: Collection[str]) -> PlaceLabels:
    """The set of which a Loki has the namespace's label; ``PLAIN`` where it has none of them.

    Args:
        names: the labels that it has.
    """
    known = (OPENSHIFT, OPEN_TELEMETRY, PLAIN)
    return next((labels for labels in known if labels.namespace in names), PLAIN)
