"""The Kubernetes collector: a cluster's inventory and events from its API server."""

from fleet.collectors.kubernetes.client import KubernetesClient, KubernetesLimits
from fleet.collectors.kubernetes.events import collect_events
from fleet.collectors.kubernetes.inventory import collect_inventory

__all__ = ["KubernetesClient", "KubernetesLimits", "collect_events", "collect_inventory"]
