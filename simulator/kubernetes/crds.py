"""CustomResourceDefinitions: which resources they make, and what the server adds to them when they are written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from simulator.cluster import SimulatedCluster
from simulator.kubernetes.meta import Object, born, metadata
from simulator.kubernetes.resources import Resource, resources_of
from simulator.kubernetes.tables import Cells, Column, age
from simulator.truth import rfc3339

CRDS = ("apiextensions.k8s.io", "customresourcedefinitions")


def resources_of_crd(crd: Object) -> list[Resource]:
    """The resources that a definition makes, one for each version that is served, the storage version first."""
    spec = crd["spec"]
    names, versions = spec["names"], [each for each in spec["versions"] if each.get("served")]
    return [
        Resource(
            group=spec["group"],
            version=version["name"],
            plural=names["plural"],
            kind=names["kind"],
            objects=_none,
            namespaced=spec["scope"] == "Namespaced",
            short_names=tuple(names.get("shortNames", ())),
            columns=_columns(version),
            cells=_cells(version),
            custom=True,
            with_status="status" in (version.get("subresources") or {}),
            converted=not version.get("storage"),
            list_kind=names.get("listKind", ""),
            schema=(version.get("schema") or {}).get("openAPIV3Schema"),
        )
        for version in sorted(versions, key=lambda each: not each.get("storage"))
    ]


def platform_crds(cluster: SimulatedCluster, at: float) -> list[Object]:
    """The definitions of the kinds that a cluster's platform and operators bring along."""
    start = born(cluster)
    found = []
    for resource in resources_of(cluster.layout.profile):
        if not resource.custom:
            continue
        name = f"{resource.plural}.{resource.group}"
        version = {
            "name": resource.version,
            "served": True,
            "storage": True,
            "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}},
            "subresources": {"status": {}},
        }
        spec = {
            "group": resource.group,
            "scope": "Namespaced" if resource.namespaced else "Cluster",
            "names": {"plural": resource.plural, "kind": resource.kind},
            "versions": [version],
        }
        crd = {"metadata": metadata(cluster, "CustomResourceDefinition", name, start), "spec": spec}
        completed(crd, rfc3339(start))
        found.append(crd)
    return found


def completed(crd: Object, now: str) -> None:
    """Adds to a definition what the server adds: names that follow from others, and that it is established.

    Args:
        crd: the definition, which is changed.
        now: the time of the conditions, RFC 3339.
    """
    spec = crd["spec"]
    names = spec["names"]
    names.setdefault("singular", names["kind"].lower())
    names.setdefault("listKind", f"{names['kind']}List")
    spec.setdefault("conversion", {"strategy": "None"})
    crd["status"] = {
        "conditions": [
            _condition("NamesAccepted", now, "NoConflicts", "no conflicts found"),
            _condition("Established", now, "InitialNamesAccepted", "the initial names have been accepted"),
        ],
        "acceptedNames": names,
        "storedVersions": [each["name"] for each in spec["versions"] if each.get("storage")],
    }


def _condition(kind: str, now: str, reason: str, message: str) -> Object:
    return {"type": kind, "status": "True", "lastTransitionTime": now, "reason": reason, "message": message}


def _none(cluster: SimulatedCluster, at: float) -> list[Object]:
    return []


def _columns(version: Object) -> Sequence[Column]:
    printed = version.get("additionalPrinterColumns")
    if not printed:
        return (("Name", "string", 0), ("Age", "string", 0))
    return (("Name", "string", 0), *((each["name"], each["type"], each.get("priority", 0)) for each in printed))


def _cells(version: Object) -> Cells:
    printed = version.get("additionalPrinterColumns")

    def cells(item: Object, at: float) -> Sequence[Any]:
        name = item["metadata"]["name"]
        if not printed:
            return name, age(item, at)
        return (name, *(_printed(item, column, at) for column in printed))

    return cells


def _printed(item: Object, column: Object, at: float) -> Any:
    if column["jsonPath"] == ".metadata.creationTimestamp":
        return age(item, at)
    value: Any = item
    for name in column["jsonPath"].strip(".").split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value
