"""The ways to log in to Vault: a token file, an AppRole, a Kubernetes service account."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Protocol

import hvac
from hvac.exceptions import Forbidden, InvalidPath, InvalidRequest, Unauthorized
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from fleet.errors import StoreError
from storage.credentials.vault_server import Answered, Failure, VaultServer
from storage.secret_file import read_secret

SERVICE_ACCOUNT_TOKEN = Path("/var/run/secrets/kubernetes.io/serviceaccount/token")
"""Where Kubernetes puts a pod's own token."""


@dataclass(frozen=True)
class VaultToken:
    """A token to ask with.

    Attributes:
        value: the token.
        lifetime_seconds: how long it is good from now on; None where it does not end, or cannot be asked.
        granted_seconds: how long it was good when it was made or last renewed.
        renewable: whether the server may lengthen its life.
    """

    value: SecretStr
    lifetime_seconds: float | None = None
    granted_seconds: float = 0.0
    renewable: bool = False


class VaultLogin(Protocol):
    """One way to come by a token."""

    def log_in(self, server: VaultServer) -> VaultToken:
        """A token that is good now, as far as can be told.

        Raises:
            StoreError: the server does not accept what it was given, or a file cannot be read.
            StoreUnavailable: the server cannot be reached, or is sealed.
        """
        ...

    def stands_by(self, token: SecretStr) -> bool:
        """False when the token was replaced outside of fleetscope, so that another has to be taken up."""
        ...

    @property
    def remedy(self) -> str:
        """What to do when its tokens are not accepted any more."""
        ...


class _Method(BaseModel):
    """What the methods' own fields share: they hold names and files, and no secret."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class TokenFile(_Method):
    """A token that somebody else puts into a file, such as an agent, which may replace it at any time."""

    method: Literal["token"] = "token"
    token_file: Path

    def log_in(self, server: VaultServer) -> VaultToken:
        """See ``VaultLogin``: the server is asked how long the token lasts."""
        token = read_secret(self.token_file)
        found = server.ask(lambda client: client.auth.token.lookup_self(), token)
        if isinstance(found, Answered):
            data = server.part(found, "data")
            # Zero for a token without an end; a root token has not all of these fields.
            lifetime_seconds = float(data.get("ttl", 0)) or None
            granted_seconds = float(data.get("creation_ttl", 0))
            return VaultToken(token, lifetime_seconds, granted_seconds, bool(data.get("renewable")))
        if isinstance(found, Forbidden):
            # Not valid, or without the right to ask about itself: what it is used for will show which.
            return VaultToken(token)
        raise server.unavailable(found)

    def stands_by(self, token: SecretStr) -> bool:
        """See ``VaultLogin``."""
        return read_secret(self.token_file) == token

    @property
    def remedy(self) -> str:
        """See ``VaultLogin``."""
        return f"Put a token that is valid into {self.token_file}."


class _Role(_Method):
    """A role whose holder is given a token of its own at each login."""

    method: str
    path: str

    def log_in(self, server: VaultServer) -> VaultToken:
        """See ``VaultLogin``."""
        found = server.ask(self._question(), None)
        if isinstance(found, Answered):
            return issued(server.part(found, "auth"))
        raise _refusal(found, server, self)

    def stands_by(self, token: SecretStr) -> bool:
        """See ``VaultLogin``: nobody else holds this token."""
        return True

    @property
    def remedy(self) -> str:
        """See ``VaultLogin``."""
        raise NotImplementedError

    def _question(self) -> Callable[[hvac.Client], Any]:
        raise NotImplementedError


class AppRole(_Role):
    """A role's id and its secret id, for machines."""

    method: Literal["approle"] = "approle"
    role_id: str
    secret_id_file: Path
    path: str = "approle"

    def _question(self) -> Callable[[hvac.Client], Any]:
        secret_id = read_secret(self.secret_id_file)
        return lambda client: client.auth.approle.login(
            self.role_id, secret_id.get_secret_value(), use_token=False, mount_point=self.path
        )

    @property
    def remedy(self) -> str:
        """See ``VaultLogin``."""
        return (
            f"Check FLEETSCOPE_VAULT_ROLE_ID, and that the secret id in {self.secret_id_file} is neither expired nor "
            "used up."
        )


class KubernetesAuth(_Role):
    """The service account of the pod in which fleetscope runs; its token file is read anew for each login."""

    method: Literal["kubernetes"] = "kubernetes"
    role: str
    token_file: Path = SERVICE_ACCOUNT_TOKEN
    path: str = "kubernetes"

    def _question(self) -> Callable[[hvac.Client], Any]:
        token = read_secret(self.token_file)
        return lambda client: client.auth.kubernetes.login(
            self.role, token.get_secret_value(), use_token=False, mount_point=self.path
        )

    @property
    def remedy(self) -> str:
        """See ``VaultLogin``."""
        return (
            f"Check that kubernetes is enabled at auth/{self.path}, that its role {self.role} binds this service "
            f"account, its namespace and the audience of the token in {self.token_file}, and that it may review tokens."
        )


VaultMethod = Annotated[TokenFile | AppRole | KubernetesAuth, Field(discriminator="method")]
"""Any way to log in, as configuration names it."""


def issued(auth: dict[str, Any]) -> VaultToken:
    """The token that a login or a renewal gave."""
    seconds = float(auth["lease_duration"])
    return VaultToken(SecretStr(auth["client_token"]), seconds or None, seconds, bool(auth["renewable"]))


def _refusal(failure: Failure, server: VaultServer, login: _Role) -> StoreError:
    """What a refused login means, in our words: the server's own may quote what it was sent."""
    # Without a token, what is not mounted is forbidden. An AppRole that is not accepted is a bad request.
    if isinstance(failure, InvalidPath) or (isinstance(failure, Forbidden) and isinstance(login, AppRole)):
        return StoreError(
            f"{server.place} has no auth method at auth/{login.path}.",
            hint=f"Enable {login.method} there, or correct FLEETSCOPE_VAULT_AUTH_PATH and FLEETSCOPE_VAULT_NAMESPACE.",
        )
    if isinstance(failure, InvalidRequest | Forbidden | Unauthorized):
        return StoreError(
            f"{server.place} refused the login by {login.method} at auth/{login.path}.", hint=login.remedy
        )
    return server.unavailable(failure)
