"""Clusters from a kubeconfig: what its contexts name, without running anything that it names."""

from fleet.inventory.kubeconfig.context import KubeconfigContext
from fleet.inventory.kubeconfig.document import Kubeconfig, load_kubeconfig, read_kubeconfig

__all__ = ["Kubeconfig", "KubeconfigContext", "load_kubeconfig", "read_kubeconfig"]
