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
UNKNOWN = "<unknown>"


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
    status, prefix = item.get("status") or {}, "node-role.kubernetes.io/"
    info = status.get("nodeInfo") or {}
    labels = item["metadata"].get("labels") or {}
    roles = sorted(label.removeprefix(prefix) for label in labels if label.startswith(prefix))
    ready = {each["type"]: each["status"] for each in status.get("conditions") or ()}.get("Ready")
    words = {"True": "Ready", None: "Unknown"}.get(ready, "NotReady")
    return (
        item["metadata"]["name"],
        f"{words},SchedulingDisabled" if (item.get("spec") or {}).get("unschedulable") else words,
        ",".join(roles) or NONE,
        age(item, at),
        info.get("kubeletVersion", ""),
        next((each["address"] for each in status.get("addresses") or () if each["type"] == "InternalIP"), NONE),
        NONE,
        info.get("osImage") or UNKNOWN,
        info.get("kernelVersion") or UNKNOWN,
        info.get("containerRuntimeVersion") or UNKNOWN,
    )


def pod_cells(item: Object, at: float) -> Sequence[Any]:
    """A pod's row."""
    status, spec = item.get("status") or {}, item.get("spec") or {}
    statuses = status.get("containerStatuses") or []
    ready = sum(1 for each in statuses if each["ready"])
    restarts = sum(each["restartCount"] for each in statuses)
    waiting = [each["state"]["waiting"]["reason"] for each in statuses if "waiting" in each["state"]]
    return (
        item["metadata"]["name"],
        f"{ready}/{len(spec.get('containers') or ())}",
        waiting[0] if waiting else status.get("phase", ""),
        restarts,
        age(item, at),
        status.get("podIP") or NONE,
        spec.get("nodeName") or NONE,
        NONE,
        NONE,
    )


def namespace_cells(item: Object, at: float) -> Sequence[Any]:
    """A namespace's row."""
    return item["metadata"]["name"], (item.get("status") or {}).get("phase", ""), age(item, at)


def deployment_cells(item: Object, at: float) -> Sequence[Any]:
    """A Deployment's row."""
    status = item.get("status") or {}
    return (
        item["metadata"]["name"],
        f"{status.get('readyReplicas', 0)}/{item['spec'].get('replicas', 1)}",
        status.get("updatedReplicas", 0),
        status.get("availableReplicas", 0),
        age(item, at),
        *_template(item),
    )


def replica_set_cells(item: Object, at: float) -> Sequence[Any]:
    """A ReplicaSet's row."""
    status = item.get("status") or {}
    counts = (item["spec"].get("replicas", 1), status.get("replicas", 0), status.get("readyReplicas", 0))
    return item["metadata"]["name"], *counts, age(item, at), *_template(item)


def stateful_set_cells(item: Object, at: float) -> Sequence[Any]:
    """A StatefulSet's row."""
    ready = f"{(item.get('status') or {}).get('readyReplicas', 0)}/{item['spec'].get('replicas', 1)}"
    return item["metadata"]["name"], ready, age(item, at), *_template(item)[:2]


def daemon_set_cells(item: Object, at: float) -> Sequence[Any]:
    """A DaemonSet's row."""
    status = item.get("status") or {}
    fields = (
        "desiredNumberScheduled",
        "currentNumberScheduled",
        "numberReady",
        "updatedNumberScheduled",
        "numberAvailable",
    )
    counts = (status.get(field, 0) for field in fields)
    return item["metadata"]["name"], *counts, NONE, age(item, at), *_template(item)


def event_cells(item: Object, at: float) -> Sequence[Any]:
    """An event's row, of whichever recorder it is."""
    involved, source = item.get("involvedObject") or {}, item.get("source") or {}
    series = item.get("series") or {}
    first = item.get("firstTimestamp") or item.get("eventTime")
    last = series.get("lastObservedTime") or item.get("lastTimestamp") or first
    reporter = (
        (source.get("component"), source.get("host"))
        if source
        else (item.get("reportingComponent"), item.get("reportingInstance"))
    )
    return (
        _since(last, at),
        item.get("type", ""),
        item.get("reason", ""),
        f"{involved.get('kind', '').lower()}/{involved.get('name', '')}",
        involved.get("fieldPath", ""),
        ", ".join(filter(None, reporter)),
        item.get("message", "").strip(),
        _since(first, at),
        series.get("count") or item.get("count") or 1,
        item["metadata"]["name"],
    )


def _since(text: str | None, at: float) -> str:
    return duration(at - datetime.fromisoformat(text).timestamp()) if text else UNKNOWN


def plain_cells(item: Object, at: float) -> Sequence[Any]:
    """The row of a kind without columns of its own."""
    return item["metadata"]["name"], age(item, at)


def _template(item: Object) -> tuple[str, str, str]:
    containers = (item["spec"]["template"].get("spec") or {}).get("containers") or ()
    labels = item["spec"]["selector"].get("matchLabels") or {}
    return (
        ",".join(each["name"] for each in containers),
        ",".join(each["image"] for each in containers),
        ",".join(f"{name}={value}" for name, value in labels.items()),
    )
