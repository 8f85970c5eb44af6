"""What clients write lies over what the story makes: it shows everywhere, and it goes with what it hangs on."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from simulator.fleet import FleetOptions, SimulatedFleet
from tests.simulator.conftest import Api, api


@pytest.fixture(scope="module")
def fleet() -> Iterator[SimulatedFleet]:
    with SimulatedFleet(FleetOptions(clusters=2, faults=())) as running:
        yield running


@pytest.fixture
def kubernetes(fleet: SimulatedFleet) -> Api:
    return api(fleet, fleet.names[0], "kubernetes")


def patch(client: Api, path: str, body: Any, kind: str = "merge-patch+json") -> httpx.Response:
    headers = {"Content-Type": f"application/{kind}"}
    return client.http.patch(path, content=json.dumps(body), headers=headers)


def names(client: Api, path: str, **parameters: Any) -> list[str]:
    return [item["metadata"]["name"] for item in client.get(path, **parameters).json()["items"]]


def test_a_generated_node_can_be_changed_and_removed(fleet: SimulatedFleet, kubernetes: Api) -> None:
    everybody = names(kubernetes, "/api/v1/nodes")
    changed, removed = everybody[-1], everybody[-2]
    before = kubernetes.get(f"/api/v1/nodes/{changed}").json()
    answer = patch(kubernetes, f"/api/v1/nodes/{changed}", {"metadata": {"labels": {"moved": "yes"}}})
    assert answer.status_code == 200
    assert answer.json()["metadata"]["uid"] == before["metadata"]["uid"]
    assert answer.json()["status"] == before["status"]
    assert names(kubernetes, "/api/v1/nodes", labelSelector="moved=yes") == [changed]
    assert kubernetes.http.put(f"/api/v1/nodes/{changed}", json=before).status_code == 409
    assert kubernetes.http.delete(f"/api/v1/nodes/{removed}").status_code == 200
    assert names(kubernetes, "/api/v1/nodes") == [name for name in everybody if name != removed]
    assert kubernetes.get(f"/api/v1/nodes/{removed}").status_code == 404
    paged = names(kubernetes, "/api/v1/nodes", limit=1)
    assert paged == everybody[:1]
    neighbour = api(fleet, fleet.names[1], "kubernetes")
    assert names(neighbour, "/api/v1/nodes", labelSelector="moved") == []


def test_a_new_image_of_a_deployment_stays(kubernetes: Api) -> None:
    path = "/apis/apps/v1/namespaces/shop/deployments/cart"
    containers = [{"name": "cart", "image": "registry.example.net/shop/cart:new"}]
    body = {"spec": {"template": {"spec": {"containers": containers}}}}
    changed = patch(kubernetes, path, body, "strategic-merge-patch+json").json()
    container = kubernetes.get(path).json()["spec"]["template"]["spec"]["containers"][0]
    assert container["image"] == "registry.example.net/shop/cart:new"
    assert container["resources"] == changed["spec"]["template"]["spec"]["containers"][0]["resources"] != {}
    assert changed["metadata"]["generation"] >= 2


def test_a_deployment_takes_its_pods_along(kubernetes: Api) -> None:
    pods = "/api/v1/namespaces/shop/pods"
    assert names(kubernetes, pods, labelSelector="app=checkout")
    kubernetes.http.delete("/apis/apps/v1/namespaces/shop/deployments/checkout")
    assert names(kubernetes, "/apis/apps/v1/namespaces/shop/replicasets", labelSelector="app=checkout") == []
    assert names(kubernetes, pods, labelSelector="app=checkout") == []


def test_a_deployment_can_leave_its_pods_behind(kubernetes: Api) -> None:
    path = "/apis/apps/v1/namespaces/payments/deployments"
    name = names(kubernetes, path)[0]
    pods = names(kubernetes, "/api/v1/namespaces/payments/pods", labelSelector=f"app={name}")
    kubernetes.http.delete(f"{path}/{name}", params={"propagationPolicy": "Orphan"})
    assert names(kubernetes, "/api/v1/namespaces/payments/pods", labelSelector=f"app={name}") == pods


def test_a_namespace_takes_everything_along(kubernetes: Api) -> None:
    assert names(kubernetes, "/api/v1/namespaces/ran/pods")
    gone = kubernetes.http.delete("/api/v1/namespaces/ran").json()
    assert gone["status"]["phase"] == "Terminating"
    assert kubernetes.get("/api/v1/namespaces/ran").status_code == 404
    for path in ("/api/v1/namespaces/ran/pods", "/apis/apps/v1/namespaces/ran/deployments"):
        assert names(kubernetes, path) == []
    refused = kubernetes.http.post("/api/v1/namespaces/ran/configmaps", json={"metadata": {"name": "a"}})
    assert refused.status_code == 404


def test_a_platforms_kind_goes_with_its_definition(fleet: SimulatedFleet) -> None:
    client = api(fleet, fleet.names[0], "kubernetes")
    path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    operators = "/apis/config.openshift.io/v1/clusteroperators"
    definition = client.get(f"{path}/clusteroperators.config.openshift.io").json()
    assert names(client, operators)
    again = client.http.post(path, json={**definition, "metadata": {"name": definition["metadata"]["name"]}})
    assert (again.status_code, again.json()["reason"]) == (409, "AlreadyExists")
    client.http.delete(f"{path}/clusteroperators.config.openshift.io")
    assert client.get(operators).text == "404 page not found\n"
    assert names(client, "/apis/config.openshift.io/v1/clusterversions") == ["version"]


def test_compaction_ends_tokens_and_watches(fleet: SimulatedFleet, kubernetes: Api) -> None:
    page = kubernetes.get("/api/v1/pods", limit=2).json()["metadata"]
    control = {"Authorization": f"Bearer {(fleet.directory / 'control.token').read_text()}"}
    answer = kubernetes.http.post(f"{fleet.url}/_control/compact/{fleet.names[0]}", headers=control)
    assert answer.status_code == 200
    expired = kubernetes.get("/api/v1/pods", limit=2, **{"continue": page["continue"]})
    assert (expired.status_code, expired.json()["reason"]) == (410, "Expired")
    exact = {"resourceVersion": page["resourceVersion"], "resourceVersionMatch": "Exact"}
    assert kubernetes.get("/api/v1/pods", **exact).status_code == 410
    watched = kubernetes.get("/api/v1/pods", watch="1", resourceVersion=page["resourceVersion"], timeoutSeconds=5)
    [event] = [json.loads(line) for line in watched.text.splitlines()]
    assert (event["type"], event["object"]["code"]) == ("ERROR", 410)
    further = kubernetes.get("/api/v1/pods", limit=2, **{"continue": expired.json()["metadata"]["continue"]})
    assert further.status_code == 200
    fleet.compact(fleet.names[0])
    token = further.json()["metadata"]["continue"]
    assert kubernetes.get("/api/v1/pods", limit=2, **{"continue": token}).status_code == 410


def test_tokens_can_be_made_to_expire(fleet: SimulatedFleet, kubernetes: Api) -> None:
    fleet.expire_continue(fleet.names[0], times=2)
    token = kubernetes.get("/api/v1/pods", limit=2).json()["metadata"]["continue"]
    codes = [kubernetes.get("/api/v1/pods", limit=2, **{"continue": token}).status_code for _ in range(3)]
    assert codes == [410, 410, 200]


def test_revisions_that_cannot_be_read(kubernetes: Api) -> None:
    ahead = kubernetes.get("/api/v1/pods", resourceVersion=str(2**53))
    assert (ahead.status_code, ahead.headers["retry-after"]) == (504, "1")
    assert ahead.json()["details"]["causes"][0]["reason"] == "ResourceVersionTooLarge"
    assert kubernetes.get("/api/v1/pods", resourceVersion="abc").status_code == 500
    assert kubernetes.get("/api/v1/pods", resourceVersionMatch="Exact").status_code == 422


def test_services_are_reached_through_the_api_server(fleet: SimulatedFleet) -> None:
    name = fleet.names[1]
    client = api(fleet, name, "kubernetes")
    services = [
        (item["metadata"]["namespace"], item["metadata"]["name"], item["spec"]["ports"][0]["name"])
        for item in client.get("/api/v1/services").json()["items"]
    ]
    namespace, service, port = next(each for each in services if each[1].endswith("-prometheus"))
    proxy = f"/api/v1/namespaces/{namespace}/services/{{}}/proxy/api/v1/status/buildinfo"
    for way in (service, f"{service}:{port}", f"http:{service}:{port}"):
        assert client.get(proxy.format(way)).json()["status"] == "success"
    assert client.get(proxy.format("http:absent:80")).json()["message"] == 'services "absent" not found'
    assert client.get(proxy.format(f"{service}:7")).status_code == 503
    assert client.get(proxy.format(f"{service}:reloader-web")).status_code == 404
    fleet.deny(name, "get services/proxy")
    refused = client.get(proxy.format(service))
    assert (refused.status_code, refused.json()["reason"]) == (403, "Forbidden")
    fleet.allow(name)


def test_discovery_in_one_document(kubernetes: Api) -> None:
    accept = {"Accept": "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json"}
    answer = kubernetes.http.get("/apis", headers=accept)
    assert answer.headers["content-type"].endswith("as=APIGroupDiscoveryList")
    groups = {item["metadata"]["name"]: item for item in answer.json()["items"]}
    assert {each["name"] for each in kubernetes.get("/apis").json()["groups"]} == set(groups)
    apps = {each["resource"] for each in groups["apps"]["versions"][0]["resources"]}
    assert {"deployments", "replicasets"} <= apps
    core = kubernetes.http.get("/api", headers=accept).json()["items"]
    assert "pods" in {each["resource"] for each in core[0]["versions"][0]["resources"]}


def test_forms_that_the_server_has(kubernetes: Api) -> None:
    yaml = kubernetes.http.get("/api/v1/namespaces/shop", headers={"Accept": "application/yaml"})
    assert yaml.headers["content-type"] == "application/yaml"
    assert "name: shop" in yaml.text
    html = kubernetes.http.get("/api/v1/pods", headers={"Accept": "text/html"})
    assert (html.status_code, html.json()["reason"]) == (406, "NotAcceptable")
    table = {"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"}
    listed = kubernetes.get("/apis").json()["groups"]
    for group in ("/api/v1", *(f"/apis/{each['preferredVersion']['groupVersion']}" for each in listed)):
        for resource in kubernetes.get(group).json()["resources"]:
            if "list" in resource["verbs"]:
                document = kubernetes.http.get(f"{group}/{resource['name']}", headers=table).json()
                assert document["kind"] == "Table", resource["name"]


def test_writes_do_not_slow_reads_down() -> None:
    options = FleetOptions(clusters=1, faults=(), nodes=100, workloads=300)
    with SimulatedFleet(options) as running:
        client = api(running, running.names[0], "kubernetes")

        def seconds() -> float:
            started = time.perf_counter()
            page, token = client.get("/api/v1/pods", limit=500).json(), ""
            while token := page["metadata"].get("continue", ""):
                page = client.get("/api/v1/pods", limit=500, **{"continue": token}).json()
            return time.perf_counter() - started

        seconds()
        before = min(seconds() for _ in range(3))
        pods = client.get("/api/v1/pods", limit=50).json()["items"]
        for pod in pods:
            path = f"/api/v1/namespaces/{pod['metadata']['namespace']}/pods/{pod['metadata']['name']}"
            assert patch(client, path, {"metadata": {"labels": {"touched": "yes"}}}).status_code == 200
        after = min(seconds() for _ in range(3))
    assert after < 3 * before + 0.5
