"""A server of Vault's HTTP API: how it is asked, and why it cannot answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeAlias, TypeVar

import hvac
import requests
from hvac.exceptions import InvalidPath, RateLimitExceeded, VaultError
from pydantic import SecretStr
from requests.adapters import HTTPAdapter

from fleet.errors import StoreError, StoreUnavailable

TIMEOUT_SECONDS = 5

T = TypeVar("T")
Failure: TypeAlias = VaultError | OSError
"""What the client raises (those of ``requests`` are OSErrors). They hold request and answer: never chain or log one."""


@dataclass(frozen=True)
class Answered(Generic[T]):
    """What the server gave."""

    value: T


@dataclass(frozen=True)
class VaultServer:
    """Where Vault (or OpenBao) is.

    Attributes:
        url: its address.
        namespace: the namespace of engine and logins; None for the root namespace.
        ca_file: PEM of the authority that signed the server's certificate; None for the machine's trust store.
    """

    url: str
    namespace: str | None = None
    ca_file: Path | None = None

    @property
    def place(self) -> str:
        """The server as messages begin with it."""
        within = f" (namespace {self.namespace})" if self.namespace else ""
        return f"The credential store at {self.url}{within}"

    def ask(self, question: Callable[[hvac.Client], T], token: SecretStr | None) -> Answered[T] | Failure:
        """Put a question with a token, or with none for a login.

        The client's exception is given back, not raised, so that none of ours is raised while it is handled and
        keeps it as its context.
        """
        with requests.Session() as session:
            try:
                return Answered(question(self._client(session, token, self.namespace)))
            except (VaultError, OSError) as failure:
                return failure

    def part(self, answer: Answered[Any], name: str) -> dict[str, Any]:
        """One part of the envelope in which Vault answers.

        Raises:
            StoreError: something else answered.
        """
        part = answer.value.get(name) if isinstance(answer.value, dict) else None
        if not isinstance(part, dict):
            raise self.not_vault()
        return part

    def not_vault(self) -> StoreError:
        """The fault of an address at which something else answers."""
        return StoreError(f"{self.place} answers, but not as Vault does.", hint="Correct FLEETSCOPE_VAULT_ADDRESS.")

    def unavailable(self, failure: Failure) -> StoreError:
        """Why the server as a whole does not answer, told apart as far as it says so itself."""
        if isinstance(failure, requests.exceptions.SSLError):
            return StoreError(
                f"{self.place}: the server's certificate was not accepted.",
                hint="Name the authority that signed it (FLEETSCOPE_VAULT_CA_FILE), or correct the address.",
            )
        if isinstance(failure, requests.exceptions.InvalidSchema):
            return StoreError(
                f"{self.place} redirects to an address of another scheme, to which no token is sent.",
                hint="Correct the address, or the active node's api_addr.",
            )
        if isinstance(failure, requests.exceptions.RequestException):
            # A standby may have sent us on to an active node that is gone; one that hangs is not waited for again.
            is_slow = isinstance(failure, requests.exceptions.Timeout)
            condition = None if is_slow else self._condition()
            return condition or StoreUnavailable(
                f"{self.place} cannot be reached just now: {type(failure).__name__}.",
                hint="Check that it runs (`fleetscope status`) and that FLEETSCOPE_VAULT_ADDRESS names it.",
            )
        if isinstance(failure, OSError):
            return StoreError(
                f"{self.place} cannot be asked: {type(failure).__name__} with the CA file {self.ca_file}.",
                hint="Name a PEM file that can be read in FLEETSCOPE_VAULT_CA_FILE.",
            )
        if isinstance(failure, InvalidPath):
            return self._no_namespace() if "namespace not found" in (failure.errors or []) else self.not_vault()
        if isinstance(failure, RateLimitExceeded):
            return StoreUnavailable(f"{self.place} asks for a pause: a rate limit quota is used up.")
        return self._condition() or StoreUnavailable(f"{self.place} failed: {type(failure).__name__}.")

    def _no_namespace(self) -> StoreError:
        return StoreError(
            f"{self.place}: there is no such namespace.",
            hint="Correct FLEETSCOPE_VAULT_NAMESPACE, or create it (`bao namespace create`).",
        )

    def _condition(self) -> StoreUnavailable | None:
        """What the server's health says against it; None where that is nothing."""
        with requests.Session() as session:
            try:
                # A namespace has no health of its own.
                answer = self._client(session, None, None).sys.read_health_status(method="GET")
                health = answer if isinstance(answer, dict) else answer.json()
            except (VaultError, OSError, ValueError):
                return None
        return self._words(health) if isinstance(health, dict) else None

    def _words(self, health: dict[str, Any]) -> StoreUnavailable | None:
        if health.get("initialized") is False:
            return StoreUnavailable(
                f"{self.place} is not initialised.", hint="Initialise it (`bao operator init`) and unseal it."
            )
        if health.get("sealed"):
            return StoreUnavailable(f"{self.place} is sealed.", hint="Unseal it (`bao operator unseal`).")
        if health.get("standby"):
            return StoreUnavailable(
                f"{self.place} is a standby, and its active node does not answer.",
                hint="Wait for the election, or give the address of the cluster's load balancer.",
            )
        return None

    def _client(self, session: requests.Session, token: SecretStr | None, namespace: str | None) -> hvac.Client:
        # No proxies, no .netrc: what the environment says must not decide where a secret goes.
        session.trust_env = False
        session.verify = str(self.ca_file) if self.ca_file else True
        # A standby's redirect carries the token on: over the scheme of the address only.
        session.adapters.clear()
        session.mount(f"{self.url.partition('://')[0]}://", HTTPAdapter())
        return hvac.Client(
            url=self.url.rstrip("/"),
            token=token.get_secret_value() if token else "",
            verify=session.verify,
            timeout=TIMEOUT_SECONDS,
            session=session,
            namespace=namespace,
        )
