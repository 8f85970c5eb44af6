"""The Kubernetes API's front: who asks, what for, whether that is allowed, and which part of the server answers."""

from __future__ import annotations

from simulator.access import Access
from simulator.answers import Answer, RefusedError, Request, json_answer, text_answer
from simulator.cluster import SimulatedCluster
from simulator.kubernetes.builtins import BUILT_IN_GROUPS
from simulator.kubernetes.discovery import answer_discovery
from simulator.kubernetes.documents import document_of
from simulator.kubernetes.identity import User, asking
from simulator.kubernetes.paths import Target, target_of
from simulator.kubernetes.proxy import Forward, forward_to_service
from simulator.kubernetes.rbac import Decision, Wish, decide
from simulator.kubernetes.reading import answer_get, answer_list
from simulator.kubernetes.resources import Resource
from simulator.kubernetes.reviews import REVIEWS, Review, is_review, reviewed, token_for
from simulator.kubernetes.served import served_by
from simulator.kubernetes.status import method_not_allowed, no_such_resource, status, too_large
from simulator.kubernetes.watching import Watch, watch_of
from simulator.kubernetes.writing import Writer

_BODY_BYTES = 3 * 2**20


def answer_kubernetes(cluster: SimulatedCluster, request: Request, access: Access) -> Answer | Forward | Watch:
    """The answer to a request below the cluster's API server, or the server to which it forwards the request.

    Raises:
        RefusedError: the request is refused with a Status.
    """
    user = asking(cluster, request, access)
    target = target_of(request)
    if target is None:
        return _unnamed(cluster, request, access, user)
    wish = Wish(target.verb, target.group, target.resource, target.namespace or "", target.name or "")
    decision = decide(cluster, access, user, wish)
    if not decision.allowed:
        raise _forbidden(target, user, decision)
    if len(request.body) > _BODY_BYTES:
        raise too_large(_BODY_BYTES)
    if is_review(target):
        return _review(cluster, request, access, user, target)
    resource = _resource(cluster, target)
    if isinstance(resource, Answer):
        return resource
    if target.subresource == "proxy" and resource.plural == "services":
        return forward_to_service(cluster, target, request)
    if target.subresource == "token" and resource.plural == "serviceaccounts":
        return _token(cluster, resource, target, request)
    if target.subresource not in {"", "status"}:
        raise no_such_resource()
    if request.method == "GET":
        return _read(cluster, resource, target, request)
    return Writer(cluster, resource, target, request).answer()


def _unnamed(cluster: SimulatedCluster, request: Request, access: Access, user: User) -> Answer:
    """What is found under paths that name no resource."""
    verb = "get" if request.method == "GET" else request.method.lower()
    if not decide(cluster, access, user, Wish(verb, path=request.path)).allowed:
        message = f'forbidden: User "{user.name}" cannot {verb} path "{request.path}"'
        raise status(403, "Forbidden", message, {})
    found = answer_discovery(cluster, request)
    if found is not None:
        if request.method != "GET":
            raise method_not_allowed()
        return found
    if request.path.startswith("/apis/"):
        return text_answer("404 page not found\n", 404)
    if request.path.startswith("/api/"):
        raise no_such_resource()
    return json_answer({"paths": ["/api", "/api/v1", "/apis", "/healthz", "/livez", "/readyz", "/version"]}, 404)


def _forbidden(target: Target, user: User, decision: Decision) -> RefusedError:
    label = f"{target.plural}.{target.group}" if target.group else target.plural
    named = f'{label} "{target.name}"' if target.name else label
    scope = f'in the namespace "{target.namespace}"' if target.namespace else "at the cluster scope"
    right = f'cannot {target.verb} resource "{target.resource}" in API group "{target.group}" {scope}'
    why = f": {decision.reason}" if decision.reason else ""
    details = {"name": target.name, "group": target.group, "kind": target.plural}
    message = f'{named} is forbidden: User "{user.name}" {right}{why}'
    return status(403, "Forbidden", message, {key: value for key, value in details.items() if value})


def _resource(cluster: SimulatedCluster, target: Target) -> Resource | Answer:
    """The resource that is asked for; an answer where its group or version is none of the server's.

    Raises:
        RefusedError: the path fits no resource of a built-in group (404).
    """
    found = served_by(cluster).find(target.group, target.version, target.plural)
    if found is None:
        if target.group not in BUILT_IN_GROUPS:
            return text_answer("404 page not found\n", 404)
        raise no_such_resource()
    misplaced = target.namespace is not None and not found.namespaced and found.plural != "namespaces"
    homeless = target.namespace is None and found.namespaced and target.verb not in {"list", "watch"}
    if misplaced or (homeless and target.name is not None):
        raise no_such_resource()
    if homeless:
        raise method_not_allowed()
    return found


def _read(cluster: SimulatedCluster, resource: Resource, target: Target, request: Request) -> Answer | Watch:
    if target.verb == "watch":
        return watch_of(cluster, resource, target, request)
    if target.verb == "list":
        return answer_list(cluster, resource, target, request)
    return answer_get(cluster, resource, target, request)


def _review(cluster: SimulatedCluster, request: Request, access: Access, user: User, target: Target) -> Answer:
    kind, namespaced = REVIEWS[target.group, target.plural]
    if target.verb != "create" or namespaced != (target.namespace is not None):
        raise method_not_allowed()
    return reviewed(Review(cluster, access, user, target, document_of(request, kind)))


def _token(cluster: SimulatedCluster, resource: Resource, target: Target, request: Request) -> Answer:
    if target.verb != "create":
        raise method_not_allowed()
    account = Writer(cluster, resource, target, request).existing()
    return token_for(cluster, account, document_of(request, "TokenRequest"))
