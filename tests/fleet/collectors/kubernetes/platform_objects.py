"""Custom objects in the form that servers send them, each with its own kind, as items of such lists have it."""

from __future__ import annotations

from typing import Any

from tests.fleet.collectors.kubernetes.objects import metadata
from tests.fleet.collectors.kubernetes.server import Api


def condition(kind: str, status: str, at: str = "2026-03-01T08:00:00Z", **more: Any) -> dict[str, Any]:
    return {"type": kind, "status": status, "lastTransitionTime": at, **more}


def serve_groups(api: Api, **versions: list[str]) -> None:
    """Groups with their versions, the first one preferred; dots are written as two underscores."""
    api.documents["/apis"] = {
        "kind": "APIGroupList",
        "apiVersion": "v1",
        "groups": [
            {
                "name": name.replace("__", "."),
                "versions": [{"groupVersion": f"{name.replace('__', '.')}/{each}", "version": each} for each in served],
                "preferredVersion": {"groupVersion": f"{name.replace('__', '.')}/{served[0]}", "version": served[0]},
            }
            for name, served in {"apps": ["v1"], **versions}.items()
        ],
    }


def put(api: Api, group: str, version: str, plural: str, kind: str, *items: Any) -> None:
    """Serves a kind of custom objects."""
    api.lists[f"/apis/{group}/{version}/{plural}"] = [
        {"apiVersion": f"{group}/{version}", "kind": kind, **item} for item in items
    ]


CLUSTER_VERSION = {
    "metadata": metadata("version"),
    "spec": {"clusterID": "c1", "channel": "stable-4.16", "desiredUpdate": {"version": "4.16.11"}},
    "status": {
        "availableUpdates": None,
        "conditions": [condition("Progressing", "True", message="Working towards 4.16.11: 600 of 900 done")],
        "desired": {"version": "4.16.11", "image": "quay.io/openshift-release-dev/ocp-release@sha256:aa"},
        "history": [
            {"state": "Partial", "version": "4.16.11", "startedTime": "2026-03-01T09:00:00Z", "completionTime": None},
            {
                "state": "Completed",
                "version": "4.16.9",
                "startedTime": "2026-02-01T09:00:00Z",
                "completionTime": "2026-02-01T10:12:00Z",
                "verified": True,
            },
            {
                "state": "Completed",
                "version": "4.15.30",
                "startedTime": "2026-01-01T09:00:00Z",
                "completionTime": "2026-01-01T09:50:00Z",
            },
        ],
    },
}

INFRASTRUCTURE = {
    "metadata": metadata("cluster"),
    "status": {
        "infrastructureName": "edge-x7k2p",
        "platform": "None",
        "platformStatus": {"type": "BareMetal"},
        "apiServerURL": "https://api.edge.example:6443",
        "controlPlaneTopology": "SingleReplica",
        "infrastructureTopology": "SingleReplica",
    },
}


def subscription(name: str, installed: str, current: str, **spec: Any) -> dict[str, Any]:
    return {
        "metadata": metadata(name, f"openshift-{name}"),
        "spec": {"name": name, "channel": "stable", "source": "redhat-operators", "installPlanApproval": "Manual"}
        | spec,
        "status": {"installedCSV": installed, "currentCSV": current, "state": "UpgradePending", "catalogHealth": []},
    }


def version_of(name: str, version: str, phase: str, namespace: str, **status: Any) -> dict[str, Any]:
    return {
        "metadata": metadata(
            f"{name}.v{version}", namespace, annotations={"alm-examples": "[{}]" * 100}, labels={"olm.managed": "true"}
        ),
        "spec": {"displayName": f"The {name}", "version": version, "install": {"strategy": "deployment"}},
        "status": {"phase": phase, "lastTransitionTime": "2026-03-01T07:00:00Z", "reason": "", **status},
    }


NODE_STATE = {
    "metadata": metadata("worker-1", "openshift-sriov-network-operator"),
    "spec": {
        "interfaces": [
            {
                "pciAddress": "0000:03:00.0",
                "numVfs": 4,
                "name": "eno1",
                "vfGroups": [
                    {"resourceName": "fronthaul", "deviceType": "vfio-pci", "vfRange": "0-3", "policyName": "p1"}
                ],
            }
        ]
    },
    "status": {
        "syncStatus": "Succeeded",
        "lastSyncError": "",
        "interfaces": [
            {
                "name": "eno1",
                "mac": "a4:bf:01:12:34:56",
                "driver": "i40e",
                "pciAddress": "0000:03:00.0",
                "vendor": "8086",
                "deviceID": "158b",
                "mtu": 1500,
                "numVfs": 4,
                "linkSpeed": "25000 Mb/s",
                "eSwitchMode": "legacy",
                "totalvfs": 64,
                "Vfs": [
                    {"driver": "vfio-pci", "pciAddress": f"0000:03:02.{number}", "vendor": "8086", "vfID": number}
                    for number in range(4)
                ],
            },
            {"name": "eno2", "pciAddress": "0000:03:00.1", "driver": "i40e", "linkSpeed": "-1 Mb/s"},
            {"name": "eno3", "pciAddress": "0000:04:00.0", "driver": "ice", "linkSpeed": 100000, "Vfs": None},
        ],
    },
}


def ptp_config(name: str, profiles: list[dict[str, Any]], matches: list[tuple[str, str]] | None) -> dict[str, Any]:
    status = {"matchList": [{"nodeName": node, "profile": profile} for node, profile in matches or []]}
    return {
        "metadata": metadata(name, "openshift-ptp"),
        "spec": {"profile": profiles, "recommend": [{"profile": name, "priority": 4, "match": [{"nodeName": "w"}]}]},
        **({"status": status} if matches is not None else {}),
    }
