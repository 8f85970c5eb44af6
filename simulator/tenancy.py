"""The tenancy ports of OpenShift's thanos-querier: what may be asked of one namespace by who may see its pods.

Two proxies: kube-rbac-proxy lets some paths through and asks for rights in the namespace that the address names, and
prom-label-proxy puts the namespace into every selector. Paths and rights: ``openshift/cluster-monitoring-operator``;
bodies: the sources of both.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from urllib.parse import parse_qs

import orjson

from simulator.access import Access
from simulator.answers import Answer, RefusedError, Request, json_answer, text_answer
from simulator.cluster import SimulatedCluster
from simulator.kubernetes.identity import User, asking
from simulator.kubernetes.rbac import Wish, decide
from simulator.prometheus import answer_prometheus

_VERBS = {"GET": "get", "POST": "create", "PUT": "update"}
_MATCHER = re.compile(r'\bnamespace\s*(=~|!~|!=|=)\s*"((?:[^"\\]|\\.)*)"')


@dataclass(frozen=True)
class Port:
    """A tenancy port: the paths that it lets through, and the resource that it asks for rights on."""

    routed: re.Pattern[str]
    group: str
    resource: str


TENANCY_PORTS = {
    "tenancy": Port(
        re.compile(r"/api/v1/(query|query_range|labels|label/[^/]*/values|series)"), "metrics.k8s.io", "pods"
    ),
    "tenancy-rules": Port(re.compile(r"/api/v1/(rules|alerts)"), "monitoring.coreos.com", "prometheusrules"),
}
"""Ports 9092 and 9093, by the name under which they are served."""


def answer_tenancy(cluster: SimulatedCluster, port: Port, request: Request, access: Access) -> Answer:
    """The answer to a request whose path is relative to the port's root.

    Raises:
        RefusedError: one of the proxies refuses the request, or the server behind them.
    """
    if not port.routed.fullmatch(request.path):
        return text_answer("404 page not found\n", 404)
    user = _user(cluster, request, access)
    namespace = _namespace(request)
    if not namespace:
        return text_answer("Bad Request. The request or configuration is malformed.\n", 400)
    verb = _VERBS.get(request.method, request.method.lower())
    if not decide(cluster, access, user, Wish(verb, port.group, port.resource, namespace)).allowed:
        text = f"Forbidden (user={user.name}, verb={verb}, resource={port.resource}, subresource=)\n"
        return text_answer(text, 403)
    return _within(namespace, cluster, request)


def _user(cluster: SimulatedCluster, request: Request, access: Access) -> User:
    unauthorized = RefusedError(text_answer("Unauthorized\n", 401))
    if request.token is None:
        raise unauthorized
    try:
        return asking(cluster, request, access)
    except RefusedError:
        raise unauthorized from None


def _namespace(request: Request) -> str:
    """The namespace that the address names; what a form says of it counts for nothing."""
    in_form = parse_qs(request.body.decode("utf-8", "replace")).get("namespace", []) if request.body else []
    in_address = request.parameters.get("namespace", [])[len(in_form) :]
    return in_address[0] if in_address else ""


def _within(namespace: str, cluster: SimulatedCluster, request: Request) -> Answer:
    """The answer of the server behind, which sees no more than the namespace.

    What a query has added up is taken to be of the namespace where its label says so, and is left out otherwise.
    """
    own = f'namespace="{namespace}"'
    for text in [*request.parameters.get("query", []), *request.parameters.get("match[]", [])]:
        for match in _MATCHER.finditer(text):
            if (match[1], match[2]) != ("=", namespace):
                raise _conflict(own, f'namespace{match[1]}"{match[2]}"')
    if request.path.startswith("/api/v1/label") or request.path == "/api/v1/series":
        matchers = [_with(own, text) for text in request.parameters.get("match[]", ["{}"])]
        return answer_prometheus(cluster, replace(request, parameters={**request.parameters, "match[]": matchers}))
    answer = answer_prometheus(cluster, request)
    if answer.status != 200:
        return answer
    document = orjson.loads(answer.body)
    data = document["data"]
    if data.get("resultType") in {"vector", "matrix"}:
        data["result"] = [each for each in data["result"] if each["metric"].get("namespace") == namespace]
    for group in data.get("groups", []):
        group["rules"] = [each for each in group["rules"] if each.get("labels", {}).get("namespace") == namespace]
    if "alerts" in data:
        data["alerts"] = [each for each in data["alerts"] if each["labels"].get("namespace") == namespace]
    return Answer(200, orjson.dumps(document), samples=answer.samples)


def _with(matcher: str, selector: str) -> str:
    """A selector with one more condition."""
    name, brace, rest = selector.strip().partition("{")
    return f"{name}{{{matcher}}}" if not brace else f"{name}{{{matcher},{rest}".replace(",}", "}")


def _conflict(own: str, other: str) -> RefusedError:
    text = (
        "conflicting label matcher: "
        f"label matcher value {json.dumps(own)} conflicts with injected value {json.dumps(other)}"
    )
    body = {"status": "error", "errorType": "prom-label-proxy", "error": text}
    return RefusedError(json_answer(body, 400))
