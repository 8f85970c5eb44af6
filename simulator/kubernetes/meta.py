"""Metadata that every object carries."""

from __future__ import annotations

from typing import Any

from simulator.cluster import SimulatedCluster
from simulator.faults import DAY
from simulator.randomness import uid_of
from simulator.timeline import SETTLED_BEFORE
from simulator.truth import rfc3339

Object = dict[str, Any]


def born(cluster: SimulatedCluster) -> float:
    """When the cluster was installed (Unix seconds)."""
    return cluster.timeline.anchor - SETTLED_BEFORE - 3 * DAY


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
        "resourceVersion": str(int((created if changed is None else changed) * 1000)),
        "creationTimestamp": rfc3339(created),
        **{field: value for field, value in fields.items() if value},
    }


def custom_object(
    cluster: SimulatedCluster,
    api_version: str,
    kind: str,
    name: str,
    namespace: str | None = None,
    *,
    after: float = 3600.0,
    **parts: Any,
) -> Object:
    """An object of a CustomResourceDefinition, which carries kind and apiVersion in lists too.

    Args:
        cluster: where it is.
        api_version: group and version.
        kind: its kind.
        name: its name.
        namespace: its namespace; None for an object of the whole cluster.
        after: how long after the cluster's installation it was made (seconds).
        parts: ``labels`` and ``annotations``, and what stands beside the metadata: ``spec``, ``status``, ``data``.
    """
    fields = {field: parts.pop(field, None) for field in ("labels", "annotations")}
    made = metadata(cluster, kind, name, born(cluster) + after, namespace, **fields) | {"generation": 1}
    return {"apiVersion": api_version, "kind": kind, "metadata": made, **parts}


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
