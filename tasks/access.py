"""Clients of a cluster's endpoints, as tasks open them: with the cluster's credential and the endpoint's budget."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from fleet.inventory.cluster import Cluster, EndpointKind
from storage.stores import Stores

ClientT = TypeVar("ClientT")


def open_client(
    stores: Stores, cluster: Cluster, kind: EndpointKind, client: Callable[..., ClientT], **options: Any
) -> ClientT:
    """A client of the endpoint that a cluster has of a kind; the caller closes it.

    Args:
        stores: where credentials and budgets are.
        cluster: whose endpoint; it must have one of the kind.
        kind: of the endpoint.
        client: the collector's class of clients.
        options: what it takes besides.
    """
    source = stores.credentials.source(cluster.credential_ref, kind) if cluster.credential_ref else None
    return client(cluster.endpoints[kind], source, governor=stores.governor.of(cluster, kind), **options)
