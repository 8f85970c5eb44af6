"""Validation against each kind of server: it knows the right one, and knows another one for what it is not."""

from __future__ import annotations

import pytest

from fleet.collectors.validation import validate_cluster
from fleet.credentials import GivenCredential
from fleet.inventory.cluster import Cluster, Endpoint, EndpointKind
from fleet.inventory.validation import EndpointStatus, EndpointValidation
from tests.contracts.kubernetes_server import KubernetesServer
from tests.contracts.sources import Source, source_of

KINDS = [EndpointKind.PROMETHEUS, EndpointKind.ALERTMANAGER, EndpointKind.LOKI, EndpointKind.TEMPO]


def validated(kind: EndpointKind, endpoint: Endpoint, credentials: GivenCredential) -> EndpointValidation:
    cluster = Cluster(name="contract", endpoints={kind: endpoint})
    found = validate_cluster(cluster, lambda _: credentials).endpoints
    assert [each.kind for each in found] == [kind]
    return found[0]


@pytest.mark.parametrize("kind", KINDS)
def test_a_server_is_what_it_is(kind: EndpointKind, request: pytest.FixtureRequest) -> None:
    source = source_of(kind, request)
    found = validated(kind, source.endpoint, source.credentials)
    assert found.status is EndpointStatus.OK, found.message
    assert found.latency_seconds is not None
    assert found.message


def test_an_api_server_is_known_by_what_the_collector_asks(contract_kubernetes: KubernetesServer) -> None:
    credentials = GivenCredential(contract_kubernetes.credential)
    found = validated(EndpointKind.KUBERNETES, contract_kubernetes.endpoint, credentials)
    assert found.status is EndpointStatus.OK, found.message
    assert found.version


@pytest.mark.parametrize("kind", [each for each in KINDS if each is not EndpointKind.PROMETHEUS])
def test_a_prometheus_is_nothing_else(kind: EndpointKind, contract_prometheus: Source) -> None:
    found = validated(kind, contract_prometheus.endpoint, contract_prometheus.credentials)
    assert found.status is EndpointStatus.WRONG_SERVICE, found.message
    assert found.hint
