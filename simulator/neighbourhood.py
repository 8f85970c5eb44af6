"""What a cluster knows of the fleet that it belongs to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from simulator.layout import Profile


@dataclass(frozen=True)
class Neighbourhood:
    """The fleet around a cluster.

    Attributes:
        ca_pem: the authority behind the fleet's certificates.
        urls: the address of each cluster's Kubernetes API, by the cluster's name.
        profiles: what kind each cluster is, by name, in the fleet's order.
    """

    ca_pem: str
    urls: Mapping[str, str]
    profiles: Mapping[str, Profile]
