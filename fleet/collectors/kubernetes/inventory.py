"""One cluster's inventory from its Kubernetes API: a list for each kind, whatever the cluster's size, page by page."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from fleet.collectors.kubernetes.capabilities import capabilities_of
from fleet.collectors.kubernetes.client import KubernetesClient, KubernetesLimits
from fleet.collectors.kubernetes.parts import Parts
from fleet.collectors.kubernetes.platform import Platform
from fleet.collectors.kubernetes.running import Running
from fleet.collectors.kubernetes.text import clean
from fleet.collectors.transport.governor import Governor
from fleet.credentials import CredentialSource
from fleet.errors import Unreachable
from fleet.frames.coverage import Coverage
from fleet.inventory.cluster import Cluster, EndpointKind
from fleet.inventory.inventory import Inventory


class _Version(msgspec.Struct, rename="camel"):
    git_version: str | None = None


def collect_inventory(
    cluster: Cluster,
    credentials: CredentialSource | None,
    limits: KubernetesLimits | None = None,
    *,
    governor: Governor | None = None,
) -> tuple[Inventory, Coverage]:
    """What a cluster's Kubernetes API shows of it, now, and how much of its events was seen.

    A part that cannot be read (a right that is missing, a time-out) is a gap of the inventory and takes nothing from
    the other parts; what was read of it before it failed is kept. Requests: two, one for each kind whose API group the
    cluster serves, three for events, and one more for each further page. Several lists are read at a time.

    Args:
        cluster: with an endpoint of kind ``kubernetes``.
        credentials: asked once, and once more after a 401; None for an API that needs none.
        limits: bounds on time, size and connections.
        governor: asked before each request; None where nothing is to be held back.

    Raises:
        fleet.errors.SourceError: nothing at all could be read; the first failure, by its class.
        fleet.errors.StoreError: the credential could not be had.
    """
    endpoint = cluster.endpoints.get(EndpointKind.KUBERNETES)
    if endpoint is None:
        raise Unreachable(
            f"No Kubernetes API is registered for cluster {cluster.name}.",
            hint="Register an endpoint of kind kubernetes.",
        )
    with KubernetesClient(endpoint, credentials, limits, governor=governor) as client, Parts(client) as parts:
        inventory, events = _read(parts, cluster.id)
    if not parts.read and parts.first_error is not None:
        raise parts.first_error
    inventory.changes.sort(key=lambda change: (change.at, change.id))
    return inventory, events


def _read(parts: Parts, cluster_id: str) -> tuple[Inventory, Coverage]:
    inventory = Inventory(cluster_id=cluster_id, observed_at=datetime.now(UTC))
    version = parts.get("version", "/version", _Version)
    inventory.version = clean(version.git_version, 80) if version is not None else ""
    parts.read_groups()
    running = Running(parts, cluster_id, inventory.observed_at)
    platform = Platform(parts, inventory.observed_at.hour)
    events = running.fill(inventory)
    platform.fill(inventory)
    inventory.gaps = parts.gaps
    inventory.capabilities = capabilities_of(inventory, parts)
    if parts.groups is not None:
        inventory.platform = "OpenShift" if parts.groups.serves("config.openshift.io") else "Kubernetes"
    return inventory, events
