"""The Kubernetes collector: a cluster's inventory from its API server."""

from fleet.collectors.kubernetes.client import KubernetesLimits
from fleet.collectors.kubernetes.inventory import collect_inventory

__all__ = ["KubernetesLimits", "collect_inventory"]
