"""The API server that keeps our Secrets: rights and tokens that are missing, and servers that do not serve."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from pydantic import SecretStr

from fleet.credentials import Credential
from fleet.errors import CredentialMissing, StoreError, StoreUnavailable
from simulator.options import BrokenMode
from storage.credentials import kubernetes_api
from storage.credentials.kubernetes_access import InCluster
from storage.credentials.kubernetes_secrets import KubernetesCredentialStore
from tests.showing import shown
from tests.storage.credentials.answering import answering
from tests.storage.credentials.secrets_place import CANARY, CREDENTIAL, NAMESPACE, REF, Place


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


@pytest.mark.parametrize(
    ("status", "body", "kind", "words"),
    [
        (404, {"kind": "Status", "details": None}, StoreError, "not as a Kubernetes API does"),
        (404, {"kind": "Status", "details": "none"}, StoreError, "not as a Kubernetes API does"),
        (409, {"kind": "Status", "reason": "Conflict"}, StoreUnavailable, "is being written by others"),
    ],
)
def test_odd_answers_to_a_deletion_are_faults_of_the_store(
    tmp_path: Path, status: int, body: dict[str, object], kind: type[StoreError], words: str
) -> None:
    with answering(status, {"Content-Type": "application/json"}, json.dumps(body).encode()) as (url, _):
        kubeconfig = tmp_path / "kubeconfig"
        kubeconfig.write_text(json.dumps(kubeconfig_of(url)))
        store = KubernetesCredentialStore.at(kubeconfig, NAMESPACE, tmp_path / "keyring")
        with pytest.raises(StoreError, match=words) as failure:
            store.delete(REF)
    assert type(failure.value) is kind


def kubeconfig_of(url: str) -> dict[str, object]:
    return {
        "current-context": "c",
        "clusters": [{"name": "c", "cluster": {"server": url}}],
        "users": [{"name": "c", "user": {"token": CANARY}}],
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "c"}}],
    }


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
