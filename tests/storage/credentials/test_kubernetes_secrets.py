"""What stands in a Secret that keeps a credential, and what becomes of one that others touch."""

from __future__ import annotations

import base64
import json
import logging
from typing import Any

import pytest
from pydantic import SecretStr

from fleet.credentials import ClusterCredential, Credential
from fleet.errors import CredentialConflict, CredentialMissing, StoreError, StoreUnavailable
from fleet.inventory.cluster import cluster_id
from storage.credentials import kubernetes_api
from tests.contracts.credential_homes import write_keyring
from tests.showing import shown
from tests.storage.credentials.secrets_place import CANARY, CREDENTIAL, NAMESPACE, REF, SECRET, Place


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
