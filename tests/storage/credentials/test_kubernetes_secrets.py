"""Kubernetes' own ways: what stands in a Secret, and what becomes of one that others touch."""

from __future__ import annotations

import base64
import json
import logging
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from pydantic import SecretStr

from fleet.credentials import ClusterCredential, Credential
from fleet.errors import CredentialConflict, CredentialMissing, StoreError, StoreUnavailable
from fleet.inventory.cluster import cluster_id
from simulator.fleet import FleetOptions, SimulatedFleet
from simulator.options import BrokenMode
from storage.credentials import kubernetes_api
from storage.credentials.kubernetes_access import InCluster
from storage.credentials.kubernetes_secrets import KubernetesCredentialStore
from tests.contracts.credential_homes import write_keyring
from tests.contracts.test_credential_stores import shown

NAMESPACE = "aiops"
REF = "clusters/shop-eu"
SECRET = f"aiops-cluster-{cluster_id('shop-eu')}"
CANARY = "canary-token-4b7c"
CREDENTIAL = ClusterCredential(
    default=Credential(token=SecretStr(CANARY)),
    endpoints={"loki": Credential(username="reader", password=SecretStr(f"{CANARY}-loki"))},
)


@dataclass(frozen=True)
class Place:
    """A simulated cluster that keeps Secrets, seen by its operator."""

    fleet: SimulatedFleet
    name: str
    kubeconfig: Path
    keyring: Path
    keys: dict[str, str]

    def open(self) -> KubernetesCredentialStore:
        return KubernetesCredentialStore.at(self.kubeconfig, NAMESPACE, self.keyring)

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        endpoint = next(each for each in self.fleet.registration["clusters"] if each["name"] == self.name)
        kubernetes = endpoint["endpoints"]["kubernetes"]
        answer = httpx.request(
            method,
            f"{kubernetes['url']}/api/v1/{path}",
            content=None if body is None else json.dumps(body),
            headers={"Authorization": f"Bearer {self.fleet.token(self.name)}", **headers},
            verify=ssl.create_default_context(cadata=kubernetes["ca_pem"]),
        )
        answer.raise_for_status()
        return answer.json()

    def secret(self, name: str = SECRET) -> Any:
        return self.call("GET", f"namespaces/{NAMESPACE}/secrets/{name}")

    def patch(self, change: dict[str, Any], name: str = SECRET) -> None:
        kind = {"Content-Type": "application/merge-patch+json"}
        self.call("PATCH", f"namespaces/{NAMESPACE}/secrets/{name}", change, **kind)


@pytest.fixture(scope="module")
def fleet() -> Iterator[SimulatedFleet]:
    with SimulatedFleet(FleetOptions(clusters=1, faults=(), nodes=3, workloads=9)) as running:
        yield running


@pytest.fixture
def place(fleet: SimulatedFleet, tmp_path: Path) -> Iterator[Place]:
    [name] = fleet.names
    place = Place(fleet, name, fleet.directory / "kubeconfig", tmp_path / "keyring", {})
    write_keyring(place.keyring, "2026-05", keys=place.keys)
    place.call("POST", "namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
    yield place
    fleet.allow(name)
    fleet.set_broken(name, None)
    place.call("DELETE", f"namespaces/{NAMESPACE}")


def values(secret: Any) -> dict[str, bytes]:
    return {name: base64.b64decode(value) for name, value in secret["data"].items()}


def test_a_secret_says_whose_it_is_and_shows_nothing(place: Place) -> None:
    store = place.open()
    store.put(REF, CREDENTIAL)
    version = store.put(REF, CREDENTIAL)
    secret = place.secret()
    assert secret["metadata"]["labels"] == {
        "app.kubernetes.io/name": "fleetscope",
        "app.kubernetes.io/component": "cluster-credential",
        "app.kubernetes.io/managed-by": "fleetscope",
        "fleetscope/cluster": "shop-eu",
        "fleetscope/cluster-id": cluster_id("shop-eu"),
    }
    assert secret["metadata"]["annotations"] == {
        "fleetscope/version": "2",
        "fleetscope/created-at": version.created_at.isoformat(),
        "fleetscope/key-id": "2026-05",
    }
    assert secret["type"] == "Opaque"
    assert set(secret["data"]) == {"token", "loki.username", "loki.password"}
    plain = json.dumps(secret) + str(values(secret))
    for word in (CANARY, "reader", base64.b64encode(CANARY.encode()).decode()):
        assert word not in plain


def test_each_write_seals_anew(place: Place) -> None:
    store = place.open()
    store.put(REF, CREDENTIAL)
    before = values(place.secret())
    store.put(REF, CREDENTIAL)
    after = values(place.secret())
    assert before.keys() == after.keys()
    assert all(before[name] != after[name] for name in before)


def test_what_others_wrote_on_the_secret_stays(place: Place) -> None:
    store = place.open()
    store.put(REF, CREDENTIAL)
    place.patch({"metadata": {"labels": {"team": "core"}, "annotations": {"backup": "yes"}}})
    store.put(REF, ClusterCredential(default=Credential(token=SecretStr("another"))))
    metadata = place.secret()["metadata"]
    assert metadata["labels"]["team"] == "core"
    assert metadata["annotations"]["backup"] == "yes"
    # What the credential does not hold any more is not left there.
    assert set(place.secret()["data"]) == {"token"}


def test_a_change_by_others_between_read_and_write_is_not_overwritten(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their label is there when our write arrives: it is done again, on top of theirs, for the version is the same."""
    store = place.open()
    store.put(REF, CREDENTIAL)
    replace = kubernetes_api.SecretsApi.replace
    meddled: list[bool] = []

    def meddling(api: kubernetes_api.SecretsApi, name: str, document: Any) -> None:
        if not meddled:
            meddled.append(True)
            place.patch({"metadata": {"labels": {"team": "core"}}})
        replace(api, name, document)

    monkeypatch.setattr(kubernetes_api.SecretsApi, "replace", meddling)
    assert store.put(REF, CREDENTIAL, replaces=1).number == 2
    assert place.secret()["metadata"]["labels"]["team"] == "core"


def test_tampering_moving_and_plain_values_are_told_apart(place: Place) -> None:
    store = place.open()
    store.put(REF, CREDENTIAL)
    store.put("clusters/other", ClusterCredential(default=Credential(token=SecretStr("of-the-other"))))
    sealed = place.secret()["data"]["token"]
    content = base64.b64decode(sealed)
    last = content[-5:-4]
    tampered = content[:-5] + (b"A" if last != b"A" else b"B") + content[-4:]
    moved = place.secret(f"aiops-cluster-{cluster_id('other')}")["data"]["token"]
    for value, words in [
        (base64.b64encode(tampered).decode(), "was changed after it was sealed"),
        (moved, f"was sealed for another cluster, whose id is {cluster_id('other')}"),
        (base64.b64encode(CANARY.encode()).decode(), "is not sealed as fleetscope does it"),
        (place.secret()["data"]["loki.password"], "was changed after it was sealed"),
    ]:
        place.patch({"data": {"token": value}})
        with pytest.raises(StoreError, match=words) as refused:
            store.get(REF, refresh=True)
        assert f"token of the Secret {NAMESPACE}/{SECRET} (cluster shop-eu)" in refused.value.message
        assert not isinstance(refused.value, CredentialMissing | StoreUnavailable)
        assert CANARY not in shown(refused.value)
    place.patch({"data": {"token": sealed, "surprise": sealed}})
    with pytest.raises(StoreError, match="The value surprise of"):
        store.get(REF, refresh=True)
    # Registering again mends it.
    store.put(REF, CREDENTIAL)
    assert store.get(REF) == CREDENTIAL


def test_annotations_that_do_not_say_the_version(place: Place) -> None:
    store = place.open()
    store.put(REF, CREDENTIAL)
    place.patch({"metadata": {"annotations": {"fleetscope/version": "newest"}}})
    assert store.get(REF, refresh=True) == CREDENTIAL
    with pytest.raises(StoreError, match="do not say its version"):
        store.version(REF)
    for replaced in (0, 1):
        with pytest.raises(CredentialConflict):
            store.put(REF, CREDENTIAL, replaces=replaced)
    assert store.put(REF, CREDENTIAL).number == 1


def test_keys_are_rotated_without_a_pause(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    store = place.open()
    store.put(REF, CREDENTIAL)
    store.put("clusters/other", CREDENTIAL)
    version = store.version(REF)
    write_keyring(place.keyring, "2026-11", "2026-05", keys=place.keys)
    assert store.get(REF, refresh=True) == CREDENTIAL
    secret = place.secret()
    assert secret["metadata"]["annotations"]["fleetscope/key-id"] == "2026-11"
    assert all(value.startswith(b"fleetscope:1:2026-11:") for value in values(secret).values())
    assert store.version(REF) == version
    revision = secret["metadata"]["resourceVersion"]
    assert store.get(REF, refresh=True) == CREDENTIAL
    assert place.secret()["metadata"]["resourceVersion"] == revision
    write_keyring(place.keyring, "2026-11", keys=place.keys)
    assert store.get(REF, refresh=True) == CREDENTIAL
    # The other one was not read while both keys were there.
    with pytest.raises(StoreError, match="is sealed by the key 2026-05, which is not in the keyring"):
        store.get("clusters/other")
    assert CANARY not in caplog.text


def test_a_reader_that_may_not_write_reads_what_an_older_key_sealed(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    place.open().put(REF, CREDENTIAL)
    write_keyring(place.keyring, "2026-11", "2026-05", keys=place.keys)
    place.fleet.deny(place.name, "update secrets")
    assert place.open().get(REF) == CREDENTIAL
    [warning] = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert "could not be sealed by the key 2026-11" in warning
    assert CANARY not in caplog.text


def test_rights_that_are_missing_are_named(place: Place) -> None:
    place.fleet.deny(place.name, "* secrets")
    store = place.open()
    attempts = [lambda: store.get(REF), lambda: store.put(REF, CREDENTIAL), lambda: store.delete(REF)]
    for attempt in attempts:
        with pytest.raises(StoreError, match="forbidden") as refused:
            attempt()
        assert f"get, create, update and delete on Secrets in {NAMESPACE}" in refused.value.hint
        assert not isinstance(refused.value, CredentialMissing | StoreUnavailable)
        assert CANARY not in shown(refused.value)
        assert place.fleet.token(place.name) not in shown(refused.value)


def test_a_kubeconfigs_new_token_is_taken_up(place: Place, tmp_path: Path) -> None:
    own = tmp_path / "kubeconfig"
    document = yaml.safe_load(place.kubeconfig.read_text(encoding="utf-8"))
    first, second = place.fleet.issue_token(place.name), place.fleet.issue_token(place.name)

    def write(token: str) -> None:
        document["users"][0]["user"] = {"token": token}
        own.write_text(yaml.safe_dump(document), encoding="utf-8")

    write(first)
    store = KubernetesCredentialStore.at(own, NAMESPACE, place.keyring)
    store.put(REF, CREDENTIAL)
    place.fleet.revoke_token(place.name, first)
    with pytest.raises(StoreError, match="does not accept the credential") as ended:
        store.get(REF)
    assert str(own) in ended.value.hint
    assert first not in shown(ended.value)
    write(second)
    assert store.get(REF) == CREDENTIAL
    document["users"][0]["user"] = {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "true"}}
    own.write_text(yaml.safe_dump(document), encoding="utf-8")
    with pytest.raises(StoreError, match="programs that a kubeconfig names are never run"):
        store.get(REF, refresh=True)


def test_a_namespace_that_is_not_there(place: Place) -> None:
    store = KubernetesCredentialStore.at(place.kubeconfig, "nowhere", place.keyring)
    with pytest.raises(StoreError, match="The namespace nowhere, which is to hold") as missing:
        store.put(REF, CREDENTIAL)
    assert "FLEETSCOPE_CREDENTIALS_NAMESPACE" in missing.value.hint


def test_a_secret_that_somebody_made_immutable(place: Place) -> None:
    store = place.open()
    store.put(REF, CREDENTIAL)
    place.patch({"immutable": True})
    with pytest.raises(StoreError, match="immutable") as refused:
        store.put(REF, CREDENTIAL)
    assert "delete it and register" in refused.value.hint
    assert CANARY not in shown(refused.value)
    store.delete(REF)
    assert store.put(REF, CREDENTIAL).number == 1


@pytest.mark.parametrize(
    ("mode", "kind", "words"),
    [
        (BrokenMode.UNAVAILABLE, StoreUnavailable, "503"),
        (BrokenMode.HANG, StoreUnavailable, "gave no answer in time"),
        (BrokenMode.WRONG_SERVICE, StoreError, "not as a Kubernetes API does"),
        (BrokenMode.HTML, StoreError, "sign-in page"),
        (BrokenMode.FORBIDDEN, StoreError, "refuses"),
    ],
)
def test_a_server_that_does_not_serve_is_told_from_a_missing_secret(
    place: Place, monkeypatch: pytest.MonkeyPatch, mode: BrokenMode, kind: type[StoreError], words: str
) -> None:
    monkeypatch.setattr(kubernetes_api, "READ_SECONDS", 0.5)
    store = place.open()
    store.put(REF, CREDENTIAL)
    place.fleet.set_broken(place.name, mode)
    for attempt in (lambda: store.get(REF, refresh=True), lambda: store.put(REF, CREDENTIAL)):
        with pytest.raises(StoreError, match=words) as failure:
            attempt()
        assert type(failure.value) is kind
        assert CANARY not in shown(failure.value)
        assert place.fleet.token(place.name) not in shown(failure.value)
    place.fleet.set_broken(place.name, None)
    assert store.get(REF, refresh=True) == CREDENTIAL


def test_a_server_that_asks_for_a_pause_is_granted_it(place: Place) -> None:
    store = place.open()
    place.fleet.set_broken(place.name, BrokenMode.THROTTLED)
    store.put(REF, CREDENTIAL)
    assert store.get(REF) == CREDENTIAL


def test_a_pod_uses_its_service_account(place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    with pytest.raises(StoreError, match="this is no pod") as outside:
        KubernetesCredentialStore.at(None, NAMESPACE, place.keyring).get(REF)
    assert "FLEETSCOPE_CREDENTIALS_KUBECONFIG_FILE" in outside.value.hint
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "fd00::1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "6443")
    account = InCluster(tmp_path / "account")
    with pytest.raises(StoreError, match="cannot be used: FileNotFoundError"):
        account.read()
    account.directory.mkdir()
    (account.directory / "ca.crt").write_text("-----BEGIN CERTIFICATE-----", encoding="utf-8")
    (account.directory / "token").write_text("pods-token\n", encoding="utf-8")
    endpoint, credential = account.read()
    assert endpoint.url == "https://[fd00::1]:6443"
    assert endpoint.verify_tls
    assert credential == Credential(token=SecretStr("pods-token"))
