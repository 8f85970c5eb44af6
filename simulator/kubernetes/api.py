"""The Kubernetes API's paths: lists page by page, single objects, tables, and refusals in the server's own words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import orjson

from simulator.access import READER, Access
from simulator.answers import Answer, RefusedError, Request, json_answer, text_answer
from simulator.cluster import SimulatedCluster
from simulator.kubernetes.discovery import answer_discovery
from simulator.kubernetes.generated import Generated, listing_of
from simulator.kubernetes.meta import Object
from simulator.kubernetes.paging import page_of
from simulator.kubernetes.proxy import Forward, forbidden_service, forwarded
from simulator.kubernetes.resources import Resource, resources_of
from simulator.kubernetes.selectors import Condition, field_conditions, label_conditions
from simulator.kubernetes.status import no_such_resource, not_found, status, unauthorized
from simulator.kubernetes.tables import table

_ANONYMOUS = "system:anonymous"
_OPEN = frozenset({"/version", "/healthz", "/livez", "/readyz"})


@dataclass(frozen=True)
class _Target:
    resource: Resource
    namespace: str | None
    name: str | None


def answer_kubernetes(cluster: SimulatedCluster, request: Request, access: Access) -> Answer | Forward:
    """The answer to a request below the cluster's API server, or the server to which it forwards the request.

    Raises:
        RefusedError: the request is refused with a Status.
    """
    resources, known = resources_of(cluster.layout.profile), access.knows(request.token)
    if not known and request.token is not None:
        raise unauthorized()
    if not known and request.path not in _OPEN:
        raise _anonymous(request, resources)
    if request.method == "GET":
        answer = answer_discovery(cluster, request.path, resources)
        if answer is not None:
            return answer
    if forward := forwarded(request):
        verb = {"GET": "get", "POST": "create"}.get(request.method, "update")
        if access.denies(verb, "", "services/proxy"):
            raise forbidden_service(forward, verb)
        return forward
    target = _target(request.path, resources)
    if isinstance(target, Answer):
        return target
    verb = "list" if target.name is None else "get"
    if access.denies(verb, target.resource.group, target.resource.plural):
        raise _forbidden(target, verb, READER)
    if request.method != "GET":
        raise status(405, "MethodNotAllowed", "the server does not allow this method on the requested resource", {})
    if request.one("watch") in {"1", "true"}:
        raise _forbidden(target, "watch", READER)
    if target.name is None:
        return _list(cluster, target, request)
    return _get(cluster, target, request)


def _anonymous(request: Request, resources: tuple[Resource, ...]) -> RefusedError:
    """A request without a token: rights are looked at before the path is."""
    try:
        target = _target(request.path, resources)
    except RefusedError:
        target = None
    if isinstance(target, _Target):
        return _forbidden(target, "list" if target.name is None else "get", _ANONYMOUS)
    return status(403, "Forbidden", f'forbidden: User "{_ANONYMOUS}" cannot get path "{request.path}"', {})


def _forbidden(target: _Target, verb: str, user: str) -> RefusedError:
    resource = target.resource
    label = f"{resource.plural}.{resource.group}" if resource.group else resource.plural
    named = f'{label} "{target.name}"' if target.name else label
    scope = f'in the namespace "{target.namespace}"' if target.namespace else "at the cluster scope"
    right = f'cannot {verb} resource "{resource.plural}" in API group "{resource.group}" {scope}'
    details = {"name": target.name, "group": resource.group, "kind": resource.plural}
    message = f'{named} is forbidden: User "{user}" {right}'
    return status(403, "Forbidden", message, {key: value for key, value in details.items() if value})


def _target(path: str, resources: tuple[Resource, ...]) -> _Target | Answer:
    """What a path names; an answer where it names nothing outside a known group.

    Raises:
        RefusedError: it names nothing in a known group (404).
    """
    parts = path.strip("/").split("/")
    if parts[0] not in {"api", "apis"}:
        return json_answer({"paths": ["/api", "/api/v1", "/apis", "/healthz", "/livez", "/readyz", "/version"]}, 404)
    group_version, rest = ("/".join(parts[1:3]), parts[3:]) if parts[0] == "apis" else (parts[1], parts[2:])
    members = {each.plural: each for each in resources if each.group_version == group_version}
    if not members:
        if parts[0] == "apis":
            return text_answer("404 page not found\n", 404)
        raise no_such_resource()
    namespace = None
    if len(rest) >= 3 and rest[0] == "namespaces":
        namespace, rest = rest[1], rest[2:]
    resource = members.get(rest[0]) if rest else None
    if resource is None or len(rest) > 2 or (namespace is not None and not resource.namespaced):
        raise no_such_resource()
    if len(rest) == 2 and resource.namespaced and namespace is None:
        raise no_such_resource()
    return _Target(resource, namespace, rest[1] if len(rest) == 2 else None)


def _list(cluster: SimulatedCluster, target: _Target, request: Request) -> Answer:
    resource = target.resource
    conditions = label_conditions(request.one("labelSelector"))
    conditions += field_conditions(request.one("fieldSelector"), resource.selectable)

    def items(at: float) -> Sequence[Generated]:
        found = listing_of(cluster, resource, at).within(target.namespace)
        return [each for each in found if _fulfils(each.item, conditions)] if conditions else found

    page = page_of(request, cluster.observed_at(), items, namespaced=target.namespace is not None)
    if conditions:
        page.metadata.pop("remainingItemCount", None)
    if _wants_table(request):
        shown = [each.item for each in page.items]
        return json_answer(_as_table(resource, shown, page.metadata, request, cluster.observed_at()))
    head = {"kind": f"{resource.kind}List", "apiVersion": resource.group_version, "metadata": page.metadata}
    bodies = b",".join(each.body for each in page.items)
    return Answer(200, orjson.dumps(head)[:-1] + b',"items":[' + bodies + b"]}")


def _fulfils(item: Object, conditions: Sequence[Condition]) -> bool:
    return all(holds(item) for holds in conditions)


def _get(cluster: SimulatedCluster, target: _Target, request: Request) -> Answer:
    resource, at = target.resource, cluster.observed_at()
    found = listing_of(cluster, resource, at).one(target.namespace, target.name or "")
    if found is None:
        raise not_found(resource.plural, resource.group, target.name or "")
    item = found.item
    if _wants_table(request):
        version = {"resourceVersion": item["metadata"]["resourceVersion"]}
        return json_answer(_as_table(resource, [item], version, request, at))
    return json_answer({"kind": resource.kind, "apiVersion": resource.group_version, **item})


def _wants_table(request: Request) -> bool:
    first = request.accept.split(",", 1)[0]
    return "as=Table" in first and "v=v1beta1" not in first


def _as_table(resource: Resource, items: list[Object], metadata: Object, request: Request, at: float) -> Object:
    head = {"kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": metadata}
    return head | table(resource.columns, resource.cells, items, at, request.one("includeObject", "Metadata"))
