"""What rollouts carry: digests of images and of configuration, and the names of what configures a workload."""

from collections.abc import Callable
from typing import Any

from fleet.inventory.change import ChangeKind
from fleet.inventory.differences import differences
from fleet.inventory.inventory import Inventory
from tests.fleet.collectors.kubernetes.objects import owner, pod, replica_set, workload
from tests.fleet.collectors.kubernetes.server import Api, forbidden

Collect = Callable[..., Inventory]
ONE, TWO = f"sha256:{'1' * 64}", f"sha256:{'2' * 64}"


def running(name: str, controller: str, image_id: str, created: str, kind: str = "ReplicaSet") -> dict[str, Any]:
    made = pod(name, "shop", on="w-1", owned_by=owner(kind, controller))
    made["metadata"]["creationTimestamp"] = created
    made["status"]["containerStatuses"] = [{"name": "app", "restartCount": 0, "imageID": image_id}]
    return made


def test_a_workload_runs_what_its_youngest_pod_runs(api: Api, collect: Collect) -> None:
    api.lists["/apis/apps/v1/deployments"] = [workload("cart", "shop", ["cart:latest"])]
    api.lists["/apis/apps/v1/statefulsets"] = [workload("ledger", "shop", ["ledger:1"])]
    api.lists["/apis/apps/v1/replicasets"] = [
        replica_set("cart", "aaaaa", 1, "cart:latest", "2026-03-01T08:00:00Z"),
        replica_set("cart", "bbbbb", 2, "cart:latest", "2026-03-01T09:00:00Z"),
    ]
    api.lists["/api/v1/pods"] = [
        running("cart-bbbbb-1", "cart-bbbbb", f"quay.io/shop/cart@{TWO}", "2026-03-01T09:00:05Z"),
        running("cart-aaaaa-1", "cart-aaaaa", f"docker-pullable://quay.io/shop/cart@{ONE}", "2026-03-01T09:30:00Z"),
        running("ledger-0", "ledger", ONE, "2026-03-01T08:00:00Z", "StatefulSet"),
        running("ledger-1", "ledger", TWO, "2026-03-01T09:00:00Z", "StatefulSet"),
        running("ledger-2", "ledger", "", "2026-03-01T10:00:00Z", "StatefulSet"),
        running("odd", "ledger", "not a digest", "2026-03-01T11:00:00Z", "StatefulSet"),
    ]
    inventory = collect()
    digests = {each.name: each.image_digests for each in inventory.workloads}
    # A Deployment is its newest ReplicaSet, however young an old one's pod is.
    assert digests == {"cart": {"app": TWO}, "ledger": {"app": TWO}}
    second = [change for change in inventory.changes if change.kind is ChangeKind.ROLLOUT][1]
    assert second.digests_before[0] == f"app {ONE}"
    assert second.digests_after[0] == f"app {TWO}"
    assert second.digests_after[1].startswith("config ")


def test_of_pods_that_were_not_all_seen_none_is_the_youngest(api: Api, collect: Collect) -> None:
    api.lists["/apis/apps/v1/statefulsets"] = [workload("ledger", "shop", ["ledger:latest"])]
    api.lists["/api/v1/pods"] = [
        running("ledger-0", "ledger", ONE, "2026-03-01T08:00:00Z", "StatefulSet"),
        running("ledger-1", "ledger", TWO, "2026-03-01T09:00:00Z", "StatefulSet"),
        running("ledger-2", "ledger", TWO, "2026-03-01T10:00:00Z", "StatefulSet"),
    ]
    whole = collect()
    assert whole.workloads[0].image_digests == {"app": TWO}
    # The first page ends before the youngest.
    api.lists["/api/v1/pods"].insert(0, pod("alone", "shop", on="w-1"))
    api.interceptors.append(lambda request: forbidden("pods") if "continue" in request.query else None)
    partly = collect()
    assert [gap.part for gap in partly.gaps] == ["pods"]
    assert differences(whole, partly) == []


def digest_of(collect: Collect, api: Api, template: Any) -> tuple[str, list[str], list[str]]:
    made = workload("cart", "shop", [])
    made["spec"]["template"] = template
    api.lists["/apis/apps/v1/deployments"] = [made]
    [found] = collect().workloads
    return found.config_digest, found.config_names, found.images


def test_a_digest_tells_configuration_and_nothing_that_changes_by_itself(api: Api, collect: Collect) -> None:
    def template(image: str = "cart:1", **more: Any) -> dict[str, Any]:
        container = {"name": "app", "image": image, "env": [{"name": "MODE", "value": more.pop("mode", "fast")}]}
        return {"metadata": {"creationTimestamp": None, **more}, "spec": {"containers": [container]}}

    same, names, images = digest_of(collect, api, template())
    assert (names, images) == ([], ["cart:1"])
    assert digest_of(collect, api, template("cart:2"))[0] == same
    assert digest_of(collect, api, template(labels={"pod-template-hash": "abc"}))[0] == same
    assert digest_of(collect, api, template(annotations={"kubectl.kubernetes.io/restartedAt": "now"}))[0] == same
    assert digest_of(collect, api, template(mode="slow"))[0] != same
    assert digest_of(collect, api, template(annotations={"checksum/config": "f00"}))[0] != same


def test_what_configures_a_workload_is_named(api: Api, collect: Collect) -> None:
    spec = {
        "containers": [
            {
                "name": "app",
                "image": "cart:1",
                "envFrom": [{"configMapRef": {"name": "cart-env"}}, {"secretRef": {"name": "cart-token"}}],
                "env": [
                    {"name": "A", "valueFrom": {"configMapKeyRef": {"name": "flags", "key": "a"}}},
                    {"name": "B", "valueFrom": {"secretKeyRef": {"name": "database", "key": "password"}}},
                ],
            }
        ],
        "volumes": [
            {"name": "c", "configMap": {"name": "cart-files"}},
            {"name": "s", "secret": {"secretName": "cart-tls"}},
            {"name": "p", "projected": {"sources": [{"secret": {"name": "both"}}, {"configMap": {"name": "both"}}]}},
        ],
    }
    _, names, _ = digest_of(collect, api, {"spec": spec})
    assert names == [
        "ConfigMap/both",
        "ConfigMap/cart-env",
        "ConfigMap/cart-files",
        "ConfigMap/flags",
        "Secret/both",
        "Secret/cart-tls",
        "Secret/cart-token",
        "Secret/database",
    ]
    assert not [request.path for request in api.requests if "secret" in request.path or "configmap" in request.path]


def test_odd_templates_are_no_loss(api: Api, collect: Collect) -> None:
    for template in (None, [], "x", {}, {"metadata": "x", "spec": {"containers": [None, {"image": 7}], "volumes": 3}}):
        assert digest_of(collect, api, template)[2] == []
