"""Clusters that are broken in different ways, each validated over real HTTPS: the status and the words of each."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from pydantic import SecretStr

from fleet.collectors.validation import GRACE_SECONDS, validate_cluster
from fleet.credentials import Credential, GivenCredential
from fleet.errors import CredentialMissing
from fleet.inventory.cluster import Cluster, Endpoint, EndpointKind
from fleet.inventory.validation import ClusterValidation, EndpointStatus, EndpointValidation
from simulator.fleet import FleetOptions, SimulatedFleet
from simulator.options import BrokenMode
from simulator.registration import cluster_names

SECONDS = 4.0
"""For each endpoint: what hangs is given up then."""


@dataclass(frozen=True)
class Broken:
    """How a cluster is broken, the status of its endpoints, and what must be said of the API and of Prometheus."""

    status: EndpointStatus
    kubernetes: str
    prometheus: str
    mode: BrokenMode | None = None


BROKEN = {
    "closed port": Broken(EndpointStatus.UNREACHABLE, "takes no connection", "connection refused"),
    "unknown CA": Broken(
        EndpointStatus.TLS,
        "signed by an authority that is not known here",
        "signed by an authority that is not known here",
        BrokenMode.UNKNOWN_CA,
    ),
    "self-signed": Broken(EndpointStatus.TLS, "is self-signed", "is self-signed", BrokenMode.SELF_SIGNED),
    "expired": Broken(EndpointStatus.TLS, "has expired", "has expired", BrokenMode.EXPIRED_CERTIFICATE),
    "wrong name": Broken(EndpointStatus.TLS, "for another name", "for another name", BrokenMode.WRONG_NAME),
    "bad token": Broken(
        EndpointStatus.UNAUTHORIZED, "does not accept the credential", "did not accept the credential (401)"
    ),
    "no rights": Broken(
        EndpointStatus.FORBIDDEN, "refuses: forbidden: User", "denies the right to read (403)", BrokenMode.FORBIDDEN
    ),
    "sign-in page": Broken(EndpointStatus.UNAUTHORIZED, "sign-in page", "sign-in page", BrokenMode.HTML),
    "hangs": Broken(EndpointStatus.UNREACHABLE, "no answer", "did not answer within 4 s", BrokenMode.HANG),
    "another product": Broken(
        EndpointStatus.WRONG_SERVICE, "which every Kubernetes API has", "no such API", BrokenMode.WRONG_SERVICE
    ),
    "unavailable": Broken(
        EndpointStatus.FAILED, "a router answered 503", "a router answered 503", BrokenMode.UNAVAILABLE
    ),
}
NAMES = dict(zip(["sound", "throttled", *BROKEN], cluster_names(len(BROKEN) + 2), strict=True))


@pytest.fixture(scope="module")
def fleet() -> Iterator[SimulatedFleet]:
    modes = {NAMES[name]: each.mode for name, each in BROKEN.items() if each.mode}
    modes[NAMES["throttled"]] = BrokenMode.THROTTLED
    with SimulatedFleet(FleetOptions(clusters=len(NAMES), faults=(), nodes=3, workloads=9, broken=modes)) as running:
        yield running


def registered(fleet: SimulatedFleet, name: str) -> Cluster:
    entry = next(each for each in fleet.registration["clusters"] if each["name"] == NAMES[name])
    return Cluster.model_validate({key: value for key, value in entry.items() if key != "credential"})


def validated(cluster: Cluster, token: str, seconds: float = SECONDS) -> ClusterValidation:
    source = GivenCredential(Credential(token=SecretStr(token)))
    return validate_cluster(cluster, lambda kind: source, seconds=seconds)


def of(validation: ClusterValidation, kind: EndpointKind) -> EndpointValidation:
    return next(each for each in validation.endpoints if each.kind is kind)


@pytest.mark.parametrize("name", BROKEN)
def test_each_fault_is_named(name: str, fleet: SimulatedFleet) -> None:
    broken, cluster, token = BROKEN[name], registered(fleet, name), fleet.token(NAMES[name])
    with socket.socket() as closed:
        # Bound and not listening: nobody else can open this port meanwhile.
        closed.bind(("127.0.0.1", 0))
        if name == "closed port":
            url = f"https://127.0.0.1:{closed.getsockname()[1]}"
            cluster = cluster.model_copy(update={"endpoints": {kind: Endpoint(url=url) for kind in cluster.endpoints}})
        validation = validated(cluster, "a-wrong-token" if name == "bad token" else token)
    for kind, words in {
        EndpointKind.KUBERNETES: broken.kubernetes,
        EndpointKind.PROMETHEUS: broken.prometheus,
    }.items():
        seen = of(validation, kind)
        assert (seen.status, seen.latency_seconds) == (broken.status, None), seen
        assert words in seen.message
        assert seen.version == ""
    assert {each.status for each in validation.endpoints} == {broken.status}
    assert not validation.sound
    # What could not be asked is neither granted nor missing.
    assert {review.allowed for review in validation.rights} == {None}
    assert all(review.reason for review in validation.rights)
    assert token not in validation.model_dump_json()


@pytest.mark.parametrize("name", ["sound", "throttled"])
def test_a_sound_cluster_says_its_versions(name: str, fleet: SimulatedFleet) -> None:
    validation = validated(registered(fleet, name), fleet.token(NAMES[name]))
    assert {each.status for each in validation.endpoints} == {EndpointStatus.OK}, validation.endpoints
    assert validation.sound, validation.rights
    assert all(each.latency_seconds is not None and each.latency_seconds > 0 for each in validation.endpoints)
    assert of(validation, EndpointKind.KUBERNETES).version.startswith("v1.")
    assert of(validation, EndpointKind.PROMETHEUS).version.startswith("2.")


def test_what_hangs_does_not_keep_the_others_waiting(fleet: SimulatedFleet) -> None:
    sound, hanging = registered(fleet, "sound"), registered(fleet, "hangs")
    endpoints = {
        kind: (hanging if kind is EndpointKind.KUBERNETES else sound).endpoints[kind] for kind in sound.endpoints
    }
    started = time.monotonic()
    validation = validated(sound.model_copy(update={"endpoints": endpoints}), fleet.token(NAMES["sound"]), seconds=1)
    assert time.monotonic() - started < 1 + GRACE_SECONDS + 1
    assert of(validation, EndpointKind.KUBERNETES).status is EndpointStatus.UNREACHABLE
    assert of(validation, EndpointKind.PROMETHEUS).status is EndpointStatus.OK


def test_apis_under_each_others_names_are_recognised(fleet: SimulatedFleet) -> None:
    cluster = registered(fleet, "sound")
    kubernetes, prometheus = (cluster.endpoints[kind] for kind in (EndpointKind.KUBERNETES, EndpointKind.PROMETHEUS))
    swapped = dict.fromkeys(EndpointKind, prometheus) | {EndpointKind.PROMETHEUS: kubernetes}
    validation = validated(cluster.model_copy(update={"endpoints": swapped}), fleet.token(NAMES["sound"]))
    assert {each.status for each in validation.endpoints} == {EndpointStatus.WRONG_SERVICE}
    hints = {each.kind: each.hint for each in validation.endpoints}
    assert "answers as kubernetes does" in hints.pop(EndpointKind.PROMETHEUS)
    assert all("answers as prometheus does" in hint for hint in hints.values())


def test_an_endpoint_whose_tls_is_not_verified_says_so(fleet: SimulatedFleet) -> None:
    cluster = registered(fleet, "self-signed")
    endpoints = {
        kind: endpoint.model_copy(update={"verify_tls": False}) for kind, endpoint in cluster.endpoints.items()
    }
    validation = validated(cluster.model_copy(update={"endpoints": endpoints}), fleet.token(NAMES["self-signed"]))
    assert {(each.status, each.verify_tls) for each in validation.endpoints} == {(EndpointStatus.OK, False)}


def test_a_credential_that_cannot_be_had_is_no_fault_of_the_endpoints(fleet: SimulatedFleet) -> None:
    class Missing:
        def credential(self, *, refresh: bool = False) -> Credential | None:
            raise CredentialMissing("The credential store holds nothing under clusters/east.")

    with pytest.raises(CredentialMissing):
        validate_cluster(registered(fleet, "sound"), lambda kind: Missing(), seconds=SECONDS)
