"""The Kubernetes API speaks as a real API server was recorded to speak."""

from __future__ import annotations

import base64
import json
from typing import Any

import httpx
import pytest

from simulator.fleet import SimulatedFleet
from tests.simulator.conftest import PACK, Api, api


@pytest.fixture(scope="module")
def kubernetes(fleet: SimulatedFleet) -> Api:
    return api(fleet, fleet.names[0], "kubernetes")


def refusal(answer: httpx.Response) -> tuple[int, str, str]:
    body = answer.json()
    assert (body["kind"], body["apiVersion"], body["status"]) == ("Status", "v1", "Failure")
    assert body["code"] == answer.status_code
    return answer.status_code, body["reason"], body["message"]


def test_pages_together_are_the_whole_list_in_order(kubernetes: Api) -> None:
    whole = kubernetes.get("/api/v1/pods").json()
    assert "continue" not in whole["metadata"]
    assert "remainingItemCount" not in whole["metadata"]
    names, token, remaining = [], "", []
    while True:
        page = kubernetes.get("/api/v1/pods", limit=4, **({"continue": token} if token else {})).json()
        assert (page["kind"], page["apiVersion"]) == ("PodList", "v1")
        assert len(page["items"]) <= 4
        names += [(item["metadata"]["namespace"], item["metadata"]["name"]) for item in page["items"]]
        token = page["metadata"].get("continue", "")
        if not token:
            break
        remaining.append(page["metadata"]["remainingItemCount"])
        assert len(names) + remaining[-1] == len(whole["items"])
    assert names == sorted((item["metadata"]["namespace"], item["metadata"]["name"]) for item in whole["items"])
    assert len(remaining) > 2
    assert all("kind" not in item for item in whole["items"])


def test_limit_is_not_heeded_at_resource_version_zero(kubernetes: Api) -> None:
    page = kubernetes.get("/api/v1/nodes", limit=1, resourceVersion="0").json()
    assert len(page["items"]) > 1


def test_remaining_count_is_left_out_with_a_selector(kubernetes: Api) -> None:
    page = kubernetes.get("/api/v1/pods", limit=1, labelSelector="app").json()
    assert page["metadata"]["continue"]
    assert "remainingItemCount" not in page["metadata"]


def test_expired_token_gives_one_to_go_on_with(kubernetes: Api) -> None:
    old = base64.urlsafe_b64encode(b'{"v":"meta.k8s.io/v1","rv":5,"start":"payments\\u0000"}').rstrip(b"=").decode()
    answer = kubernetes.get("/api/v1/pods", limit=2, **{"continue": old})
    assert refusal(answer)[:2] == (410, "Expired")
    further = kubernetes.get("/api/v1/pods", limit=2, **{"continue": answer.json()["metadata"]["continue"]}).json()
    assert [item["metadata"]["namespace"] for item in further["items"]] == ["payments", "payments"]


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"limit": "abc"}, 'strconv.ParseInt: parsing "abc": invalid syntax'),
        ({"fieldSelector": "foo=bar"}, "field label not supported: foo"),
        ({"labelSelector": "==="}, "found '==', expected: !, identifier, or 'end of string'"),
        ({"continue": "garbage"}, "invalid continue token: continue key is not valid: it cannot be decoded"),
        (
            {"continue": "eyJ2IjoiZm9vIiwicnYiOjEsInN0YXJ0IjoieCJ9"},
            'invalid continue token: continue key is not valid: server does not recognize this encoded version "foo"',
        ),
    ],
)
def test_bad_parameters_get_the_recorded_texts(kubernetes: Api, parameters: dict[str, str], message: str) -> None:
    assert refusal(kubernetes.get("/api/v1/pods", **parameters)) == (400, "BadRequest", message)


def test_continue_with_another_version_is_refused(kubernetes: Api) -> None:
    token = kubernetes.get("/api/v1/pods", limit=1).json()["metadata"]["continue"]
    answer = kubernetes.get("/api/v1/pods", limit=1, resourceVersion="1", **{"continue": token})
    message = "specifying resource version is not allowed when using continue"
    assert refusal(answer) == (400, "BadRequest", message)


def test_what_is_not_there(kubernetes: Api) -> None:
    shop = "/api/v1/namespaces/shop/pods"
    assert refusal(kubernetes.get(f"{shop}/absent")) == (404, "NotFound", 'pods "absent" not found')
    missing = 'deployments.apps "absent" not found'
    assert refusal(kubernetes.get("/apis/apps/v1/namespaces/shop/deployments/absent"))[2] == missing
    unknown = (404, "NotFound", "the server could not find the requested resource")
    for path in ("/api/v1/foos", "/api/v2/pods", f"{shop}/a/nosub"):
        assert refusal(kubernetes.get(path)) == unknown
    answer = kubernetes.get("/apis/ptp.openshift.io/v1/ptpconfigs")
    assert (answer.status_code, answer.text) == (404, "404 page not found\n")
    assert answer.headers["content-type"].startswith("text/plain")
    assert kubernetes.get("/api/v1/namespaces/nope/pods").json()["items"] == []
    assert kubernetes.get("/nope").json()["paths"]
    refused = refusal(kubernetes.http.put("/api/v1/pods"))
    assert refused == (405, "MethodNotAllowed", "the server does not allow this method on the requested resource")


def test_tokens_are_checked(fleet: SimulatedFleet) -> None:
    wrong = api(fleet, fleet.names[0], "kubernetes", "wrong")
    assert refusal(wrong.get("/api/v1/pods")) == (401, "Unauthorized", "Unauthorized")
    assert refusal(wrong.get("/version")) == (401, "Unauthorized", "Unauthorized")
    nobody = api(fleet, fleet.names[0], "kubernetes", "")
    assert nobody.get("/version").json()["gitVersion"].startswith("v1.")
    message = (
        'pods is forbidden: User "system:anonymous" cannot list resource "pods" in API group "" at the cluster scope'
    )
    assert refusal(nobody.get("/api/v1/pods")) == (403, "Forbidden", message)
    missing = refusal(nobody.get("/apis/ptp.openshift.io/v1"))
    assert missing == (
        403,
        "Forbidden",
        'forbidden: User "system:anonymous" cannot get path "/apis/ptp.openshift.io/v1"',
    )


def test_selectors_select(kubernetes: Api) -> None:
    def names(**parameters: str) -> set[str]:
        return {item["metadata"]["name"] for item in kubernetes.get("/api/v1/pods", **parameters).json()["items"]}

    everything = names()
    assert names(labelSelector="app=cart") == {name for name in everything if name.startswith("cart-")}
    two = names(labelSelector="app in (cart, checkout),pod-template-hash")
    assert two == {name for name in everything if name.startswith(("cart-", "checkout-"))}
    assert names(labelSelector="app notin (cart),app!=checkout") == everything - two
    assert names(labelSelector="!app") == set()
    one = next(iter(two))
    assert names(fieldSelector=f"metadata.name={one}") == {one}
    assert names(fieldSelector="status.phase!=Running") == set()


def test_groups_fit_the_platform(fleet: SimulatedFleet) -> None:
    found = {}
    for name in fleet.names:
        client = api(fleet, name, "kubernetes")
        groups = client.get("/apis").json()["groups"]
        found[name] = {group["name"] for group in groups}
        for group in groups:
            version = group["preferredVersion"]["groupVersion"]
            listed = client.get(f"/apis/{version}").json()["resources"]
            assert listed
            for resource in (each for each in listed if "list" in each["verbs"]):
                items = client.get(f"/apis/{version}/{resource['name']}").json()
                assert items["kind"] == f"{resource['kind']}List"
    openshift, vanilla, telco = (found[name] for name in fleet.names)
    assert "config.openshift.io" in openshift
    assert {"apps", "monitoring.coreos.com"} <= vanilla
    assert not any(name.endswith("openshift.io") for name in vanilla)
    assert {name for name in telco - openshift if name != "nvidia.com"} == {
        "k8s.cni.cncf.io",
        "nfd.openshift.io",
        "performance.openshift.io",
        "ptp.openshift.io",
        "sriovnetwork.openshift.io",
    }


def owners(client: Api) -> dict[str, dict[str, Any]]:
    paths = ("daemonsets", "deployments", "replicasets", "statefulsets")
    lists = [client.get(f"/apis/apps/v1/{plural}").json()["items"] for plural in paths]
    return {item["metadata"]["uid"]: item for items in lists for item in items}


def test_owners_and_counts_agree(fleet: SimulatedFleet) -> None:
    for name in fleet.names:
        client = api(fleet, name, "kubernetes")
        known = owners(client)
        pods = client.get("/api/v1/pods").json()["items"]
        nodes = {item["metadata"]["name"] for item in client.get("/api/v1/nodes").json()["items"]}
        counted: dict[str, int] = {}
        for pod in pods:
            owner = pod["metadata"]["ownerReferences"][0]
            assert known[owner["uid"]]["metadata"]["name"] == owner["name"]
            counted[owner["uid"]] = counted.get(owner["uid"], 0) + 1
            assert pod["spec"]["nodeName"] in nodes
        for uid, item in known.items():
            if "ownerReferences" in item["metadata"]:
                assert known[item["metadata"]["ownerReferences"][0]["uid"]]["spec"]["replicas"] >= counted.get(uid, 0)
                assert item["status"]["replicas"] == counted.get(uid, 0)


def test_pods_and_nodes_are_those_of_the_series(fleet: SimulatedFleet) -> None:
    for name in fleet.names:
        kubernetes, prometheus = api(fleet, name, "kubernetes"), api(fleet, name, "prometheus")
        pods = {
            (item["metadata"]["namespace"], item["metadata"]["name"])
            for item in kubernetes.get("/api/v1/pods").json()["items"]
        }
        answer = prometheus.get("/api/v1/query", query=PACK["container_restarts"]["promql"]).json()
        series = {(each["metric"]["namespace"], each["metric"]["pod"]) for each in answer["data"]["result"]}
        assert pods == series
        ready = prometheus.get("/api/v1/query", query=PACK["node_ready"]["promql"]).json()["data"]["result"]
        nodes = {item["metadata"]["name"] for item in kubernetes.get("/api/v1/nodes").json()["items"]}
        assert nodes == {each["metric"]["node"] for each in ready}


def test_tables_page_like_lists(kubernetes: Api) -> None:
    accept = {"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"}
    answer = kubernetes.http.get("/api/v1/pods", params={"limit": 3}, headers=accept).json()
    assert (answer["kind"], answer["apiVersion"]) == ("Table", "meta.k8s.io/v1")
    assert answer["metadata"]["continue"]
    assert len(answer["rows"]) == 3
    for row in answer["rows"]:
        assert len(row["cells"]) == len(answer["columnDefinitions"])
        assert row["object"]["kind"] == "PartialObjectMetadata"
    bare = kubernetes.http.get("/api/v1/pods", params={"includeObject": "None"}, headers=accept).json()
    assert bare["rows"][0]["object"] is None
    assert json.dumps(bare)
