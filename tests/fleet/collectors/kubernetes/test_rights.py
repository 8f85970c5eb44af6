"""Rights: how they are asked for, and how a role that grants them is written."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from pydantic import SecretStr

from fleet.collectors.kubernetes import collect_inventory
from fleet.collectors.kubernetes.endpoints import find_endpoints
from fleet.collectors.kubernetes.rights import cluster_role
from fleet.collectors.validation import validate_cluster
from fleet.credentials import Credential, GivenCredential
from fleet.inventory.cluster import Cluster, EndpointKind
from fleet.inventory.validation import ClusterValidation, EndpointStatus, Right
from simulator.fleet import FleetOptions, SimulatedFleet

SHIPPED = Path(__file__).parents[4] / "deployments" / "cluster-role.yaml"
RBAC = "/apis/rbac.authorization.k8s.io/v1"
CLUSTERS = 6
"""As many as there are profiles, so that every API group is served by one of them."""


@pytest.fixture(scope="module")
def fleet() -> Iterator[SimulatedFleet]:
    with SimulatedFleet(FleetOptions(clusters=CLUSTERS, faults=(), nodes=3, workloads=9)) as running:
        yield running


def api_of(fleet: SimulatedFleet, name: str) -> Cluster:
    """A cluster of which only the Kubernetes API is registered."""
    entry = next(each for each in fleet.registration["clusters"] if each["name"] == name)
    return Cluster.model_validate({"name": name, "endpoints": {"kubernetes": entry["endpoints"]["kubernetes"]}})


def bearer(token: str) -> GivenCredential:
    return GivenCredential(Credential(token=SecretStr(token)))


def given(source: GivenCredential, kind: EndpointKind) -> GivenCredential:
    return source


class Newcomer:
    """A cluster with a service account that has no rights of its own yet, made as docs/rights.md says."""

    def __init__(self, fleet: SimulatedFleet, name: str) -> None:
        self.cluster = api_of(fleet, name)
        api = self.cluster.endpoints[EndpointKind.KUBERNETES]
        self._admin = httpx.Client(
            base_url=api.url,
            headers={"Authorization": f"Bearer {fleet.token(name)}"},
            verify=ssl.create_default_context(cadata=api.ca_pem),
        )

    def __enter__(self) -> Newcomer:
        self._created("/api/v1/namespaces", metadata={"name": "fleetscope"})
        accounts = "/api/v1/namespaces/fleetscope/serviceaccounts"
        self._created(accounts, metadata={"name": "fleetscope"})
        request = self._created(f"{accounts}/fleetscope/token", spec={"expirationSeconds": 3600})
        self.source = bearer(request["status"]["token"])
        return self

    def __exit__(self, *_: object) -> None:
        self._admin.close()

    def bind(self, role: dict[str, Any]) -> None:
        name = role["metadata"]["name"]
        self._created(f"{RBAC}/clusterroles", **role)
        subject = {"kind": "ServiceAccount", "namespace": "fleetscope", "name": "fleetscope"}
        reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name}
        self._created(f"{RBAC}/clusterrolebindings", metadata={"name": name}, roleRef=reference, subjects=[subject])

    def validated(self) -> ClusterValidation:
        return validate_cluster(self.cluster, partial(given, self.source))

    def _created(self, path: str, **document: Any) -> dict[str, Any]:
        answer = self._admin.post(path, json=document)
        assert answer.status_code == 201, answer.text
        created: dict[str, Any] = answer.json()
        return created


def shipped_role() -> dict[str, Any]:
    role: dict[str, Any] = yaml.safe_load(SHIPPED.read_text(encoding="utf-8"))
    return role


@pytest.mark.parametrize("number", range(CLUSTERS))
def test_the_shipped_role_is_enough_for_all_that_is_read(fleet: SimulatedFleet, number: int) -> None:
    with Newcomer(fleet, fleet.names[number]) as newcomer:
        before = newcomer.validated()
        assert [each.status for each in before.endpoints] == [EndpointStatus.FORBIDDEN]
        # Everybody may ask what he may do.
        assert {str(review.right) for review in before.rights if review.allowed is not False} == {
            "create selfsubjectaccessreviews.authorization.k8s.io"
        }
        newcomer.bind(shipped_role())
        after = newcomer.validated()
        assert after.sound, (after.endpoints, after.missing_rights)
        assert collect_inventory(newcomer.cluster, newcomer.source)[0].gaps == []
        assert find_endpoints(newcomer.cluster, newcomer.source).gaps == []


def test_rights_in_groups_that_a_cluster_does_not_serve_are_not_missing(fleet: SimulatedFleet) -> None:
    asked, told = [], []
    for name in fleet.names:
        source = bearer(fleet.token(name))
        validation = validate_cluster(api_of(fleet, name), partial(given, source))
        asked.append({review.right.group for review in validation.rights})
        told.append((asked[-1], {review.right.resource for review in validation.rights}))
    assert {"", "apps"} <= set.intersection(*asked)
    assert any("config.openshift.io" in groups for groups in asked)
    assert any("config.openshift.io" not in groups for groups in asked)
    # The authority of Routes is of use where there are any.
    assert all(("configmaps" in resources) == ("route.openshift.io" in groups) for groups, resources in told)


def test_rights_that_are_taken_away_are_missing(fleet: SimulatedFleet) -> None:
    name = fleet.names[1]
    fleet.deny(name, "list pods", "create pods/exec", "list deployments.apps")
    cluster, source = api_of(fleet, name), bearer(fleet.token(name))
    try:
        validation = validate_cluster(cluster, partial(given, source))
        gaps = collect_inventory(cluster, source)[0].gaps
    finally:
        fleet.allow(name)
    assert [str(right) for right in validation.missing_rights] == [
        "list pods",
        "list deployments.apps",
        "create pods/exec",
    ]
    assert not validation.sound
    # What validation calls missing is what discovery misses.
    assert {gap.part for gap in gaps} == {"pods", "deployments"}
    role = yaml.safe_load(cluster_role(validation.missing_rights))
    assert role["rules"] == [
        {"apiGroups": [""], "resources": ["pods"], "verbs": ["list"]},
        {"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["list"]},
        {"apiGroups": [""], "resources": ["pods/exec"], "verbs": ["create"]},
    ]


def test_a_role_is_merged_as_a_person_would_write_it() -> None:
    rights = [
        Right(verb="list", resource="pods"),
        Right(verb="create", resource="pods", subresource="exec"),
        Right(verb="list", resource="deployments", group="apps"),
        Right(verb="list", resource="statefulsets", group="apps"),
        Right(verb="get", resource="pods", subresource="exec"),
        Right(verb="get", resource="prometheuses", subresource="api", group="monitoring.coreos.com", name="k8s"),
        Right(verb="list", resource="pods"),
    ]
    assert cluster_role(rights, "some") == (
        "apiVersion: rbac.authorization.k8s.io/v1\n"
        "kind: ClusterRole\n"
        "metadata:\n"
        "  name: some\n"
        "rules:\n"
        '  - apiGroups: [""]\n'
        "    resources:\n"
        "      # pods: where they run, restarts, kills for want of memory, image digests, hugepages\n"
        "      - pods\n"
        "    verbs: [list]\n"
        '  - apiGroups: [""]\n'
        "    resources:\n"
        "      # counters inside pods of devices' operators; servers differ in which of get and create they ask for\n"
        "      - pods/exec\n"
        "    verbs: [get, create]\n"
        "  - apiGroups: [apps]\n"
        "    resources:\n"
        "      # workloads with their images and configuration\n"
        "      - deployments\n"
        "      - statefulsets\n"
        "    verbs: [list]\n"
        "  - apiGroups: [monitoring.coreos.com]\n"
        "    resources:\n"
        "      - prometheuses/api\n"
        "    resourceNames: [k8s]\n"
        "    verbs: [get]\n"
    )
    assert cluster_role([]).endswith("rules: []\n")


def test_a_right_reads_as_people_say_it() -> None:
    assert str(Right(verb="list", resource="clusterversions", group="config.openshift.io")) == (
        "list clusterversions.config.openshift.io"
    )
    assert str(Right(verb="create", resource="pods", subresource="exec", namespace="ran")) == "create pods/exec in ran"
