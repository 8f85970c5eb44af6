"""Vault's own ways: versions, engines and tokens that are unfit, told apart on a real OpenBao."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from fleet.credentials import ClusterCredential, Credential
from fleet.errors import CredentialConflict, CredentialMissing, StoreError, StoreUnavailable
from storage.credentials.vault import VaultCredentialStore
from storage.credentials.vault_login import TokenFile
from storage.credentials.vault_server import VaultServer
from tests.conftest import OpenBaoServer
from tests.showing import shown
from tests.storage.credentials.bao import Operator

TOKEN = "cluster-token-93ab"
REF = "clusters/shop-eu"
CREDENTIAL = ClusterCredential(default=Credential(token=SecretStr(TOKEN)))


@pytest.fixture
def as_root(operator: Operator, tmp_path: Path) -> Callable[[str], VaultCredentialStore]:
    """Opens an engine with a token that may do everything."""
    file = tmp_path / "root-token"
    file.write_text(operator.token, encoding="utf-8")
    return lambda mount: VaultCredentialStore(VaultServer(operator.url), TokenFile(token_file=file), mount=mount)


def test_what_is_deleted_leaves_no_past(credentials: VaultCredentialStore, operator: Operator) -> None:
    credentials.put(REF, CREDENTIAL)
    credentials.put(REF, CREDENTIAL)
    credentials.delete(REF)
    with pytest.raises(httpx.HTTPStatusError, match="404"):
        operator.call("GET", f"fleetscope/data/{REF}?version=1")


def test_versions_that_an_operator_deleted_are_told_from_nothing(
    as_root: Callable[[str], VaultCredentialStore], operator: Operator
) -> None:
    mount = operator.mount()
    store = as_root(mount)
    store.put(REF, CREDENTIAL)
    store.put(REF, CREDENTIAL)
    operator.call("DELETE", f"{mount}/data/{REF}")
    with pytest.raises(CredentialMissing, match=f"version 2 of {mount}/{REF} was deleted") as deleted:
        store.get(REF, refresh=True)
    assert f"undelete -versions=2 -mount={mount} {REF}" in deleted.value.hint
    assert store.version(REF) is None
    operator.call("POST", f"{mount}/undelete/{REF}", {"versions": [2]})
    assert store.get(REF, refresh=True) == CREDENTIAL
    operator.call("PUT", f"{mount}/destroy/{REF}", {"versions": [2]})
    with pytest.raises(CredentialMissing, match="was destroyed"):
        store.get(REF, refresh=True)
    # Nothing is there for us; the engine goes on counting.
    assert store.put(REF, CREDENTIAL, replaces=0).number == 3
    with pytest.raises(CredentialConflict):
        store.put(REF, CREDENTIAL, replaces=0)


def test_an_engine_that_demands_the_current_version_is_told_it(
    as_root: Callable[[str], VaultCredentialStore], operator: Operator
) -> None:
    mount = operator.mount()
    store = as_root(mount)
    store.put(REF, CREDENTIAL)
    operator.call("POST", f"{mount}/config", {"cas_required": True})
    assert store.put(REF, CREDENTIAL).number == 2
    assert store.put("clusters/another", CREDENTIAL).number == 1


def test_an_engine_of_version_1_is_refused_before_it_keeps_anything(
    as_root: Callable[[str], VaultCredentialStore], operator: Operator
) -> None:
    mount = operator.mount(version=1)
    attempts: list[Callable[[], object]] = [
        lambda: as_root(mount).get(REF),
        lambda: as_root(mount).version(REF),
        lambda: as_root(mount).put(REF, CREDENTIAL),
    ]
    for attempt in attempts:
        with pytest.raises(StoreError, match="is not KV version 2") as old:
            attempt()
        assert f"enable-versioning {mount}" in old.value.hint
        assert not isinstance(old.value, CredentialMissing | StoreUnavailable)
    with pytest.raises(httpx.HTTPStatusError, match="404"):
        operator.call("LIST", mount)
    # What looks like one of ours there is none, either.
    operator.call("POST", f"{mount}/data/{REF}", {"data": {"token": TOKEN}})
    with pytest.raises(StoreError, match="is not KV version 2"):
        as_root(mount).get(REF)


def test_an_engine_that_is_not_there_is_said(as_root: Callable[[str], VaultCredentialStore]) -> None:
    for attempt in (lambda: as_root("nowhere").get(REF), lambda: as_root("nowhere").put(REF, CREDENTIAL)):
        with pytest.raises(StoreError, match="no secrets engine at nowhere") as missing:
            attempt()
        assert "FLEETSCOPE_VAULT_MOUNT" in missing.value.hint
        assert not isinstance(missing.value, CredentialMissing | StoreUnavailable)


def test_a_token_that_is_not_valid_is_told_from_a_policy_that_is_missing(
    openbao_server: OpenBaoServer, tmp_path: Path, token_file: Path
) -> None:
    server, wrong = VaultServer(openbao_server.url), tmp_path / "wrong"
    wrong.write_text("not-a-token-11aa", encoding="utf-8")
    with pytest.raises(StoreError, match="does not accept the token") as unknown:
        VaultCredentialStore(server, TokenFile(token_file=wrong)).get("clusters/a")
    assert str(wrong) in unknown.value.hint
    with pytest.raises(StoreError, match="no policy of it covers") as uncovered:
        VaultCredentialStore(server, TokenFile(token_file=token_file), mount="another").get("clusters/a")
    assert "another/clusters/a" in uncovered.value.message
    for refused in (unknown, uncovered):
        assert not isinstance(refused.value, CredentialMissing | StoreUnavailable)
        assert "not-a-token-11aa" not in shown(refused.value)
        assert openbao_server.token not in shown(refused.value)


def test_something_else_under_a_reference_is_said_so_without_showing_it(
    credentials: VaultCredentialStore, operator: Operator
) -> None:
    for odd in ({"token": [TOKEN]}, {TOKEN: "secret"}, {"loki.token": {"value": TOKEN}}, {}):
        operator.call("POST", "fleetscope/data/clusters/odd", {"data": odd})
        with pytest.raises(StoreError, match="is no credential") as wrong:
            credentials.get("clusters/odd", refresh=True)
        assert not isinstance(wrong.value, CredentialMissing)
        if TOKEN not in odd:
            assert TOKEN not in shown(wrong.value)


def test_a_token_file_that_is_missing_or_empty_is_named(openbao_server: OpenBaoServer, tmp_path: Path) -> None:
    empty, binary = tmp_path / "empty", tmp_path / "binary"
    empty.touch()
    binary.write_bytes(b"\xff" + TOKEN.encode())
    for file, why in [(empty, "is empty"), (binary, "cannot be read"), (tmp_path / "nowhere", "cannot be read")]:
        with pytest.raises(StoreError, match=why) as failure:
            VaultCredentialStore(VaultServer(openbao_server.url), TokenFile(token_file=file)).get(REF)
        assert str(file) in failure.value.message
        assert TOKEN not in shown(failure.value)
