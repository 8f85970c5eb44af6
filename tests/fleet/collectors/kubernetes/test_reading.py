"""Several lists at a time: how many, with one renewed credential, and in the same order whichever came first."""

import threading
import time
from collections.abc import Callable

from pydantic import SecretStr

from fleet.collectors.kubernetes import KubernetesLimits
from fleet.credentials import Credential
from fleet.inventory.inventory import Inventory
from tests.fleet.collectors.kubernetes.objects import node, pod
from tests.fleet.collectors.kubernetes.platform_objects import put, serve_groups
from tests.fleet.collectors.kubernetes.server import Api, Reply, Request, forbidden, status

Collect = Callable[..., Inventory]


def test_lists_are_read_side_by_side_and_not_all_at_once(api: Api, collect: Collect) -> None:
    lock, active, most = threading.Lock(), 0, 0

    def counted(request: Request) -> None:
        nonlocal active, most
        with lock:
            active += 1
            most = max(most, active)
        time.sleep(0.05)
        with lock:
            active -= 1

    api.interceptors.append(counted)
    assert collect(limits=KubernetesLimits(connections=3)).gaps == []
    assert most == 3


def test_a_token_that_expires_while_several_lists_are_read_is_renewed_once(api: Api, collect: Collect) -> None:
    asked: list[bool] = []

    class Rotated:
        def credential(self, *, refresh: bool = False) -> Credential:
            asked.append(refresh)
            return Credential(token=SecretStr("new" if refresh else "old"))

    together = threading.Barrier(4)

    def expired(request: Request) -> Reply | None:
        if request.authorization != "Bearer old" or request.path in {"/version", "/apis"}:
            return None
        # All four connections meet the refusal before any of them renews.
        together.wait(10)
        return status(401, "Unauthorized", reason="Unauthorized")

    api.lists["/api/v1/nodes"] = [node("w-1", "10.0.0.1")]
    api.lists["/api/v1/pods"] = [pod(f"p{number}", "shop", on="w-1") for number in range(5)]
    api.interceptors.append(expired)
    inventory = collect(Rotated())
    assert inventory.gaps == []
    assert (len(inventory.nodes), len(inventory.pods)) == (1, 5)
    assert asked == [False, True]


def test_gaps_come_in_the_same_order_whichever_list_failed_first(api: Api, collect: Collect) -> None:
    serve_groups(api, nvidia__com=["v1"], ptp__openshift__io=["v1"])
    put(api, "nvidia.com", "v1", "clusterpolicies", "ClusterPolicy")
    slow = iter([0.0, 0.1, 0.2] * 20)

    def refused(request: Request) -> Reply | None:
        if request.path in {"/version", "/apis"}:
            return None
        time.sleep(next(slow))
        return forbidden(request.path.rpartition("/")[2])

    api.interceptors.append(refused)
    first = [gap.part for gap in collect().gaps]
    assert first == [
        "nodes",
        "namespaces",
        "deployments",
        "statefulsets",
        "daemonsets",
        "replicasets",
        "pods",
        "events",
        "clusterpolicies",
        "ptpconfigs",
        "nodeptpdevices",
        "ptpoperatorconfigs",
    ]
    assert [gap.part for gap in collect().gaps] == first
