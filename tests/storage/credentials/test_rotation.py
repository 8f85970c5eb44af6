"""Rotation on a real OpenBao and real HTTPS clusters: what is tried first, what is refused, and under load."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import SecretStr

from fleet.collectors.kubernetes import collect_inventory
from fleet.collectors.prometheus import PrometheusClient
from fleet.credentials import ClusterCredential, Credential
from fleet.errors import CredentialConflict, FleetscopeError, UsageError
from fleet.frames.pack_file import default_pack
from fleet.inventory.cluster import Cluster, EndpointKind
from fleet.inventory.validation import EndpointStatus
from simulator.fleet import FleetOptions, SimulatedFleet
from simulator.options import BrokenMode
from simulator.registration import cluster_names
from storage.credentials.rotation import rotate_credential
from storage.credentials.vault import VaultCredentialStore
from storage.credentials.vault_login import TokenFile
from storage.credentials.vault_server import VaultServer
from tests.conftest import OpenBaoServer

COLLECTIONS = 1000
THREADS = 4
QUERY = default_pack().queries[0].promql
SOUND, SLOW, HALF, OTHER = cluster_names(4)


@pytest.fixture(scope="module")
def fleet() -> Iterator[SimulatedFleet]:
    broken = {SLOW: BrokenMode.SLOW, f"{HALF}/prometheus": BrokenMode.UNAVAILABLE}
    with SimulatedFleet(FleetOptions(clusters=4, faults=(), nodes=3, workloads=9, broken=broken)) as running:
        yield running


@pytest.fixture
def elsewhere(openbao_server: OpenBaoServer, token_file: Path) -> VaultCredentialStore:
    """The same store as another process has it, with a cache of its own."""
    return VaultCredentialStore(
        VaultServer(openbao_server.url), TokenFile(token_file=token_file), mount=openbao_server.mount
    )


def bearer(token: str) -> Credential:
    return Credential(token=SecretStr(token))


@pytest.fixture
def stored(fleet: SimulatedFleet, credentials: VaultCredentialStore) -> Callable[[str], tuple[Cluster, str]]:
    """Registers a cluster with a token of its own, which is returned with it."""

    def store(name: str) -> tuple[Cluster, str]:
        entry = next(each for each in fleet.registration["clusters"] if each["name"] == name)
        token = fleet.issue_token(name)
        cluster = Cluster.model_validate({key: value for key, value in entry.items() if key != "credential"})
        cluster.credential_ref = f"clusters/{name}"
        credentials.put(cluster.credential_ref, ClusterCredential(default=bearer(token)))
        return cluster, token

    return store


def current(store: VaultCredentialStore, cluster: Cluster) -> ClusterCredential:
    assert cluster.credential_ref is not None
    return store.get(cluster.credential_ref, refresh=True)


Stored = Callable[[str], tuple[Cluster, str]]


class Load:
    """Threads that collect from one cluster without a pause, each collection as the product makes it."""

    def __init__(self, cluster: Cluster, store: VaultCredentialStore) -> None:
        self.done = 0
        self.failures: list[str] = []
        self._cluster, self._store = cluster, store
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        collections = [self._metrics] * (THREADS - 1) + [self._inventory]
        self._threads = [threading.Thread(target=self._run, args=(collect,)) for collect in collections]

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        for thread in self._threads:
            thread.join()

    def wait_for(self, further: int) -> None:
        """Until so many collections more were made."""
        goal, deadline = self.done + further, time.monotonic() + 60
        while self.done < goal and not self.failures:
            assert time.monotonic() < deadline, f"only {self.done} collections"
            time.sleep(0.005)

    def _run(self, collect: Callable[[], None]) -> None:
        while not self._stopped.is_set():
            try:
                collect()
            except FleetscopeError as failure:
                self.failures.append(str(failure))
                return
            with self._lock:
                self.done += 1

    def _metrics(self) -> None:
        source = self._store.source(f"clusters/{self._cluster.name}", EndpointKind.PROMETHEUS)
        with PrometheusClient(self._cluster.endpoints[EndpointKind.PROMETHEUS], source) as client:
            assert client.query(QUERY, datetime.now(UTC)).samples

    def _inventory(self) -> None:
        source = self._store.source(f"clusters/{self._cluster.name}", EndpointKind.KUBERNETES)
        gaps = collect_inventory(self._cluster, source)[0].gaps
        self.failures += [f"{gap.part}: {gap.reason}" for gap in gaps]


@pytest.mark.slow
def test_no_collection_fails_while_a_token_is_rotated_and_the_old_one_revoked(
    fleet: SimulatedFleet, stored: Stored, credentials: VaultCredentialStore, elsewhere: VaultCredentialStore
) -> None:
    cluster, old = stored(SOUND)
    new = fleet.issue_token(SOUND)
    with Load(cluster, elsewhere) as load:
        load.wait_for(COLLECTIONS // 4)
        rotation = rotate_credential(credentials, cluster, bearer(new))
        load.wait_for(COLLECTIONS // 4)
        # The collectors' cache still has the old token: from here on each of them meets a 401 and asks again.
        fleet.revoke_token(SOUND, old)
        load.wait_for(COLLECTIONS // 2)
    assert load.failures == []
    assert load.done >= COLLECTIONS
    assert rotation.stored is not None
    assert current(elsewhere, cluster).default == bearer(new)


def test_a_bad_token_is_refused_and_the_old_one_stays(
    stored: Stored, credentials: VaultCredentialStore, elsewhere: VaultCredentialStore
) -> None:
    cluster, token = stored(SOUND)
    before = credentials.version(f"clusters/{SOUND}")
    rotation = rotate_credential(credentials, cluster, bearer("not-a-token-of-this-cluster"))
    assert rotation.stored is None
    assert rotation.would_break == sorted(cluster.endpoints)
    assert {each.status for each in rotation.after.endpoints} == {EndpointStatus.UNAUTHORIZED}
    assert {each.status for each in rotation.before.endpoints} == {EndpointStatus.OK}
    assert credentials.version(f"clusters/{SOUND}") == before
    assert current(elsewhere, cluster).default == bearer(token)


def test_what_was_broken_before_hinders_nothing(
    fleet: SimulatedFleet, stored: Stored, credentials: VaultCredentialStore
) -> None:
    cluster, _ = stored(HALF)
    rotation = rotate_credential(credentials, cluster, bearer(fleet.issue_token(HALF)))
    assert rotation.stored is not None
    assert rotation.would_break == []
    seen = {each.kind: each.status for each in rotation.after.endpoints}
    assert seen[EndpointKind.PROMETHEUS] is EndpointStatus.FAILED
    # A token that nothing takes is refused even where the old one was not taken either.
    fleet.set_broken(OTHER, BrokenMode.UNAUTHORIZED)
    try:
        cluster, token = stored(OTHER)
        refused = rotate_credential(credentials, cluster, bearer(fleet.issue_token(OTHER)))
    finally:
        fleet.set_broken(OTHER, None)
    assert (refused.stored, refused.would_break) == (None, [])
    assert current(credentials, cluster).default == bearer(token)


def test_one_endpoint_gets_a_credential_of_its_own(
    fleet: SimulatedFleet, stored: Stored, credentials: VaultCredentialStore
) -> None:
    cluster, token = stored(OTHER)
    own = fleet.issue_token(OTHER)
    rotation = rotate_credential(credentials, cluster, bearer(own), EndpointKind.PROMETHEUS)
    assert rotation.stored is not None
    assert rotation.concerned == {EndpointKind.PROMETHEUS}
    assert current(credentials, cluster) == ClusterCredential(
        default=bearer(token), endpoints={"prometheus": bearer(own)}
    )
    # From here on the common credential is no business of Prometheus.
    another = bearer(fleet.issue_token(OTHER))
    assert EndpointKind.PROMETHEUS not in rotate_credential(credentials, cluster, another).concerned
    assert current(credentials, cluster) == ClusterCredential(default=another, endpoints={"prometheus": bearer(own)})
    with pytest.raises(UsageError, match="takes this credential"):
        rotate_credential(credentials, cluster, another, EndpointKind.KORREL8R)


def test_who_was_overtaken_is_told(
    fleet: SimulatedFleet, stored: Stored, credentials: VaultCredentialStore, elsewhere: VaultCredentialStore
) -> None:
    cluster, _ = stored(SLOW)
    fleet.reset_requests()
    conflicts: list[CredentialConflict] = []

    def rotate() -> None:
        try:
            rotate_credential(credentials, cluster, bearer(fleet.issue_token(SLOW)))
        except CredentialConflict as conflict:
            conflicts.append(conflict)

    rotating = threading.Thread(target=rotate)
    rotating.start()
    deadline = time.monotonic() + 20
    while SLOW not in fleet.requests()["clusters"]:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    # It asks the cluster, hence it has read the version that it wants to replace.
    other = ClusterCredential(default=bearer(fleet.issue_token(SLOW)))
    elsewhere.put(f"clusters/{SLOW}", other)
    rotating.join(timeout=60)
    assert len(conflicts) == 1
    assert current(credentials, cluster) == other


def test_a_cluster_without_a_credential_has_none_to_rotate(stored: Stored, credentials: VaultCredentialStore) -> None:
    cluster, token = stored(SOUND)
    cluster.credential_ref = None
    with pytest.raises(UsageError, match="without a credential"):
        rotate_credential(credentials, cluster, bearer(token))
