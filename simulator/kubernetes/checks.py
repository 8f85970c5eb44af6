"""What has to be so before an object is written: it fits its path, its version, its kind's rules and its schema."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from simulator.answers import RefusedError
from simulator.cluster import SimulatedCluster
from simulator.kubernetes.builtins import has_status
from simulator.kubernetes.current import body_of
from simulator.kubernetes.kind_rules import causes_against, causes_against_change
from simulator.kubernetes.meta import Object
from simulator.kubernetes.paths import Target
from simulator.kubernetes.resources import Resource
from simulator.kubernetes.schemas import pruned
from simulator.kubernetes.served import served_by
from simulator.kubernetes.status import (
    bad_request,
    conflict,
    invalid,
    method_not_allowed,
    no_such_resource,
    not_found,
)

_SERVERS_OWN = (
    "name",
    "namespace",
    "uid",
    "creationTimestamp",
    "generation",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "managedFields",
)
"""The metadata that only the server changes."""


def check_subresource(resource: Resource, target: Target) -> None:
    """Lets updates and patches of a status pass where the kind has one.

    Raises:
        RefusedError: it has none (404), or it is to be made or deleted (405).
    """
    if not has_status(resource):
        if resource.custom:
            raise not_found(resource.plural, resource.group, target.name or "")
        raise no_such_resource()
    if target.verb not in {"update", "patch"}:
        raise method_not_allowed()


def checked_head(resource: Resource, target: Target, item: Object) -> Object:
    """The metadata of a document that fits the path; the namespace of the path is put into it.

    Raises:
        RefusedError: it is of another kind, version, or namespace (400).
    """
    kind, api_version = item.get("kind", resource.kind), str(item.get("apiVersion", resource.group_version))
    if (kind, api_version) != (resource.kind, resource.group_version):
        version = api_version.rpartition("/")[2]
        raise bad_request(f'{kind} in version "{version}" cannot be handled as a {resource.kind}')
    metadata: Object = item.setdefault("metadata", {})
    if not isinstance(metadata, dict):
        raise bad_request(
            f'{kind} in version "{resource.version}" cannot be handled as a {kind}: metadata is no object'
        )
    if not resource.namespaced:
        metadata.pop("namespace", None)
    elif metadata.setdefault("namespace", target.namespace) != target.namespace:
        raise bad_request("the namespace of the provided object does not match the namespace sent on the request")
    return metadata


def check_namespace(cluster: SimulatedCluster, resource: Resource, target: Target) -> None:
    """Lets objects be made only where there is a namespace.

    Raises:
        RefusedError: there is none (404).
    """
    if not resource.namespaced:
        return
    name = target.namespace or ""
    if body_of(cluster, served_by(cluster).built_in("", "namespaces"), None, name) is None:
        raise not_found("namespaces", "", name)


def check_revision(resource: Resource, old: Object, metadata: Mapping[str, Any]) -> None:
    """Lets a write pass that builds on the object as it is, or on none in particular.

    Raises:
        RefusedError: it builds on another version, or is about another object of that name (409).
    """
    given, uid, own = metadata.get("resourceVersion"), metadata.get("uid"), old["metadata"]
    if given and given != own["resourceVersion"]:
        why = "the object has been modified; please apply your changes to the latest version and try again"
        raise _conflict(resource, old, why)
    if uid and uid != own["uid"]:
        raise _conflict(
            resource, old, f"Precondition failed: UID in precondition: {uid}, UID in object meta: {own['uid']}"
        )


def check_preconditions(resource: Resource, old: Object, wanted: Mapping[str, Any]) -> None:
    """Lets a deletion pass that is about the object as it is.

    Raises:
        RefusedError: it is about another one, or another version (409).
    """
    for field, called in (("uid", "UID"), ("resourceVersion", "ResourceVersion")):
        given, own = wanted.get(field), old["metadata"][field]
        if given and given != own:
            raise _conflict(
                resource,
                old,
                f"the {called} in the precondition ({given}) does not match the {called} in record ({own}). "
                "The object might have been modified",
            )


def _conflict(resource: Resource, old: Object, why: str) -> RefusedError:
    return conflict(resource.plural, resource.group, old["metadata"]["name"], why)


def with_servers_own(resource: Resource, target: Target, old: Object, new: Object) -> Object:
    """A document with what only the server may change as it was, and what its path does not reach."""
    if target.subresource == "status":
        status = {"status": new["status"]} if "status" in new else {}
        return {**old, **status, "metadata": dict(old["metadata"])}
    metadata = {name: value for name, value in new["metadata"].items() if name not in _SERVERS_OWN}
    metadata |= {name: old["metadata"][name] for name in _SERVERS_OWN if name in old["metadata"]}
    result = {**new, "metadata": metadata}
    if has_status(resource):
        result.pop("status", None)
        if "status" in old:
            result["status"] = old["status"]
    return result


def in_shape(cluster: SimulatedCluster, resource: Resource, item: Object, old: Object | None) -> Object:
    """A document in the form in which it is kept, checked.

    Args:
        cluster: where it is.
        resource: its kind.
        item: the document.
        old: what it replaces; None for a new object.

    Raises:
        RefusedError: it says something that cannot be (422).
    """
    if resource.custom:
        kept = served_by(cluster).any_version(resource.group, resource.plural) or resource
        item = {**item, "kind": resource.kind, "apiVersion": kept.group_version}
        if resource.schema:
            item = pruned(item, resource.schema)
    else:
        item = {name: value for name, value in item.items() if name not in {"kind", "apiVersion"}}
    causes = list(causes_against(resource, item))
    if old is not None:
        causes += causes_against_change(resource, old, item)
    if causes:
        raise invalid(resource.kind, resource.group, item["metadata"].get("name", ""), *causes)
    return item
