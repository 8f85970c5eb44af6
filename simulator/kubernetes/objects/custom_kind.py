"""Kinds that a platform or an operator adds to the API."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from simulator.cluster import SimulatedCluster
from simulator.kubernetes.meta import Object


@dataclass(frozen=True)
class CustomKind:
    """A kind beyond the built-in ones.

    Attributes:
        objects: makes its objects as of a time (Unix seconds).
        aggregated: whether a server of its own stands behind it, so that its lists look like built-in ones.
    """

    group: str
    version: str
    plural: str
    kind: str
    objects: Callable[[SimulatedCluster, float], list[Object]]
    namespaced: bool = True
    short_names: tuple[str, ...] = ()
    aggregated: bool = False


def nothing(cluster: SimulatedCluster, at: float) -> list[Object]:
    """For a kind that is known and not used."""
    return []
