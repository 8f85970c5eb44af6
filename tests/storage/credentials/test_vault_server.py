"""Servers that cannot answer: sealed, not initialised, standby, gone, slow, or no Vault at all."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from deployments.embedded.openbao import OpenBaoPart
from deployments.embedded.part import Child
from deployments.embedded.state import StateDirectory
from fleet.credentials import ClusterCredential, Credential
from fleet.errors import FleetscopeError, StoreError, StoreUnavailable
from storage.credentials.vault import VaultCredentialStore
from storage.credentials.vault_login import TokenFile
from storage.credentials.vault_server import VaultServer
from tests.conftest import OpenBaoServer
from tests.showing import shown
from tests.storage.credentials.answering import answering
from tests.storage.credentials.bao import Operator

TOKEN = "cluster-token-93ab"
REF = "clusters/shop-eu"
CREDENTIAL = ClusterCredential(default=Credential(token=SecretStr(TOKEN)))


def test_a_server_that_is_sealed_gone_and_back(tmp_path: Path) -> None:
    part = OpenBaoPart(StateDirectory(tmp_path))
    part.prepare()
    child = Child(part)
    child.start()
    failures: list[FleetscopeError] = []
    try:
        child.wait_ready()
        token = part.state.secret("openbao-token")
        store = VaultCredentialStore(VaultServer(part.address), part.vault.login)
        store.put(REF, CREDENTIAL)
        assert store.get(REF) == CREDENTIAL
        Operator(part.address, part.state.secret("openbao-root-token")).call("PUT", "sys/seal")
        for attempt in (lambda: store.get(REF, refresh=True), lambda: store.put("clusters/b", CREDENTIAL)):
            with pytest.raises(StoreUnavailable, match="is sealed") as sealed:
                attempt()
            failures.append(sealed.value)
        # Until the cache ends, nobody notices.
        assert store.get(REF) == CREDENTIAL
    finally:
        child.stop()
    with pytest.raises(StoreUnavailable, match="cannot be reached just now") as gone:
        store.get(REF, refresh=True)
    for failure in (*failures, gone.value):
        assert failure.retriable
        assert TOKEN not in shown(failure)
        assert token not in shown(failure)
    again = Child(part)
    again.start()
    try:
        again.wait_ready()
        assert store.get(REF, refresh=True) == CREDENTIAL
        assert store.put(REF, CREDENTIAL, replaces=1).number == 2
    finally:
        again.stop()


def test_a_server_that_is_not_initialised_and_one_that_waits_for_the_active_one(
    tmp_path: Path, token_file: Path
) -> None:
    """A second server joins the first one, which then goes: it is left as a standby and cannot be elected."""
    first, second = OpenBaoPart(StateDirectory(tmp_path / "first")), OpenBaoPart(StateDirectory(tmp_path / "second"))
    first.prepare()
    child = Child(first)
    child.start()
    try:
        child.wait_ready()
        root = first.state.secret("openbao-root-token")
        token_file.write_text(root, encoding="utf-8")
        store = VaultCredentialStore(VaultServer(second.address), TokenFile(token_file=token_file))
        with joining(second, {}):
            with pytest.raises(StoreUnavailable, match="is not initialised") as new:
                store.put(REF, CREDENTIAL)
            assert "operator init" in new.value.hint
        shutil.copy(first.home / "seal.key", second.home / "seal.key")
        with joining(second, {"retry_join": [{"leader_api_addr": first.address}]}):
            wait_for_status(second, httpx.codes.TOO_MANY_REQUESTS)
            # It hands a request on to the active one.
            assert store.put(REF, CREDENTIAL).number == 1
            child.stop()
            with pytest.raises(StoreUnavailable, match="is a standby, and its active node does not answer") as waits:
                store.put(REF, CREDENTIAL)
            assert TOKEN not in shown(waits.value)
            assert root not in shown(waits.value)
    finally:
        child.stop()


@contextmanager
def joining(part: OpenBaoPart, storage: dict[str, Any]) -> Iterator[None]:
    """A server that nobody initialises, with these further settings of its storage; ends when it was asked to."""
    part.prepare()
    file = part.home / "server.json"
    configuration = json.loads(file.read_text(encoding="utf-8"))
    configuration["storage"]["raft"] |= {"node_id": "second", **storage}
    file.write_text(json.dumps(configuration), encoding="utf-8")
    with (part.home / "log").open("wb") as log:
        server = subprocess.Popen(part.command(), stdout=log, stderr=log)
    try:
        wait_for_status(part, httpx.codes.NOT_IMPLEMENTED, httpx.codes.TOO_MANY_REQUESTS)
        yield
    finally:
        server.kill()
        server.wait()


def wait_for_status(part: OpenBaoPart, *wanted: int) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            found = httpx.get(f"{part.address}/v1/sys/health").status_code
        except httpx.TransportError:
            found = 0
        if found in wanted:
            return
        assert time.monotonic() < deadline, f"the server's health is {found}"
        time.sleep(0.05)


def test_a_server_that_hangs_is_given_up(token_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("storage.credentials.vault_server.TIMEOUT_SECONDS", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        with pytest.raises(StoreUnavailable, match="ReadTimeout"):
            VaultCredentialStore(VaultServer(url), TokenFile(token_file=token_file)).get(REF)


@pytest.mark.parametrize(
    ("status", "kind", "words"),
    [
        (200, StoreError, "answers, but not as Vault does"),
        (404, StoreError, "answers, but not as Vault does"),
        (429, StoreUnavailable, "asks for a pause"),
        (502, StoreUnavailable, "failed: BadGateway"),
        (412, StoreUnavailable, "failed: UnexpectedError"),
    ],
)
def test_whatever_else_answers_is_no_missing_secret(
    token_file: Path, status: int, kind: type[StoreError], words: str
) -> None:
    with answering(status, {"Content-Type": "text/html"}, b"<html>Portal</html>") as (url, _):
        store = VaultCredentialStore(VaultServer(url), TokenFile(token_file=token_file))
        for attempt in (lambda: store.get(REF), lambda: store.version(REF), lambda: store.put(REF, CREDENTIAL)):
            with pytest.raises(StoreError, match=words) as wrong:
                attempt()
            assert type(wrong.value) is kind
            assert TOKEN not in shown(wrong.value)
            assert token_file.read_text(encoding="utf-8").strip() not in shown(wrong.value)


def test_a_standbys_redirect_is_followed_with_the_token_but_not_to_another_scheme(
    openbao_server: OpenBaoServer, credentials: VaultCredentialStore, token_file: Path
) -> None:
    credentials.put(REF, CREDENTIAL)
    with answering(307, {"Location": openbao_server.url + "{path}"}, b"") as (url, tokens):
        store = VaultCredentialStore(VaultServer(url), TokenFile(token_file=token_file))
        assert store.get(REF) == CREDENTIAL
        assert set(tokens) == {openbao_server.token}
    with answering(307, {"Location": "https://127.0.0.1:9{path}"}, b"") as (url, _):
        store = VaultCredentialStore(VaultServer(url), TokenFile(token_file=token_file))
        with pytest.raises(StoreError, match="another scheme"):
            store.get(REF)
