"""Metadata that every object carries."""

from __future__ import annotations

from typing import Any

from simulator.cluster import SimulatedCluster
from simulator.randomness import uid_of
from simulator.truth import rfc3339

Object = dict[str, Any]


def metadata(
    cluster: SimulatedCluster,
    kind: str,
    name: str,
    created: float,
    namespace: str | None = None,
    changed: float | None = None,
    **fields: object,
) -> Object:
    """The metadata of an object.

    Args:
        cluster: where it is.
        kind: its kind, which with its name makes its uid.
        name: its name.
        created: Unix seconds.
        namespace: its namespace; None for an object of the whole cluster.
        changed: Unix seconds of its last change, by which its version is told; None when it never changed.
        fields: further fields by the API's own names (``labels``, ``annotations``, ``ownerReferences``), if not empty.
    """
    place = {"name": name} if namespace is None else {"name": name, "namespace": namespace}
    return {
        **place,
        "uid": uid_of(cluster.layout.seed, cluster.name, kind, namespace, name),
        "resourceVersion": str(int(created if changed is None else changed)),
        "creationTimestamp": rfc3339(created),
        **{field: value for field, value in fields.items() if value},
    }


def owner_reference(cluster: SimulatedCluster, api_version: str, kind: str, namespace: str, name: str) -> Object:
    """The reference by which an object names its controller."""
    return {
        "apiVersion": api_version,
        "kind": kind,
        "name": name,
        "uid": uid_of(cluster.layout.seed, cluster.name, kind, namespace, name),
        "controller": True,
        "blockOwnerDeletion": True,
    }


def condition(kind: str, *, holds: bool, since: float, reason: str, message: str) -> Object:
    """A status condition; ``since`` is in Unix seconds."""
    return {
        "type": kind,
        "status": "True" if holds else "False",
        "lastTransitionTime": rfc3339(since),
        "reason": reason,
        "message": message,
    }
