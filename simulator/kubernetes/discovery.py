"""Discovery: the version, the API groups and the resources of each."""

from __future__ import annotations

from collections.abc import Sequence

from simulator.answers import Answer, json_answer, text_answer
from simulator.cluster import SimulatedCluster
from simulator.kubernetes.meta import Object
from simulator.kubernetes.nodes import kubelet_version
from simulator.kubernetes.resources import Resource

_HEALTH = frozenset({"/healthz", "/livez", "/readyz"})


def answer_discovery(cluster: SimulatedCluster, path: str, resources: Sequence[Resource]) -> Answer | None:
    """The answer where the path is one of discovery; None for other paths."""
    if path == "/version":
        return json_answer(_version(cluster))
    if path in _HEALTH:
        return text_answer("ok")
    if path == "/api":
        addresses = [{"clientCIDR": "0.0.0.0/0", "serverAddress": f"{cluster.layout.nodes[0].address}:6443"}]
        return json_answer({"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": addresses})
    groups = {resource.group: resource.version for resource in resources if resource.group}
    if path == "/apis":
        listed = [_group(name, version) for name, version in groups.items()]
        return json_answer({"kind": "APIGroupList", "apiVersion": "v1", "groups": listed})
    prefix, _, rest = path.lstrip("/").partition("/")
    if prefix == "apis" and rest in groups:
        return json_answer({"kind": "APIGroup", "apiVersion": "v1", **_group(rest, groups[rest])})
    members = [resource for resource in resources if resource.group_version == rest and prefix == _root(resource)]
    return json_answer(_resource_list(rest, members)) if members else None


def _root(resource: Resource) -> str:
    return "apis" if resource.group else "api"


def _version(cluster: SimulatedCluster) -> Object:
    version = kubelet_version(cluster)
    major, minor = version.lstrip("v").split(".")[:2]
    return {
        "major": major,
        "minor": minor,
        "gitVersion": version,
        "gitCommit": "a51b3b711150f57ffc1f526a640ec058514ed596",
        "gitTreeState": "clean",
        "buildDate": "2024-08-14T19:02:46Z",
        "goVersion": "go1.22.5",
        "compiler": "gc",
        "platform": "linux/amd64",
    }


def _group(name: str, version: str) -> Object:
    preferred = {"groupVersion": f"{name}/{version}", "version": version}
    return {"name": name, "versions": [preferred], "preferredVersion": preferred}


def _resource_list(group_version: str, members: Sequence[Resource]) -> Object:
    return {
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": group_version,
        "resources": [
            {
                "name": resource.plural,
                "singularName": resource.kind.lower(),
                "namespaced": resource.namespaced,
                "kind": resource.kind,
                "verbs": ["get", "list"],
                **({"shortNames": list(resource.short_names)} if resource.short_names else {}),
            }
            for resource in members
        ],
    }
