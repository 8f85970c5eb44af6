"""OpenAPI version 3 as far as clients ask it: which kinds there are, how patches are made, and the schemas of CRDs."""

from __future__ import annotations

from typing import Any

from simulator.answers import Answer, json_answer
from simulator.kubernetes.meta import Object
from simulator.kubernetes.resources import Resource
from simulator.kubernetes.served import Served

_KIND = "x-kubernetes-group-version-kind"
_PATCHES = ("application/json-patch+json", "application/merge-patch+json", "application/apply-patch+yaml")
_OPTIONS = ("dryRun", "fieldManager", "fieldValidation", "force")


def answer_openapi(served: Served, path: str) -> Answer | None:
    """The answer to ``/openapi/v3`` and the documents that it lists; None for other paths."""
    if path == "/openapi/v3":
        listed = {_path(*each): {"serverRelativeURL": f"/openapi/v3/{_path(*each)}"} for each in served.members}
        return json_answer({"paths": listed})
    for (group, version), members in served.members.items():
        if path == f"/openapi/v3/{_path(group, version)}":
            return json_answer(_document(group, version, list(members.values())))
    return None


def _path(group: str, version: str) -> str:
    return f"apis/{group}/{version}" if group else f"api/{version}"


def _document(group: str, version: str, members: list[Resource]) -> Object:
    root = f"/{_path(group, version)}"
    paths, schemas = {}, {}
    for each in members:
        place = f"{root}/namespaces/{{namespace}}" if each.namespaced else root
        kind = {"group": group, "version": version, "kind": each.kind}
        paths[f"{place}/{each.plural}/{{name}}"] = {"patch": _patch(kind)}
        schemas[f"{group or 'core'}.{version}.{each.kind}"] = _schema(each, kind)
    info = {"title": "Kubernetes", "version": "unversioned"}
    return {"openapi": "3.0.0", "info": info, "paths": paths, "components": {"schemas": schemas}}


def _patch(kind: Object) -> Object:
    content: dict[str, Any] = {media: {"schema": {"type": "object"}} for media in _PATCHES}
    return {
        "operationId": f"patch{kind['kind']}",
        "parameters": [{"name": name, "in": "query", "schema": {"type": "string"}} for name in _OPTIONS],
        "requestBody": {"content": content},
        "responses": {"200": {"description": "OK"}},
        "x-kubernetes-action": "patch",
        _KIND: kind,
    }


def _schema(resource: Resource, kind: Object) -> Object:
    known = dict(resource.schema) if resource.schema else {"type": "object"}
    return {**known, _KIND: [kind]}
