"""What a credential is, and what ``fleet`` asks of whoever keeps it."""

from __future__ import annotations

from typing import Protocol

from pydantic import BaseModel, ConfigDict, SecretStr


class Credential(BaseModel):
    """The secrets with which a cluster's endpoints are read; printing it shows stars.

    A bearer token, or user name and password, or a client certificate and key (PEM); a token file or header is
    never built anywhere else than in the collector that sends it.
    """

    model_config = ConfigDict(frozen=True)

    token: SecretStr | None = None
    username: str | None = None
    password: SecretStr | None = None
    client_cert_pem: str | None = None
    client_key_pem: SecretStr | None = None


class CredentialSource(Protocol):
    """Hands out a cluster's credential; ``refresh`` skips every cache, for the one retry after a 401."""

    def credential(self, *, refresh: bool = False) -> Credential | None:
        """The credential, or None for a cluster that needs none.

        Raises:
            fleet.errors.CredentialMissing: the store has no such secret.
            fleet.errors.StoreUnavailable: the store cannot be reached.
        """
        ...
