"""Reading: lists page by page, single objects, and both as tables or as metadata alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import orjson
import yaml

from simulator.answers import Answer, Request, json_answer
from simulator.cluster import SimulatedCluster
from simulator.kubernetes.builtins import has_status
from simulator.kubernetes.current import body_of, listing_at, revision_of
from simulator.kubernetes.generated import Generated
from simulator.kubernetes.meta import Object
from simulator.kubernetes.paging import page_of
from simulator.kubernetes.paths import Target
from simulator.kubernetes.resources import Resource
from simulator.kubernetes.selectors import Condition, field_conditions, label_conditions
from simulator.kubernetes.status import no_such_resource, not_acceptable, not_found
from simulator.kubernetes.tables import table

_PARTIAL = {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1"}
_TABLE = {"kind": "Table", "apiVersion": "meta.k8s.io/v1"}
_PLAIN = frozenset({"", "*/*", "application/json", "application/*", "application/yaml"})


def form_of(request: Request) -> str:
    """In which form the client wants objects: ``Table``, ``PartialObjectMetadata`` (with List or not), or "" as such.

    Raises:
        RefusedError: in none that the server has (406).
    """
    for wanted in request.accept.split(","):
        media, *parameters = (part.strip() for part in wanted.split(";"))
        given = dict(part.partition("=")[::2] for part in parameters)
        if media not in _PLAIN or given.get("v", "v1") != "v1":
            continue
        form = given.get("as", "")
        if form in {"", "Table"} or form.startswith("PartialObjectMetadata"):
            return form
    raise not_acceptable()


def selected(resource: Resource, request: Request) -> list[Condition]:
    """The conditions of a request's selectors.

    Raises:
        RefusedError: a selector cannot be read (400).
    """
    conditions = label_conditions(request.one("labelSelector"))
    return conditions + field_conditions(request.one("fieldSelector"), resource.selectable)


def fulfils(item: Object, conditions: Sequence[Condition]) -> bool:
    """Whether an object meets all conditions."""
    return all(holds(item) for holds in conditions)


def answer_list(cluster: SimulatedCluster, resource: Resource, target: Target, request: Request) -> Answer:
    """A list, or a page of it.

    Raises:
        RefusedError: a parameter cannot be read (400), or its revision is gone (410) or to come (504).
    """
    form, conditions = form_of(request), selected(resource, request)
    namespace = target.namespace if resource.namespaced else None

    def items(revision: int) -> Sequence[Generated]:
        found = listing_at(cluster, resource, revision).within(namespace)
        return [each for each in found if fulfils(each.item, conditions)] if conditions else found

    page = page_of(request, cluster, revision_of(cluster), items, namespaced=namespace is not None)
    if conditions or form.startswith("PartialObjectMetadata"):
        page.metadata.pop("remainingItemCount", None)
    if form == "Table":
        shown = [each.item for each in page.items]
        return json_answer(_as_table(resource, shown, page.metadata, request, cluster.observed_at()))
    if form:
        partial = [{**_PARTIAL, "metadata": each.item["metadata"]} for each in page.items]
        return json_answer(_head(_PARTIAL["kind"] + "List", _PARTIAL["apiVersion"], page.metadata) | {"items": partial})
    if resource.custom:
        page.metadata.setdefault("continue", "")
    head = _head(resource.list_kind or f"{resource.kind}List", resource.group_version, page.metadata)
    bodies = b",".join(each.body for each in page.items)
    if resource.form:
        bodies = orjson.dumps([resource.form.shown(each.item) for each in page.items])[1:-1]
    elif resource.converted and page.items:
        bodies = orjson.dumps([identified(resource, each.item) for each in page.items])[1:-1]
    return as_asked(request, orjson.dumps(head)[:-1] + b',"items":[' + bodies + b"]}")


def answer_get(cluster: SimulatedCluster, resource: Resource, target: Target, request: Request) -> Answer:
    """One object.

    Raises:
        RefusedError: it is not there (404).
    """
    form, name = form_of(request), target.name or ""
    if target.subresource and not has_status(resource):
        raise not_found(resource.plural, resource.group, name) if resource.custom else no_such_resource()
    body = body_of(cluster, resource, target.namespace if resource.namespaced else None, name)
    if body is None:
        raise not_found(resource.plural, resource.group, name)
    return shown(cluster, resource, Generated("", body).item, request, form)


def shown(cluster: SimulatedCluster, resource: Resource, item: Object, request: Request, form: str) -> Answer:
    """One object in the form that is asked for."""
    if form == "Table":
        version = {"resourceVersion": item["metadata"]["resourceVersion"]}
        return json_answer(_as_table(resource, [item], version, request, cluster.observed_at()))
    if form:
        return json_answer({**_PARTIAL, "metadata": item["metadata"]})
    return as_asked(request, orjson.dumps(identified(resource, item)))


def identified(resource: Resource, item: Object) -> Object:
    """An object in the form in which it is asked for, with its kind and version."""
    shape = resource.form.shown(item) if resource.form else item
    return {**shape, "kind": resource.kind, "apiVersion": resource.group_version}


def in_form(resource: Resource, request: Request, at: float, form: str) -> Callable[[Object], Object]:
    """Turns objects into the form in which a watch sends them; a table's columns are sent once.

    Args:
        resource: their kind.
        request: with ``includeObject`` for tables.
        at: the time that ages are counted to (Unix seconds).
        form: as ``form_of`` gives it.
    """
    first = True

    def turn(item: Object) -> Object:
        nonlocal first
        if form == "Table":
            version = {"resourceVersion": item["metadata"]["resourceVersion"]}
            document = _as_table(resource, [item], version, request, at)
            if not first:
                document["columnDefinitions"] = None
            first = False
            return document
        return {**_PARTIAL, "metadata": item["metadata"]} if form else identified(resource, item)

    return turn


def as_asked(request: Request, body: bytes) -> Answer:
    """JSON, or YAML where that is what the client takes."""
    if request.accept.startswith("application/yaml"):
        return Answer(200, yaml.safe_dump(orjson.loads(body)).encode(), "application/yaml")
    return Answer(200, body)


def _head(kind: str, api_version: str, metadata: Object) -> Object:
    return {"kind": kind, "apiVersion": api_version, "metadata": metadata}


def _as_table(resource: Resource, items: list[Object], metadata: Object, request: Request, at: float) -> Object:
    head = {**_TABLE, "metadata": metadata}
    return head | table(resource.columns, resource.cells, items, at, request.one("includeObject", "Metadata"))
