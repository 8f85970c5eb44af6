"""Discovery: the version, the API groups and the resources of each, one by one or all in one document."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from simulator.answers import Answer, Request, json_answer, text_answer
from simulator.cluster import SimulatedCluster
from simulator.kubernetes.builtins import has_status
from simulator.kubernetes.meta import Object
from simulator.kubernetes.nodes import kubelet_version
from simulator.kubernetes.openapi import answer_openapi
from simulator.kubernetes.resources import Resource
from simulator.kubernetes.reviews import REVIEWS
from simulator.kubernetes.served import Served, served_by

_HEALTH = frozenset({"/healthz", "/livez", "/readyz"})
_VERBS = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"]
_IN_ALL = frozenset(
    {
        ("", "pods"),
        ("", "services"),
        *(("apps", plural) for plural in ("daemonsets", "deployments", "replicasets", "statefulsets")),
        *(("batch", plural) for plural in ("cronjobs", "jobs")),
    }
)
_AGGREGATED = "apidiscovery.k8s.io"


def answer_discovery(cluster: SimulatedCluster, request: Request) -> Answer | None:
    """The answer where the path is one of discovery; None for other paths."""
    path = request.path
    if path == "/version":
        return json_answer(_version(cluster))
    if path in _HEALTH:
        return text_answer("ok")
    served = served_by(cluster)
    if path.startswith("/openapi/"):
        return answer_openapi(served, path)
    version = _aggregated_version(request)
    if path in {"/api", "/apis"} and version:
        return _aggregated(served, version, core=path == "/api")
    if path == "/api":
        addresses = [{"clientCIDR": "0.0.0.0/0", "serverAddress": f"{cluster.layout.nodes[0].address}:6443"}]
        return json_answer({"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": addresses})
    groups = _groups(served)
    if path == "/apis":
        listed = [_group(name, versions) for name, versions in groups.items() if name]
        return json_answer({"kind": "APIGroupList", "apiVersion": "v1", "groups": listed})
    return _one_group(served, groups, path)


def _one_group(served: Served, groups: dict[str, list[str]], path: str) -> Answer | None:
    prefix, _, rest = path.lstrip("/").partition("/")
    group, _, version = rest.rpartition("/") if prefix == "apis" else ("", "", rest)
    if prefix == "apis" and rest in groups:
        return json_answer({"kind": "APIGroup", "apiVersion": "v1", **_group(rest, groups[rest])})
    if (prefix == "apis") != bool(group) or version not in groups.get(group, ()):
        return None
    members = _members(served, group, version)
    return json_answer(_resource_list(rest, members, _reviews(group, version)))


def _groups(served: Served) -> dict[str, list[str]]:
    found = served.groups
    for group, _ in REVIEWS:
        found.setdefault(group, ["v1"])
    return found


def _members(served: Served, group: str, version: str) -> Sequence[Resource]:
    return list(served.members.get((group, version), {}).values())


def _reviews(group: str, version: str) -> Iterable[tuple[str, str, bool]]:
    if version != "v1":
        return []
    return [(plural, kind, namespaced) for (own, plural), (kind, namespaced) in REVIEWS.items() if own == group]


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


def _group(name: str, versions: Sequence[str]) -> Object:
    listed = [{"groupVersion": f"{name}/{version}", "version": version} for version in versions]
    return {"name": name, "versions": listed, "preferredVersion": listed[0]}


def _names(resource: Resource) -> Object:
    """Further names of a resource: short ones, and the categories that it belongs to."""
    short, in_all = list(resource.short_names), (resource.group, resource.plural) in _IN_ALL
    return {**({"shortNames": short} if short else {}), **({"categories": ["all"]} if in_all else {})}


def _subresources(resource: Resource) -> Iterable[tuple[str, str, list[str]]]:
    """The subresources of a resource: name, kind and verbs."""
    if has_status(resource):
        yield "status", resource.kind, ["get", "patch", "update"]
    if (resource.group, resource.plural) == ("", "serviceaccounts"):
        yield "token", "TokenRequest", ["create"]
    if (resource.group, resource.plural) == ("", "services"):
        yield "proxy", "ServiceProxyOptions", ["create", "get", "update"]


def _resource_list(group_version: str, members: Sequence[Resource], reviews: Iterable[tuple[str, str, bool]]) -> Object:
    listed: list[Object] = []
    for resource in members:
        listed.append(
            {
                "name": resource.plural,
                "singularName": resource.kind.lower(),
                "namespaced": resource.namespaced,
                "kind": resource.kind,
                "verbs": _VERBS,
                **_names(resource),
            }
        )
        listed += (
            {
                "name": f"{resource.plural}/{name}",
                "singularName": "",
                "namespaced": resource.namespaced,
                "kind": kind,
                "verbs": verbs,
            }
            for name, kind, verbs in _subresources(resource)
        )
    listed += (
        {"name": plural, "singularName": kind.lower(), "namespaced": namespaced, "kind": kind, "verbs": ["create"]}
        for plural, kind, namespaced in reviews
    )
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group_version, "resources": listed}


def _aggregated_version(request: Request) -> str | None:
    """The version of aggregated discovery that a client wants first, if any."""
    for wanted in request.accept.split(","):
        parameters = dict(part.strip().partition("=")[::2] for part in wanted.split(";")[1:])
        if parameters.get("g") == _AGGREGATED and parameters.get("v") in {"v2", "v2beta1"}:
            return parameters["v"]
        if not parameters:
            return None
    return None


def _aggregated(served: Served, version: str, *, core: bool) -> Answer:
    items = [
        {
            "metadata": {"name": group, "creationTimestamp": None} if group else {"creationTimestamp": None},
            "versions": [
                {
                    "version": each,
                    "resources": [
                        *(_discovered(resource) for resource in _members(served, group, each)),
                        *(_discovered_review(group, *review) for review in _reviews(group, each)),
                    ],
                    "freshness": "Current",
                }
                for each in versions
            ],
        }
        for group, versions in _groups(served).items()
        if (not group) == core
    ]
    head = {"kind": "APIGroupDiscoveryList", "apiVersion": f"{_AGGREGATED}/{version}", "metadata": {}}
    answer = json_answer({**head, "items": items})
    return Answer(200, answer.body, f"application/json;g={_AGGREGATED};v={version};as=APIGroupDiscoveryList")


def _discovered(resource: Resource) -> Object:
    kind = {"group": resource.group, "version": resource.version, "kind": resource.kind}
    subresources = [
        {"subresource": name, "responseKind": {**kind, "kind": own}, "verbs": verbs}
        for name, own, verbs in _subresources(resource)
    ]
    return {
        "resource": resource.plural,
        "responseKind": kind,
        "scope": "Namespaced" if resource.namespaced else "Cluster",
        "singularResource": resource.kind.lower(),
        "verbs": _VERBS,
        **_names(resource),
        **({"subresources": subresources} if subresources else {}),
    }


def _discovered_review(group: str, plural: str, kind: str, namespaced: bool) -> Object:
    return {
        "resource": plural,
        "responseKind": {"group": group, "version": "v1", "kind": kind},
        "scope": "Namespaced" if namespaced else "Cluster",
        "singularResource": kind.lower(),
        "verbs": ["create"],
    }
