"""Rights: who a token is, what it may do, and what the server says when it may not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from pydantic import SecretStr

from fleet.collectors.kubernetes import collect_inventory
from fleet.collectors.kubernetes.rights import RIGHTS, cluster_role, review_rights
from fleet.collectors.transport.deadline import Deadline
from fleet.credentials import Credential, GivenCredential
from fleet.errors import Forbidden, Unauthorized
from fleet.inventory.inventory import Presence
from tests.contracts.kubernetes_server import KubernetesServer, Object, Place, until

pytestmark = pytest.mark.needs("write", "rbac")
RBAC = "apis/rbac.authorization.k8s.io/v1"
AUDIENCE = "fleetscope-contract"


@pytest.fixture(scope="module")
def nobody(place: Place) -> str:
    """The token of a service account without rights."""
    return place.service_account("nobody")


def reviewed(server: KubernetesServer, token: str, **attributes: str) -> Object:
    body = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": attributes},
    }
    with server.http(token) as http:
        answer = http.post("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", json=body)
    assert answer.status_code == 201, answer.text
    status: Object = answer.json()["status"]
    return status


def token_review(place: Place, token: str, audiences: list[str] | None = None) -> Object:
    spec: Object = {"token": token, **({"audiences": audiences} if audiences else {})}
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": spec}
    answer = place.http.post("/apis/authentication.k8s.io/v1/tokenreviews", json=body)
    assert answer.status_code == 201, answer.text
    status: Object = answer.json()["status"]
    return status


def test_a_service_account_without_rights_is_refused(
    contract_kubernetes: KubernetesServer, place: Place, nobody: str
) -> None:
    user = f"system:serviceaccount:{place.namespace}:nobody"
    with contract_kubernetes.http(nobody) as http:
        answer = http.get("/api/v1/pods")
        named = http.get(place.path("pods", "absent"))
        unserved = http.get("/apis/nothing.fleetscope.example/v1/things")
        assert http.get("/version").is_success
    body = answer.json()
    assert (answer.status_code, body["reason"], body["details"]) == (403, "Forbidden", {"kind": "pods"})
    cannot = f'User "{user}" cannot list resource "pods" in API group "" at the cluster scope'
    assert body["message"].startswith(f"pods is forbidden: {cannot}")
    assert named.json()["message"].startswith(f'pods "absent" is forbidden: User "{user}" cannot get resource "pods"')
    assert unserved.status_code == 403
    assert reviewed(contract_kubernetes, nobody, verb="list", resource="pods")["allowed"] is False


def test_a_role_gives_what_it_names_and_no_more(contract_kubernetes: KubernetesServer, place: Place) -> None:
    token = place.service_account("lister")
    role = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "Role",
        "metadata": {"name": "lister"},
        "rules": [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["list"]}],
    }
    binding = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": {"name": "lister"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "lister"},
        "subjects": [{"kind": "ServiceAccount", "name": "lister", "namespace": place.namespace}],
    }
    for plural, body in (("roles", role), ("rolebindings", binding)):
        assert place.create(plural, body, RBAC).status_code == 201
    here: dict[str, Any] = {"resource": "configmaps", "namespace": place.namespace}
    until(lambda: reviewed(contract_kubernetes, token, verb="list", **here)["allowed"])
    assert not reviewed(contract_kubernetes, token, verb="get", **here)["allowed"]
    assert not reviewed(contract_kubernetes, token, verb="list", resource="configmaps")["allowed"]
    with contract_kubernetes.http(token) as http:
        assert http.get(place.path("configmaps")).is_success
        assert http.get("/api/v1/configmaps").status_code == 403
    user = {"user": f"system:serviceaccount:{place.namespace}:lister", "resourceAttributes": {"verb": "list", **here}}
    body = {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": user}
    about = place.http.post("/apis/authorization.k8s.io/v1/subjectaccessreviews", json=body).json()
    assert about["status"]["allowed"] is True
    assert about["spec"]["user"] == user["user"]


def test_tokens_are_told_from_strings(contract_kubernetes: KubernetesServer, place: Place, nobody: str) -> None:
    status = token_review(place, nobody)
    assert status["authenticated"] is True
    assert status["user"]["username"] == f"system:serviceaccount:{place.namespace}:nobody"
    assert f"system:serviceaccounts:{place.namespace}" in status["user"]["groups"]
    assert status["audiences"]
    bad = token_review(place, "no-such-token")
    assert not bad.get("authenticated", False)
    assert bad["error"]
    with contract_kubernetes.http("no-such-token") as http:
        answer = http.get("/version")
    assert (answer.status_code, answer.json()["message"]) == (401, "Unauthorized")


def test_tokens_are_for_their_audience(place: Place, nobody: str) -> None:
    body = {
        "apiVersion": "authentication.k8s.io/v1",
        "kind": "TokenRequest",
        "spec": {"audiences": [AUDIENCE], "expirationSeconds": 900},
    }
    made = place.http.post(f"{place.path('serviceaccounts', 'nobody')}/token", json=body)
    assert made.json()["status"]["expirationTimestamp"]
    token = made.json()["status"]["token"]
    assert token_review(place, token, [AUDIENCE, "other"])["audiences"] == [AUDIENCE]
    for audiences in (None, ["other"]):
        assert not token_review(place, token, audiences).get("authenticated", False)
    body["spec"] = {"expirationSeconds": 10}
    short = place.http.post(f"{place.path('serviceaccounts', 'nobody')}/token", json=body)
    assert short.status_code == 422


@pytest.mark.needs("self-review")
def test_who_am_i(contract_kubernetes: KubernetesServer, place: Place, nobody: str) -> None:
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    with contract_kubernetes.http(nobody) as http:
        answer = http.post("/apis/authentication.k8s.io/v1/selfsubjectreviews", json=body)
    assert answer.json()["status"]["userInfo"]["username"] == f"system:serviceaccount:{place.namespace}:nobody"


def test_nobody_in_particular_may_ask_for_nothing(contract_kubernetes: KubernetesServer) -> None:
    with contract_kubernetes.http("") as http:
        answer = http.get("/api/v1/pods")
    # A server without anonymous users answers 401.
    assert answer.status_code in {401, 403}
    assert answer.json()["kind"] == "Status"


@pytest.fixture
def scanner(contract_kubernetes: KubernetesServer, place: Place) -> Iterator[Credential]:
    """A service account with the shipped ClusterRole."""
    token = place.service_account("scanner")
    name = f"fleetscope-contract-{place.run}"
    role = yaml.safe_load(cluster_role((each.right for each in RIGHTS), name))
    binding = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": name},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name},
        "subjects": [{"kind": "ServiceAccount", "name": "scanner", "namespace": place.namespace}],
    }
    with place.everywhere(f"/{RBAC}/clusterroles", role), place.everywhere(f"/{RBAC}/clusterrolebindings", binding):
        yield Credential(token=SecretStr(token))


def test_the_shipped_role_is_enough(contract_kubernetes: KubernetesServer, scanner: Credential) -> None:
    source = GivenCredential(scanner)

    def missing() -> list[str]:
        reviews = review_rights(contract_kubernetes.endpoint, source, Deadline(20))
        assert reviews
        return [str(review.right) for review in reviews if review.allowed is not True]

    until(lambda: not missing())
    cluster, credentials = contract_kubernetes.cluster(scanner)
    inventory, _ = collect_inventory(cluster, credentials)
    assert inventory.gaps == []
    assert inventory.version.startswith("v")


def test_the_collector_without_rights_knows_nothing_and_says_so(
    contract_kubernetes: KubernetesServer, nobody: str
) -> None:
    cluster, credentials = contract_kubernetes.cluster(Credential(token=SecretStr(nobody)))
    try:
        inventory, _ = collect_inventory(cluster, credentials)
    except Forbidden:
        return
    assert {"nodes", "pods"} <= {gap.part for gap in inventory.gaps}
    assert "list pods" in next(gap.reason for gap in inventory.gaps if gap.part == "pods")
    assert not any(each.presence is Presence.PRESENT for each in inventory.capabilities if each.name == "hugepages")


def test_the_collector_with_a_bad_token_fails_as_unauthorized(contract_kubernetes: KubernetesServer) -> None:
    cluster, credentials = contract_kubernetes.cluster(Credential(token=SecretStr("no-such-token")))
    with pytest.raises(Unauthorized):
        collect_inventory(cluster, credentials)
