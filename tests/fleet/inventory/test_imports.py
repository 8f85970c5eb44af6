"""Clusters found elsewhere against what is registered: names and addresses that meet, and what stays."""

from __future__ import annotations

from typing import Any

from pydantic import SecretStr

from fleet.credentials import ClusterCredential, Credential
from fleet.inventory.cluster import Cluster, Endpoint, EndpointKind
from fleet.inventory.endpoint_budget import EndpointBudget
from fleet.inventory.import_sources import Given, clusters_of_contexts, clusters_of_hub
from fleet.inventory.imports import FoundCluster, sorted_out, with_default
from fleet.inventory.kubeconfig import KubeconfigContext
from fleet.inventory.managed_cluster import ManagedCluster

TOKEN = Credential(token=SecretStr("t"))


def endpoint(host: str) -> Endpoint:
    return Endpoint(url=f"https://{host}.example:6443")


def cluster(name: str, host: str = "", **fields: Any) -> Cluster:
    endpoints = {EndpointKind.KUBERNETES: endpoint(host)} if host else {}
    return Cluster.model_validate({"name": name, **fields, "endpoints": {**endpoints, **fields.get("endpoints", {})}})


def found(name: str, host: str, **more: Any) -> FoundCluster:
    return FoundCluster(source=f"context {name}", cluster=cluster(name, host), **more)


def test_one_api_server_is_one_cluster() -> None:
    taken, skipped = sorted_out([found("a-admin", "a"), found("a-view", "a"), found("b", "b")], [])
    assert [each.cluster.name for each in taken] == ["a-admin", "b"]
    assert [(each.source, each.reason) for each in skipped] == [
        ("context a-view", "it has the same API server as context a-admin, which is taken")
    ]


def test_one_name_is_one_cluster() -> None:
    taken, skipped = sorted_out([found("a", "a"), found("a", "other"), found("b", "c")], [cluster("b", "b")])
    assert [each.cluster.name for each in taken] == ["a"]
    assert "its name would be a, as that of context a" in skipped[0].reason
    assert "a cluster with another API server (https://b.example:6443)" in skipped[1].reason


def test_a_registered_cluster_keeps_its_name_and_what_the_import_does_not_know() -> None:
    prometheus = {"prometheus": {"url": "https://prom.example"}}
    known = cluster(
        "shop", "a", environment="prod", labels={"tier": "1", "team": "x"}, endpoints=prometheus, active=False
    )
    new = FoundCluster(source="context c", cluster=cluster("c", "a", region="eu", labels={"tier": "2"}))
    [taken], skipped = sorted_out([new], [known])
    assert skipped == []
    assert taken.notes == ["it is registered as shop and keeps that name"]
    assert (taken.cluster.name, taken.cluster.id) == ("shop", known.id)
    assert (taken.cluster.environment, taken.cluster.region) == ("prod", "eu")
    assert taken.cluster.labels == {"tier": "2", "team": "x"}
    assert set(taken.cluster.endpoints) == {EndpointKind.KUBERNETES, EndpointKind.PROMETHEUS}
    assert not taken.cluster.active
    asked = new.model_copy(update={"name_is_given": True})
    assert sorted_out([asked], [known])[1][0].reason == "its API server is registered already, as shop"
    metrics_only = cluster("c", endpoints=prometheus)
    [taken], _ = sorted_out([new], [metrics_only])
    assert set(taken.cluster.endpoints) == {EndpointKind.KUBERNETES, EndpointKind.PROMETHEUS}


def test_an_import_leaves_the_budget_of_an_endpoint() -> None:
    budget = EndpointBudget(concurrency=2)
    known = cluster("shop", endpoints={"kubernetes": endpoint("a").model_copy(update={"budget": budget})})
    [taken], _ = sorted_out([found("shop", "a")], [known])
    assert taken.cluster.endpoints[EndpointKind.KUBERNETES].budget == budget


def test_what_a_cluster_only_claims_changes_no_endpoint_that_is_registered() -> None:
    """An agent tells the hub the address of another cluster with an authority of its own, or a name's with its own."""
    own, other = Endpoint(url="https://a.example:6443", ca_pem="A"), Endpoint(url="https://a.example:6443", ca_pem="B")
    known = cluster("a", endpoints={"kubernetes": own})
    claimed = FoundCluster(source="x", cluster=cluster("x", endpoints={"kubernetes": other}), is_claimed=True)
    [taken], _ = sorted_out([claimed], [known])
    assert taken.cluster.endpoints == {EndpointKind.KUBERNETES: own}
    assert any("registered authority stays" in note for note in taken.notes)
    # Whoever imports a file means what is in it.
    [taken], _ = sorted_out([claimed.model_copy(update={"is_claimed": False})], [known])
    assert taken.cluster.endpoints == {EndpointKind.KUBERNETES: other}
    prometheus = {"prometheus": {"url": "https://prom.example"}}
    metrics_only = cluster("x", endpoints=prometheus, credential_ref="clusters/x")
    taken_too, [refused] = sorted_out([claimed], [metrics_only])
    assert taken_too == []
    assert "its stored credential would be sent to https://a.example:6443" in refused.reason
    [taken], _ = sorted_out([claimed], [cluster("x", endpoints=prometheus)])
    assert set(taken.cluster.endpoints) == {EndpointKind.KUBERNETES, EndpointKind.PROMETHEUS}


def test_the_first_credential_wakes_what_slept_for_want_of_one() -> None:
    asleep = cluster("a", "a", active=False)
    [taken], _ = sorted_out([found("a", "a", credential=TOKEN)], [asleep])
    assert taken.cluster.active
    switched_off = asleep.model_copy(update={"credential_ref": "clusters/a"})
    [taken], _ = sorted_out([found("a", "a", credential=TOKEN)], [switched_off])
    assert not taken.cluster.active


def test_an_imported_credential_leaves_those_of_other_endpoints() -> None:
    other = Credential(username="me", password=SecretStr("p"))
    stored = ClusterCredential(default=other, endpoints={"kubernetes": other, "loki": other})
    assert with_default(stored, TOKEN) == ClusterCredential(default=TOKEN, endpoints={"loki": other})


def test_contexts_become_clusters_with_what_is_given() -> None:
    usable = KubeconfigContext(name="Edge/1", endpoint=endpoint("a"), credential=TOKEN, notes=["careful"])
    without_token = KubeconfigContext(
        name="b", endpoint=endpoint("b"), problem="runs a program", commands=["kubectl …"]
    )
    broken = KubeconfigContext(name="c", problem="no address")
    nameless = KubeconfigContext(name="//", endpoint=endpoint("d"), credential=TOKEN)
    contexts = [usable, without_token, broken, nameless]
    taken, skipped = clusters_of_contexts(contexts, Given(environment="lab", labels={"tier": "edge"}))
    assert [(each.cluster.name, each.cluster.environment, each.cluster.labels) for each in taken] == [
        ("edge-1", "lab", {"tier": "edge"})
    ]
    assert taken[0].notes == ["careful"]
    assert [each.reason for each in skipped][:2] == ["runs a program", "no address"]
    assert "no valid cluster name" in skipped[2].reason
    assert skipped[0].commands == ["kubectl …"]
    # A token that is given takes the place of what the file has, or has not.
    taken, skipped = clusters_of_contexts(contexts[:3], Given(credential=TOKEN))
    assert [(each.cluster.name, each.credential) for each in taken] == [("edge-1", TOKEN), ("b", TOKEN)]
    assert [each.reason for each in skipped] == ["no address"]
    [named], _ = clusters_of_contexts([nameless], Given(), "core")
    assert (named.cluster.name, named.name_is_given) == ("core", True)


def test_clusters_of_a_hub() -> None:
    hub = cluster("hub", "hub", labels={"mine": "yes"}, credential_ref="clusters/hub")
    managed = [
        ManagedCluster(
            name="local-cluster", endpoint=endpoint("inside"), is_hub=True, labels={"cloud": "x"}, available=True
        ),
        ManagedCluster(
            name="edge.one",
            endpoint=endpoint("e1"),
            labels={"environment": "prod", "platform": "AWS"},
            region="eu-west-1",
            version="4.16.11",
            available=True,
        ),
        ManagedCluster(name="lost", endpoint=endpoint("lost")),
        ManagedCluster(name="new", endpoint=endpoint("new"), accepted=False),
        ManagedCluster(name="nowhere", problem="the hub knows no address of its API"),
    ]
    found, skipped = clusters_of_hub(managed, hub, Given())
    assert [each.reason for each in skipped] == [
        "the hub's administrator has not accepted it",
        "the hub knows no address of its API",
    ]
    taken, refused = sorted_out(found, [hub])
    assert refused == []
    itself, edge, lost = (each.cluster for each in taken)
    assert itself.name == "hub" and itself.labels == {"mine": "yes", "cloud": "x"} and itself.active
    assert itself.endpoints == hub.endpoints
    assert (edge.name, edge.environment, edge.region, edge.labels) == (
        "edge-one",
        "prod",
        "eu-west-1",
        {"platform": "AWS"},
    )
    assert not edge.active and not lost.active
    assert "the hub does not hear of it" in taken[2].notes
    assert taken[1].notes == ["version 4.16.11"]
    found, _ = clusters_of_hub(managed, hub, Given(credential=TOKEN, environment="lab"))
    assert [(each.cluster.active, each.credential) for each in found] == [(True, None), (True, TOKEN), (True, TOKEN)]
    assert found[1].cluster.environment == "lab"
