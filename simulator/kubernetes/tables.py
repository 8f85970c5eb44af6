"""Tables, the form in which kubectl asks for lists."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from simulator.kubernetes.meta import Object

Cells = Callable[[Object, float], Sequence[Any]]
Column = tuple[str, str, int]
"""Name, type, and priority: 0 is always shown, 1 only when wide."""

NONE = "<none>"


def age(item: Object, at: float) -> str:
    """The time since an object was made, in kubectl's short form."""
    return duration(at - datetime.fromisoformat(item["metadata"]["creationTimestamp"]).timestamp())


def duration(seconds: float) -> str:
    """A duration in kubectl's short form: 45s, 12m, 5h, 3d."""
    seconds = max(0, int(seconds))
    for unit, size, until in (("s", 1, 120), ("m", 60, 180 * 60), ("h", 3600, 48 * 3600)):
        if seconds < until:
            return f"{seconds // size}{unit}"
    return f"{seconds // 86400}d"


def table(columns: Sequence[Column], cells: Cells, items: list[Object], at: float, include: str) -> Object:
    """Items as a Table without its metadata; ``include`` is None, Object or (default) Metadata."""
    return {
        "columnDefinitions": [
            {
                "name": name,
                "type": kind,
                "format": "name" if name == "Name" else "",
                "description": "",
                "priority": priority,
            }
            for name, kind, priority in columns
        ],
        "rows": [{"cells": list(cells(item, at)), "object": _shown(item, include)} for item in items],
    }


def _shown(item: Object, include: str) -> Object | None:
    if include == "None":
        return None
    if include == "Object":
        return item
    return {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": item["metadata"]}


def node_cells(item: Object, at: float) -> Sequence[Any]:
    """A node's row."""
    info, prefix = item["status"]["nodeInfo"], "node-role.kubernetes.io/"
    roles = sorted(label.removeprefix(prefix) for label in item["metadata"]["labels"] if label.startswith(prefix))
    ready = any(each["type"] == "Ready" and each["status"] == "True" for each in item["status"]["conditions"])
    return (
        item["metadata"]["name"],
        "Ready" if ready else "NotReady",
        ",".join(roles) or NONE,
        age(item, at),
        info["kubeletVersion"],
        item["status"]["addresses"][0]["address"],
        NONE,
        info["osImage"],
        info["kernelVersion"],
        info["containerRuntimeVersion"],
    )


def pod_cells(item: Object, at: float) -> Sequence[Any]:
    """A pod's row."""
    statuses = item["status"]["containerStatuses"]
    ready = sum(1 for each in statuses if each["ready"])
    restarts = sum(each["restartCount"] for each in statuses)
    waiting = [each["state"]["waiting"]["reason"] for each in statuses if "waiting" in each["state"]]
    return (
        item["metadata"]["name"],
        f"{ready}/{len(statuses)}",
        waiting[0] if waiting else item["status"]["phase"],
        restarts,
        age(item, at),
        item["status"]["podIP"],
        item["spec"]["nodeName"],
        NONE,
        NONE,
    )


def namespace_cells(item: Object, at: float) -> Sequence[Any]:
    """A namespace's row."""
    return item["metadata"]["name"], item["status"]["phase"], age(item, at)


def deployment_cells(item: Object, at: float) -> Sequence[Any]:
    """A Deployment's row."""
    status = item["status"]
    return (
        item["metadata"]["name"],
        f"{status['readyReplicas']}/{item['spec']['replicas']}",
        status["updatedReplicas"],
        status["availableReplicas"],
        age(item, at),
        *_template(item),
    )


def replica_set_cells(item: Object, at: float) -> Sequence[Any]:
    """A ReplicaSet's row."""
    status = item["status"]
    counts = (item["spec"]["replicas"], status["replicas"], status.get("readyReplicas", 0))
    return item["metadata"]["name"], *counts, age(item, at), *_template(item)


def stateful_set_cells(item: Object, at: float) -> Sequence[Any]:
    """A StatefulSet's row."""
    ready = f"{item['status']['readyReplicas']}/{item['spec']['replicas']}"
    return item["metadata"]["name"], ready, age(item, at), *_template(item)[:2]


def daemon_set_cells(item: Object, at: float) -> Sequence[Any]:
    """A DaemonSet's row."""
    status = item["status"]
    fields = (
        "desiredNumberScheduled",
        "currentNumberScheduled",
        "numberReady",
        "updatedNumberScheduled",
        "numberAvailable",
    )
    return item["metadata"]["name"], *(status[field] for field in fields), NONE, age(item, at), *_template(item)


def event_cells(item: Object, at: float) -> Sequence[Any]:
    """An event's row."""
    involved = item["involvedObject"]
    last = datetime.fromisoformat(item["lastTimestamp"]).timestamp()
    about = f"{involved['kind'].lower()}/{involved['name']}"
    return duration(at - last), item["type"], item["reason"], about, item["message"], item["metadata"]["name"]


def plain_cells(item: Object, at: float) -> Sequence[Any]:
    """The row of a kind without columns of its own."""
    return item["metadata"]["name"], age(item, at)


def _template(item: Object) -> tuple[str, str, str]:
    containers = item["spec"]["template"]["spec"]["containers"]
    labels = item["spec"]["selector"]["matchLabels"]
    return (
        ",".join(each["name"] for each in containers),
        ",".join(each["image"] for each in containers),
        ",".join(f"{name}={value}" for name, value in labels.items()),
    )
