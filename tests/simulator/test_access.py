"""Rights that are taken away, and tokens beside the first one."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from simulator.access import Right
from simulator.fleet import FleetOptions, SimulatedFleet
from tests.simulator.conftest import api


@pytest.fixture
def guarded() -> Iterator[SimulatedFleet]:
    denied = {"fra-01": ("list pods", "* replicasets.apps", "get services/proxy")}
    with SimulatedFleet(FleetOptions(clusters=2, faults=(), denied=denied)) as running:
        yield running


def message(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["message"]


def test_denied_rights_are_refused_in_the_servers_words(guarded: SimulatedFleet) -> None:
    client = api(guarded, "fra-01", "kubernetes")
    user = 'User "system:serviceaccount:monitoring:reader"'
    assert message(client.get("/api/v1/pods")) == (
        403,
        f'pods is forbidden: {user} cannot list resource "pods" in API group "" at the cluster scope',
    )
    assert message(client.get("/apis/apps/v1/namespaces/shop/replicasets/x")) == (
        403,
        f'replicasets.apps "x" is forbidden: {user} cannot get resource "replicasets" in API group "apps" '
        'in the namespace "shop"',
    )
    assert client.get("/api/v1/nodes").status_code == 200
    assert api(guarded, "dub-01", "kubernetes").get("/api/v1/pods").status_code == 200
    guarded.deny("fra-01", "* nodes")
    assert client.get("/api/v1/nodes").status_code == 403
    guarded.allow("fra-01")
    assert client.get("/api/v1/nodes").status_code == client.get("/api/v1/pods").status_code == 200


def test_rights_are_read_strictly() -> None:
    for text in ("pods", "list the pods", ""):
        with pytest.raises(ValueError, match="a verb and a resource"):
            Right.parse(text)
    for text in ("get deployments.apps/scale", "get deployments/scale.apps", "get deployments/scale"):
        assert Right.parse(text).covers("get", "apps", "deployments/scale")
    assert not Right.parse("get pods").covers("get", "", "pods/exec")
    assert Right.parse("* *").covers("create", "", "pods/exec")
    assert Right.parse("list pods").covers("*", "*", "*")


def test_tokens_live_beside_each_other(guarded: SimulatedFleet) -> None:
    first, further = guarded.token("fra-01"), guarded.issue_token("fra-01")
    for token in (first, further):
        assert api(guarded, "fra-01", "kubernetes", token).get("/version").status_code == 200
        assert api(guarded, "fra-01", "prometheus", token).get("/-/ready").status_code == 200
    assert api(guarded, "dub-01", "prometheus", further).get("/-/ready").status_code == 401
    guarded.revoke_token("fra-01", further)
    assert api(guarded, "fra-01", "kubernetes", further).get("/version").status_code == 401
    assert guarded.token("fra-01") == first
    with pytest.raises(ValueError, match="not issued"):
        guarded.revoke_token("fra-01", first)
