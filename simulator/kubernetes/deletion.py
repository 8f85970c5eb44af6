"""Deletion: of one object, of what it owns or holds, and of many at once."""

from __future__ import annotations

from collections.abc import Iterator

from simulator.answers import Answer, Request, json_answer
from simulator.cluster import SimulatedCluster
from simulator.kubernetes.builtins import BUILT_IN_GROUPS
from simulator.kubernetes.crds import CRDS, resources_of_crd
from simulator.kubernetes.current import body_of, key_of, kind_of, objects_of, revision_of
from simulator.kubernetes.documents import document_of, is_dry
from simulator.kubernetes.meta import Object
from simulator.kubernetes.paths import Target
from simulator.kubernetes.reading import fulfils, identified, selected
from simulator.kubernetes.resources import Resource
from simulator.kubernetes.served import served_by
from simulator.truth import rfc3339

_COUNTED_GROUPS = frozenset({"apps", "batch", "networking.k8s.io", "policy", "apiextensions.k8s.io"})
_ANSWERED_WITH_OBJECT = frozenset({"pods", "serviceaccounts", "namespaces", "customresourcedefinitions"})
_OWNED = frozenset({"replicasets", "pods", "jobs", "controllerrevisions", "endpointslices"})


def needs_successors(resource: Resource) -> bool:
    """Whether the server counts the changes of an object's wishes (``metadata.generation``)."""
    return resource.group in _COUNTED_GROUPS or resource.group not in BUILT_IN_GROUPS


def has_finalizers(item: Object) -> bool:
    """Whether somebody wants to do something before an object goes."""
    return bool(item["metadata"].get("finalizers"))


def delete(cluster: SimulatedCluster, resource: Resource, item: Object, *, orphan: bool = False) -> Object | None:
    """Deletes an object and what hangs on it; with finalizers it is only marked.

    Args:
        cluster: where it is.
        resource: its kind.
        item: the object as it is.
        orphan: whether what it owns stays.

    Returns:
        The object as the server answers a deletion with it; None where it answers with a bare success.
    """
    now = rfc3339(revision_of(cluster) / 1000)
    last = {**item, "metadata": {**item["metadata"]}}
    if has_finalizers(item):
        if "deletionTimestamp" not in item["metadata"]:
            last["metadata"] |= {"deletionTimestamp": now, "deletionGracePeriodSeconds": 0}
            _stamp(cluster, last)
            namespace, name = last["metadata"].get("namespace"), last["metadata"]["name"]
            before = body_of(cluster, resource, namespace, name)
            cluster.overlay.put(kind_of(resource), key_of(namespace, name), last, before)
        return last
    held = list(_held(cluster, resource, item))
    _remove(cluster, resource, last)
    for kind, each in held:
        _remove(cluster, kind, each)
    if not orphan:
        _delete_owned(cluster, item)
    if resource.plural not in _ANSWERED_WITH_OBJECT:
        return None
    shown = {**last, "metadata": {**last["metadata"], "deletionTimestamp": now}}
    return shown | ({"status": {"phase": "Terminating"}} if resource.plural == "namespaces" else {})


def delete_all(cluster: SimulatedCluster, resource: Resource, target: Target, request: Request) -> Answer:
    """Deletes what a request's selectors select.

    Raises:
        RefusedError: a selector or an option cannot be read (400, 422).
    """
    options = document_of(request, "DeleteOptions") if request.body else {}
    conditions, dry = selected(resource, request), is_dry(request, "delete", options)
    namespace = target.namespace if resource.namespaced else None
    with cluster.overlay.lock:
        chosen = [each for each in objects_of(cluster, resource, namespace) if fulfils(each, conditions)]
        for each in chosen if not dry else ():
            delete(cluster, resource, each)
    kind = resource.list_kind or f"{resource.kind}List"
    metadata = {"resourceVersion": str(revision_of(cluster))}
    items = [identified(resource, each) for each in chosen]
    return json_answer({"kind": kind, "apiVersion": resource.group_version, "metadata": metadata, "items": items})


def _held(cluster: SimulatedCluster, resource: Resource, item: Object) -> Iterator[tuple[Resource, Object]]:
    """What cannot be without an object: what is in a namespace, and the objects of a definition's kind."""
    if (resource.group, resource.plural) == ("", "namespaces"):
        for kind in _storage_versions(cluster):
            if kind.namespaced:
                yield from ((kind, each) for each in objects_of(cluster, kind, item["metadata"]["name"]))
    elif (resource.group, resource.plural) == CRDS:
        for kind in resources_of_crd(item)[:1]:
            yield from ((kind, each) for each in objects_of(cluster, kind))


def _storage_versions(cluster: SimulatedCluster) -> Iterator[Resource]:
    return (each for each in served_by(cluster) if not each.converted and each.form is None)


def _delete_owned(cluster: SimulatedCluster, owner: Object) -> None:
    """Deletes what an object owns, as the garbage collector does."""
    namespace, uid = owner["metadata"].get("namespace"), owner["metadata"]["uid"]
    if namespace is None:
        return
    for kind in _storage_versions(cluster):
        if kind.plural not in _OWNED:
            continue
        for each in objects_of(cluster, kind, namespace):
            owners = each["metadata"].get("ownerReferences") or ()
            if any(reference["uid"] == uid for reference in owners):
                delete(cluster, kind, each)


def _remove(cluster: SimulatedCluster, resource: Resource, item: Object) -> None:
    _stamp(cluster, item)
    metadata = item["metadata"]
    cluster.overlay.remove(kind_of(resource), key_of(metadata.get("namespace"), metadata["name"]), item)


def _stamp(cluster: SimulatedCluster, item: Object) -> None:
    item["metadata"]["resourceVersion"] = str(cluster.overlay.next_revision(cluster.observed_at()))
