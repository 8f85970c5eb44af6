"""Objects as an API server lists them: no kind, managedFields and other things that nobody reads."""

from __future__ import annotations

from typing import Any


def metadata(name: str, namespace: str | None = None, **more: Any) -> dict[str, Any]:
    return {
        "name": name,
        "uid": f"uid-{namespace}-{name}",
        "resourceVersion": "219",
        "creationTimestamp": "2026-03-01T00:00:00Z",
        "managedFields": [{"manager": "unknown", "operation": "Update", "fieldsType": "FieldsV1", "fieldsV1": {}}],
        **({"namespace": namespace} if namespace else {}),
        **more,
    }


def owner(kind: str, name: str) -> dict[str, Any]:
    return {"ownerReferences": [{"apiVersion": "apps/v1", "kind": kind, "name": name, "uid": "u", "controller": True}]}


def node(name: str, address: str, conditions: list[dict[str, Any]] | None = None, **more: Any) -> dict[str, Any]:
    ready = {"type": "Ready", "status": "True", "lastTransitionTime": "2026-03-01T00:00:30Z"}
    return {
        "metadata": metadata(name, **more),
        "spec": {"taints": None},
        "status": {
            "addresses": [{"type": "InternalIP", "address": address}, {"type": "Hostname", "address": name}],
            "capacity": {"cpu": "4", "memory": "16Gi", "pods": "110"},
            "allocatable": {"cpu": "3800m", "memory": "15728640Ki", "pods": "110"},
            "conditions": [ready] if conditions is None else conditions,
            "nodeInfo": {"kubeletVersion": "v1.31.6", "osImage": "Debian"},
        },
    }


def pod(
    name: str, namespace: str, *, on: str | None, owned_by: dict[str, Any] | None = None, **status: Any
) -> dict[str, Any]:
    return {
        "metadata": metadata(name, namespace, **(owned_by or {})),
        "spec": {
            "containers": [{"name": "app", "image": "app:1", "resources": {}}],
            **({"nodeName": on} if on else {}),
        },
        "status": {"phase": "Running", **status},
    }


def workload(name: str, namespace: str, images: list[str], status: dict[str, Any] | None = None, **more: Any) -> Any:
    containers = [{"name": f"c{number}", "image": image} for number, image in enumerate(images)]
    return {
        "metadata": metadata(name, namespace, **more),
        "spec": {"replicas": 3, "template": {"spec": {"containers": containers}}},
        "status": status or {},
    }


def replica_set(deployment: str, suffix: str, revision: int, image: str, created: str) -> dict[str, Any]:
    return workload(
        f"{deployment}-{suffix}",
        "shop",
        [image],
        creationTimestamp=created,
        annotations={"deployment.kubernetes.io/revision": str(revision)},
        **owner("Deployment", deployment),
    )


def event(name: str, reason: str, kind: str, on: str, **more: Any) -> dict[str, Any]:
    return {
        "metadata": metadata(f"{on}.{name}", "shop"),
        "involvedObject": {"kind": kind, "name": on, "namespace": "shop"} | more.pop("involved", {}),
        "type": "Warning",
        "reason": reason,
        "message": f"{reason} happened",
        "count": 1,
        "firstTimestamp": "2026-03-01T10:00:00Z",
        "lastTimestamp": "2026-03-01T10:00:00Z",
        "eventTime": None,
        **more,
    }


EMPTY_LISTS = {
    "/api/v1/nodes": [],
    "/api/v1/namespaces": [],
    "/api/v1/pods": [],
    "/api/v1/events": [],
    "/apis/apps/v1/deployments": [],
    "/apis/apps/v1/statefulsets": [],
    "/apis/apps/v1/daemonsets": [],
    "/apis/apps/v1/replicasets": [],
}
VERSION = {"major": "1", "minor": "31+", "gitVersion": "v1.31.6+abc", "platform": "linux/amd64"}


def groups(*names: str) -> dict[str, Any]:
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": [{"name": name, "versions": []} for name in names]}
