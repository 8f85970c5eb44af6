from __future__ import annotations

import socket
import traceback
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from deployments.embedded.openbao import OpenBaoPart
from deployments.embedded.part import Child
from deployments.embedded.state import StateDirectory
from fleet.credentials import ClusterCredential, Credential
from fleet.errors import CredentialMissing, FleetscopeError, StoreError, StoreUnavailable, UsageError
from storage.credentials.cache import CACHE_SECONDS
from storage.credentials.store import CredentialStore
from storage.credentials.vault import VaultCredentialStore
from storage.credentials.vault_login import TokenFile
from storage.credentials.vault_server import VaultServer
from tests.conftest import OpenBaoServer

TOKEN = "cluster-token-93ab"
CREDENTIAL = ClusterCredential(default=Credential(token=SecretStr(TOKEN)))


def token(value: str) -> ClusterCredential:
    return ClusterCredential(default=Credential(token=SecretStr(value)))


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def shown(failure: pytest.ExceptionInfo[FleetscopeError]) -> str:
    return "".join(traceback.format_exception(failure.value))


def test_every_kind_of_credential_comes_back(credentials: VaultCredentialStore) -> None:
    for number, credential in enumerate(
        [
            CREDENTIAL,
            ClusterCredential(default=Credential(username="reader", password=SecretStr("pässword\n"))),
            ClusterCredential(
                default=Credential(client_cert_pem="-----BEGIN", client_key_pem=SecretStr("-----BEGIN PRIVATE")),
                endpoints={"loki": Credential(token=SecretStr(TOKEN))},
            ),
        ]
    ):
        credentials.put(f"clusters/kind-{number}", credential)
        assert credentials.get(f"clusters/kind-{number}") == credential


def test_a_credential_is_replaced_and_deleted_with_its_past(
    credentials: VaultCredentialStore, openbao_server: OpenBaoServer
) -> None:
    credentials.put("clusters/replaced", token("old"))
    credentials.put("clusters/replaced", CREDENTIAL)
    assert credentials.get("clusters/replaced") == CREDENTIAL
    credentials.delete("clusters/replaced")
    credentials.delete("clusters/replaced")
    with pytest.raises(CredentialMissing, match="clusters/replaced"):
        credentials.get("clusters/replaced")
    past = httpx.get(
        f"{openbao_server.url}/v1/{openbao_server.mount}/data/clusters/replaced?version=1",
        headers={"X-Vault-Token": openbao_server.root_token},
    )
    assert past.status_code == 404


def test_a_source_caches_for_a_minute_and_refreshes_on_demand(
    openbao_server: OpenBaoServer, token_file: Path, credentials: VaultCredentialStore
) -> None:
    clock = Clock()
    cached: CredentialStore = VaultCredentialStore(
        VaultServer(openbao_server.url), TokenFile(token_file=token_file), mount=openbao_server.mount, clock=clock
    )
    source = cached.source("clusters/rotated", "loki")
    credentials.put("clusters/rotated", token("first"))
    assert source.credential() == Credential(token=SecretStr("first"))
    credentials.put("clusters/rotated", token("second"))
    clock.now += CACHE_SECONDS - 1
    assert source.credential() == Credential(token=SecretStr("first"))
    clock.now += 1
    assert source.credential() == Credential(token=SecretStr("second"))
    credentials.put("clusters/rotated", token("third"))
    assert source.credential(refresh=True) == Credential(token=SecretStr("third"))
    assert source.credential() == Credential(token=SecretStr("third"))


def test_nothing_under_a_reference_is_missing(credentials: VaultCredentialStore) -> None:
    with pytest.raises(CredentialMissing, match="clusters/nobody") as missing:
        credentials.source("clusters/nobody", "loki").credential()
    assert not missing.value.retriable


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
        assert "not-a-token-11aa" not in shown(refused)
        assert openbao_server.token not in shown(refused)


def test_a_sealed_server_is_unavailable(tmp_path_factory: pytest.TempPathFactory) -> None:
    part = OpenBaoPart(StateDirectory(tmp_path_factory.mktemp("sealing")))
    part.prepare()
    child = Child(part)
    child.start()
    try:
        child.wait_ready()
        store = VaultCredentialStore(VaultServer(part.address), part.vault.login)
        store.put("clusters/a", CREDENTIAL)
        root = part.state.secret("openbao-root-token")
        httpx.put(f"{part.address}/v1/sys/seal", headers={"X-Vault-Token": root}).raise_for_status()
        with pytest.raises(StoreUnavailable, match="sealed") as sealed:
            store.get("clusters/a", refresh=True)
        with pytest.raises(StoreUnavailable, match="sealed") as not_put:
            store.put("clusters/b", CREDENTIAL)
    finally:
        child.stop()
    assert sealed.value.retriable
    assert TOKEN not in shown(not_put)
    assert part.state.secret("openbao-token") not in shown(sealed) + shown(not_put)
    with pytest.raises(StoreUnavailable, match="cannot be reached just now"):
        store.get("clusters/a", refresh=True)


def test_a_server_that_hangs_is_given_up(token_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("storage.credentials.vault_server.TIMEOUT_SECONDS", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as server:
        store = VaultCredentialStore(
            VaultServer(f"http://127.0.0.1:{server.getsockname()[1]}"), TokenFile(token_file=token_file)
        )
        with pytest.raises(StoreUnavailable, match="ReadTimeout"):
            store.get("clusters/a")


def test_something_else_under_a_reference_is_said_so_without_showing_it(
    credentials: VaultCredentialStore, openbao_server: OpenBaoServer
) -> None:
    httpx.put(
        f"{openbao_server.url}/v1/{openbao_server.mount}/data/clusters/odd",
        headers={"X-Vault-Token": openbao_server.root_token},
        json={"data": {"token": [TOKEN]}},
    ).raise_for_status()
    with pytest.raises(StoreError, match="is no credential") as odd:
        credentials.get("clusters/odd")
    assert TOKEN not in shown(odd)


@pytest.mark.parametrize("ref", ["", "../a", "a/../b", "/a", "a//b", "a b", "A", "a/b?version=1", "a#b", "clusters/"])
def test_references_that_could_mean_another_path_are_refused(credentials: VaultCredentialStore, ref: str) -> None:
    for attempt in (credentials.get, credentials.delete, lambda ref: credentials.source(ref, "loki")):
        with pytest.raises(UsageError):
            attempt(ref)


def test_a_token_file_that_is_missing_or_empty_is_named(openbao_server: OpenBaoServer, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.touch()
    for file, why in [(empty, "is empty"), (tmp_path / "nowhere", "cannot be read")]:
        with pytest.raises(StoreError, match=why) as failure:
            VaultCredentialStore(VaultServer(openbao_server.url), TokenFile(token_file=file)).get("clusters/a")
        assert str(file) in failure.value.message


def test_nothing_that_is_printed_holds_a_secret(credentials: VaultCredentialStore, token_file: Path) -> None:
    credentials.put("clusters/printed", CREDENTIAL)
    source = credentials.source("clusters/printed", "loki")
    printed = f"{credentials!r} {source!r} {source.credential()!r} {source.credential()}"
    assert TOKEN not in printed
    assert token_file.read_text(encoding="utf-8").strip() not in printed
