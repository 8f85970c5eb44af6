"""Reviews and refusals in the words that a real API server was recorded to use."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from simulator.fleet import FleetOptions, SimulatedFleet
from tests.simulator.conftest import Api, api

AUTHORIZATION = "/apis/authorization.k8s.io/v1"
RBAC = "/apis/rbac.authorization.k8s.io/v1"
READER = "system:serviceaccount:monitoring:reader"


@pytest.fixture(scope="module")
def fleet() -> Iterator[SimulatedFleet]:
    with SimulatedFleet(FleetOptions(clusters=1, faults=())) as running:
        yield running


@pytest.fixture
def kubernetes(fleet: SimulatedFleet) -> Iterator[Api]:
    yield api(fleet, fleet.names[0], "kubernetes")
    fleet.allow(fleet.names[0])


def asked(client: Api, kind: str, spec: dict[str, Any], group: str = AUTHORIZATION) -> httpx.Response:
    body = {"apiVersion": group.removeprefix("/apis/"), "kind": kind, "spec": spec}
    return client.http.post(f"{group}/{kind.lower()}s", json=body)


def may(client: Api, **attributes: str) -> dict[str, Any]:
    answer = asked(client, "SelfSubjectAccessReview", {"resourceAttributes": attributes})
    assert answer.status_code == 201
    status: dict[str, Any] = answer.json()["status"]
    return status


def test_rights_that_are_taken_away_are_reviewed_as_denied(fleet: SimulatedFleet, kubernetes: Api) -> None:
    exec_right = {"verb": "create", "resource": "pods", "subresource": "exec"}
    assert may(kubernetes, **exec_right)["allowed"] is True
    fleet.deny(fleet.names[0], "create pods/exec", "list clusterpolicies.nvidia.com", "create selfsubjectrulesreviews")
    assert may(kubernetes, **exec_right) == {"allowed": False}
    assert may(kubernetes, verb="get", resource="pods", subresource="exec")["allowed"] is True
    assert may(kubernetes, verb="list", group="nvidia.com", resource="clusterpolicies") == {"allowed": False}
    refused = asked(kubernetes, "SelfSubjectRulesReview", {"namespace": "shop"})
    assert refused.status_code == 403
    fleet.allow(fleet.names[0])
    fleet.deny(fleet.names[0], "list pods")
    rules = asked(kubernetes, "SelfSubjectRulesReview", {"namespace": "shop"}).json()["status"]
    assert rules["incomplete"] is True
    assert rules["resourceRules"]


def test_reviews_that_cannot_be_made(fleet: SimulatedFleet, kubernetes: Api) -> None:
    pods = {"verb": "get", "resource": "pods"}
    nobody = asked(kubernetes, "SubjectAccessReview", {"resourceAttributes": pods})
    assert nobody.status_code == 422
    assert nobody.json()["message"] == (
        '.authorization.k8s.io "" is invalid: spec.user: Invalid value: "": at least one of user or group must be '
        "specified"
    )
    both = {"user": "a", "resourceAttributes": pods, "nonResourceAttributes": {"path": "/", "verb": "get"}}
    assert (
        "cannot be specified in combination with resourceAttributes"
        in (asked(kubernetes, "SubjectAccessReview", both).json()["message"])
    )
    placeless = asked(kubernetes, "SelfSubjectRulesReview", {})
    assert (placeless.status_code, placeless.json()["message"]) == (400, "no namespace on request")
    empty = asked(kubernetes, "TokenReview", {"token": ""}, "/apis/authentication.k8s.io/v1")
    assert (empty.status_code, empty.json()["message"]) == (
        400,
        "token is required for TokenReview in authentication",
    )
    assert kubernetes.get(f"{AUTHORIZATION}/subjectaccessreviews").status_code == 405
    anonymous = asked(api(fleet, fleet.names[0], "kubernetes", ""), "SelfSubjectAccessReview", {})
    assert anonymous.status_code == 403


def test_the_clusters_tokens_are_the_readers(fleet: SimulatedFleet, kubernetes: Api) -> None:
    group = "/apis/authentication.k8s.io/v1"
    token = fleet.issue_token(fleet.names[0])
    status = asked(kubernetes, "TokenReview", {"token": token}, group).json()["status"]
    assert (status["authenticated"], status["user"]["username"]) == (True, READER)
    assert status["audiences"] == ["https://kubernetes.default.svc"]
    foreign = asked(kubernetes, "TokenReview", {"token": token, "audiences": ["other"]}, group).json()["status"]
    assert foreign == {"user": {}, "error": "invalid bearer token"}
    fleet.revoke_token(fleet.names[0], token)
    revoked = asked(kubernetes, "TokenReview", {"token": token}, group).json()["status"]
    assert revoked == {"user": {}, "error": "invalid bearer token"}
    me = asked(kubernetes, "SelfSubjectReview", {}, group).json()["status"]["userInfo"]
    assert "system:authenticated" in me["groups"]


def test_bindings_explain_themselves(kubernetes: Api) -> None:
    role = {"metadata": {"name": "podr"}, "rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["list"]}]}
    subject = {"kind": "User", "name": "viewer", "apiGroup": "rbac.authorization.k8s.io"}
    assert kubernetes.http.post(f"{RBAC}/clusterroles", json=role).status_code == 201
    for name, bound in (("podr", "podr"), ("gone", "absent")):
        reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": bound}
        body = {"metadata": {"name": name}, "roleRef": reference, "subjects": [subject]}
        made = kubernetes.http.post(f"{RBAC}/namespaces/shop/rolebindings", json=body)
        assert made.status_code == 201

    def status(verb: str) -> dict[str, Any]:
        attributes = {"namespace": "shop", "verb": verb, "resource": "pods"}
        answer = asked(kubernetes, "SubjectAccessReview", {"user": "viewer", "resourceAttributes": attributes})
        found: dict[str, Any] = answer.json()["status"]
        return found

    assert status("list") == {
        "allowed": True,
        "reason": 'RBAC: allowed by RoleBinding "podr/shop" of ClusterRole "podr" to User "viewer"',
    }
    assert status("get") == {
        "allowed": False,
        "reason": 'RBAC: clusterrole.rbac.authorization.k8s.io "absent" not found',
    }


def test_a_deleted_account_takes_its_tokens_along(fleet: SimulatedFleet, kubernetes: Api) -> None:
    accounts = "/api/v1/namespaces/shop/serviceaccounts"
    kubernetes.http.post(accounts, json={"metadata": {"name": "short"}})
    made = kubernetes.http.post(f"{accounts}/short/token", json={"spec": {}})
    token = made.json()["status"]["token"]
    client = api(fleet, fleet.names[0], "kubernetes", token)
    refused = client.get("/api/v1/namespaces/shop/pods/x")
    assert refused.json()["message"] == (
        'pods "x" is forbidden: User "system:serviceaccount:shop:short" cannot get resource "pods" in API group "" '
        'in the namespace "shop"'
    )
    kubernetes.http.delete(f"{accounts}/short")
    assert client.get("/version").status_code == 401
    status = asked(kubernetes, "TokenReview", {"token": token}, "/apis/authentication.k8s.io/v1").json()["status"]
    assert status["error"] == '[invalid bearer token, serviceaccounts "short" not found]'
