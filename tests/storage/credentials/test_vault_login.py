"""The ways to log in to a real OpenBao, and how long a login lasts."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from fleet.credentials import ClusterCredential, Credential
from fleet.errors import StoreError, StoreUnavailable
from simulator.fleet import FleetOptions, SimulatedFleet
from storage.credentials.vault import VaultCredentialStore
from storage.credentials.vault_login import KubernetesAuth, TokenFile, VaultLogin
from storage.credentials.vault_server import VaultServer
from tests.conftest import OpenBaoServer
from tests.contracts.credential_homes import Clock
from tests.showing import shown
from tests.storage.credentials.bao import Operator
from tests.storage.credentials.service_accounts import ServiceAccounts

REF = "clusters/shop-eu"
CREDENTIAL = ClusterCredential(default=Credential(token=SecretStr("cluster-token-5d21")))
HOUR_SECONDS = 3600.0


@dataclass(frozen=True)
class Vault:
    """An engine of its own, and who may use it."""

    operator: Operator
    mount: str
    auth: str
    clock: Clock

    def open(self, login: VaultLogin) -> VaultCredentialStore:
        return VaultCredentialStore(VaultServer(self.operator.url), login, mount=self.mount, clock=self.clock)


@pytest.fixture
def vault(openbao_server: OpenBaoServer) -> Vault:
    operator = Operator.of(openbao_server)
    mount = operator.policy(operator.mount())
    return Vault(operator, mount, operator.auth("approle"), Clock())


def test_a_role_logs_in_once_for_all_threads(vault: Vault, tmp_path: Path) -> None:
    store = vault.open(vault.operator.role(vault.auth, vault.mount, tmp_path))
    with ThreadPoolExecutor(12) as pool:
        list(pool.map(lambda number: store.put(f"clusters/c{number}", CREDENTIAL), range(12)))
        found = list(pool.map(lambda number: store.get(f"clusters/c{number}"), range(12)))
    assert found == [CREDENTIAL] * 12
    assert len(vault.operator.logins(vault.auth)) == 1


def test_a_token_is_renewed_before_it_ends(vault: Vault, tmp_path: Path) -> None:
    store = vault.open(vault.operator.role(vault.auth, vault.mount, tmp_path, token_ttl="1h"))
    store.put(REF, CREDENTIAL)
    vault.clock.now += HOUR_SECONDS * 0.6
    store.version(REF)
    [token] = vault.operator.logins(vault.auth)
    assert "last_renewal_time" not in token
    vault.clock.now += HOUR_SECONDS * 0.1
    store.version(REF)
    [renewed] = vault.operator.logins(vault.auth)
    assert renewed["accessor"] == token["accessor"]
    assert renewed["last_renewal_time"]
    # It is good for an hour from there.
    vault.clock.now += HOUR_SECONDS * 0.6
    store.version(REF)
    assert vault.operator.logins(vault.auth)[0]["last_renewal_time"] == renewed["last_renewal_time"]


def test_a_token_that_cannot_be_renewed_is_replaced_before_it_ends(vault: Vault, tmp_path: Path) -> None:
    """The server allows no more than 4 seconds in all: for twice as long, no question goes wrong."""
    limits = {"token_ttl": "3s", "token_max_ttl": "4s"}
    login = vault.operator.role(vault.auth, vault.mount, tmp_path, **limits)
    store = VaultCredentialStore(VaultServer(vault.operator.url), login, mount=vault.mount)
    store.put(REF, CREDENTIAL)
    accessors, end = set(), time.monotonic() + 8
    while time.monotonic() < end:
        assert store.get(REF, refresh=True) == CREDENTIAL
        accessors |= {token["accessor"] for token in vault.operator.logins(vault.auth)}
        time.sleep(0.1)
    assert 2 <= len(accessors) <= 4


def test_a_token_that_was_revoked_is_replaced(vault: Vault, tmp_path: Path) -> None:
    store = vault.open(vault.operator.role(vault.auth, vault.mount, tmp_path))
    store.put(REF, CREDENTIAL)
    [token] = vault.operator.logins(vault.auth)
    vault.operator.revoke(token["accessor"])
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: store.get(REF, refresh=True), range(8)))
    assert found == [CREDENTIAL] * 8
    [fresh] = vault.operator.logins(vault.auth)
    assert fresh["accessor"] != token["accessor"]


def test_a_policy_that_is_missing_is_said_and_no_new_login_tried(vault: Vault, tmp_path: Path) -> None:
    store = vault.open(vault.operator.role(vault.auth, "default", tmp_path))
    for _ in range(2):
        with pytest.raises(StoreError, match="no policy of it covers") as refused:
            store.get(REF)
    assert f"{vault.mount}/{REF}" in refused.value.message
    assert "MOUNT/data/clusters/*" in refused.value.hint
    assert len(vault.operator.logins(vault.auth)) == 1


def test_a_token_goes_on_for_as_long_as_it_lasts_when_there_is_no_other(
    vault: Vault, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    login = vault.operator.role(vault.auth, vault.mount, tmp_path, secret_ids=1, token_ttl="1h", token_type="batch")
    store = vault.open(login)
    store.put(REF, CREDENTIAL)
    vault.clock.now += HOUR_SECONDS * 0.7
    assert store.get(REF, refresh=True) == CREDENTIAL
    [warning] = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert "refused the login by approle" in warning
    assert "lasts for 1080 s" in warning
    assert login.secret_id_file.read_text(encoding="utf-8") not in caplog.text
    # It says so again when a third of what is left has gone, not with each question.
    store.get(REF, refresh=True)
    assert len([record for record in caplog.records if record.levelno == logging.WARNING]) == 1


def test_a_role_that_is_not_accepted_is_said_without_its_secret(vault: Vault, tmp_path: Path) -> None:
    right = vault.operator.role(vault.auth, vault.mount, tmp_path)
    secret_id = right.secret_id_file.read_text(encoding="utf-8")
    wrong = [
        (right.model_copy(update={"role_id": "nobody"}), "refused the login by approle", "FLEETSCOPE_VAULT_ROLE_ID"),
        (right.model_copy(update={"path": "nowhere"}), "no auth method at auth/nowhere", "FLEETSCOPE_VAULT_AUTH_PATH"),
        (right.model_copy(update={"secret_id_file": tmp_path / "none"}), "cannot be read", ""),
    ]
    for login, words, hint in wrong:
        with pytest.raises(StoreError, match=words) as refused:
            vault.open(login).get(REF)
        assert hint in refused.value.hint
        assert not isinstance(refused.value, StoreUnavailable)
        assert secret_id not in shown(refused.value)


def test_a_token_file_is_read_again_when_somebody_replaces_it(vault: Vault, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(vault.operator.given_token(vault.mount) + "\n", encoding="utf-8")
    store = vault.open(TokenFile(token_file=file))
    store.put(REF, CREDENTIAL)
    old = vault.operator.call("POST", "auth/token/lookup", {"token": file.read_text(encoding="utf-8").strip()})
    file.write_text(vault.operator.given_token(vault.mount), encoding="utf-8")
    vault.operator.revoke(old["data"]["accessor"])
    assert store.get(REF, refresh=True) == CREDENTIAL
    file.write_text("s.nobody-3f77", encoding="utf-8")
    with pytest.raises(StoreError, match="does not accept the token") as ended:
        store.get(REF, refresh=True)
    assert str(file) in ended.value.hint
    assert "s.nobody-3f77" not in shown(ended.value)


def test_a_token_from_a_file_is_renewed_too(vault: Vault, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = tmp_path / "token"
    file.write_text(vault.operator.given_token(vault.mount, ttl="1h"), encoding="utf-8")
    store = vault.open(TokenFile(token_file=file))
    store.put(REF, CREDENTIAL)
    assert looked_up(vault, file).get("last_renewal_time") is None
    vault.clock.now += HOUR_SECONDS * 0.7
    store.version(REF)
    assert looked_up(vault, file)["last_renewal_time"]
    assert not caplog.records
    file.write_text(vault.operator.given_token(vault.mount, ttl="1h", renewable=False), encoding="utf-8")
    store.version(REF)
    vault.clock.now += HOUR_SECONDS * 0.7
    for _ in range(2):
        store.version(REF)
    [warning] = [record.getMessage() for record in caplog.records]
    assert "cannot be renewed" in warning
    assert str(file) in warning


def looked_up(vault: Vault, file: Path) -> dict[str, Any]:
    data: dict[str, Any] = vault.operator.call(
        "POST", "auth/token/lookup", {"token": file.read_text(encoding="utf-8")}
    )["data"]
    return data


@pytest.fixture(scope="module")
def simulated() -> Iterator[ServiceAccounts]:
    with SimulatedFleet(FleetOptions(clusters=1, faults=(), nodes=3, workloads=9)) as fleet:
        yield ServiceAccounts(fleet)


def test_a_service_account_logs_in(vault: Vault, simulated: ServiceAccounts, tmp_path: Path) -> None:
    auth = vault.operator.auth("kubernetes")
    config = {
        "kubernetes_host": simulated.url,
        "kubernetes_ca_cert": simulated.ca_pem,
        "token_reviewer_jwt": simulated.reviewer,
        "disable_local_ca_jwt": True,
    }
    vault.operator.call("POST", f"auth/{auth}/config", config)
    role = {
        "bound_service_account_names": ["fleetscope"],
        "bound_service_account_namespaces": ["aiops"],
        "audience": "vault",
        "token_policies": [vault.mount],
    }
    vault.operator.call("POST", f"auth/{auth}/role/fleetscope", role)
    file = tmp_path / "service-account-token"
    login = KubernetesAuth(role="fleetscope", token_file=file, path=auth)
    file.write_text(simulated.token("aiops", "fleetscope", "vault"), encoding="utf-8")
    store = vault.open(login)
    store.put(REF, CREDENTIAL)
    assert store.get(REF, refresh=True) == CREDENTIAL
    [token] = vault.operator.logins(auth)
    # Kubernetes replaces the file within the hour, and the next login reads it anew.
    file.write_text(simulated.token("aiops", "fleetscope", "vault"), encoding="utf-8")
    vault.operator.revoke(token["accessor"])
    assert store.get(REF, refresh=True) == CREDENTIAL

    refused_ones = [
        (login, simulated.token("aiops", "somebody", "vault")),
        (login, simulated.token("elsewhere", "fleetscope", "vault")),
        (login, simulated.token("aiops", "fleetscope", "another-audience")),
        (login.model_copy(update={"role": "nobody"}), simulated.token("aiops", "fleetscope", "vault")),
        (login.model_copy(update={"path": "nowhere"}), simulated.token("aiops", "fleetscope", "vault")),
        (login, "not-a-token"),
    ]
    for wrong, jwt in refused_ones:
        file.write_text(jwt, encoding="utf-8")
        with pytest.raises(StoreError, match="refused the login by kubernetes") as refused:
            vault.open(wrong).get(REF)
        assert str(file) in refused.value.hint
        assert jwt not in shown(refused.value)


def test_an_engine_within_a_namespace(openbao_server: OpenBaoServer, tmp_path: Path) -> None:
    operator = Operator.of(openbao_server).inside("team-a")
    mount = operator.policy(operator.mount())
    login = operator.role(operator.auth("approle"), mount, tmp_path)
    store = VaultCredentialStore(VaultServer(operator.url, namespace="team-a"), login, mount=mount)
    store.put(REF, CREDENTIAL)
    assert store.get(REF, refresh=True) == CREDENTIAL
    for namespace in (None, "team-b"):
        elsewhere = VaultCredentialStore(VaultServer(operator.url, namespace=namespace), login, mount=mount)
        with pytest.raises(StoreError, match="no auth method at") as wrong:
            elsewhere.get(REF)
        assert "FLEETSCOPE_VAULT_NAMESPACE" in wrong.value.hint
    token = tmp_path / "token"
    token.write_text(openbao_server.root_token, encoding="utf-8")
    nowhere = VaultCredentialStore(VaultServer(operator.url, namespace="team-b"), TokenFile(token_file=token))
    with pytest.raises(StoreError, match="namespace team-b"):
        nowhere.get(REF)
