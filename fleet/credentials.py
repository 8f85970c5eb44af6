"""What a credential is, and what ``fleet`` asks of whoever keeps it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator

# An endpoint's own fields are stored as ``loki.token``: its name must not hold the dot.
_ENDPOINT = re.compile(r"[a-z][a-z0-9-]*")


class Credential(BaseModel):
    """The secrets with which one endpoint is read; printing it shows stars.

    The certificate is not printed either: its file may hold the key too.

    A bearer token, or user name and password, or a client certificate and key (PEM); a token file or header is
    never built anywhere else than in the collector that sends it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    token: SecretStr | None = None
    username: str | None = None
    password: SecretStr | None = None
    client_cert_pem: str | None = Field(default=None, repr=False)
    client_key_pem: SecretStr | None = None

    def fields(self) -> dict[str, str]:
        """What it holds, in the clear: for credential stores only."""
        values = {name: getattr(self, name) for name in type(self).model_fields}
        return {
            name: value.get_secret_value() if isinstance(value, SecretStr) else value
            for name, value in values.items()
            if value is not None
        }


class ClusterCredential(BaseModel):
    """What a cluster's reference in the credential store holds.

    ``default`` is for every endpoint that has none of its own under ``endpoints``, whose keys are values of
    ``fleet.inventory.cluster.EndpointKind``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    default: Credential | None = None
    endpoints: dict[str, Credential] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _hold_something(self) -> Self:
        """An empty credential is refused: it would come back as none, and the default be sent in its place."""
        for endpoint, credential in self.endpoints.items():
            if not _ENDPOINT.fullmatch(endpoint):
                raise ValueError("an endpoint's name is a word in lower case")
            if not credential.fields():
                raise ValueError(f"the credential of {endpoint} holds nothing")
        if self.default is not None and not self.default.fields():
            raise ValueError("the default credential holds nothing")
        return self

    def for_endpoint(self, endpoint: str) -> Credential | None:
        """What this endpoint takes: its own credential or the default; None where it needs none."""
        return self.endpoints.get(endpoint, self.default)

    def fields(self) -> dict[str, str]:
        """All of it in the clear, as ``token`` or ``loki.token``: for credential stores only."""
        fields = {} if self.default is None else self.default.fields()
        for endpoint, credential in self.endpoints.items():
            fields |= {f"{endpoint}.{name}": value for name, value in credential.fields().items()}
        return fields

    @classmethod
    def from_fields(cls, fields: Mapping[str, str]) -> Self:
        """The credential that ``fields()`` gave.

        Raises:
            ValueError: there are no fields, or one is not known or not text; no value is in the message.
        """
        default: dict[str, str] = {}
        endpoints: dict[str, dict[str, str]] = {}
        for key, value in fields.items():
            endpoint, dot, name = key.rpartition(".")
            (endpoints.setdefault(endpoint, {}) if dot else default)[name] = value
        if not fields:
            raise ValueError("holds nothing")
        try:
            return cls.model_validate({"default": default or None, "endpoints": endpoints})
        except ValidationError as wrong:
            first = wrong.errors(include_url=False, include_input=False, include_context=False)[0]
            where = ".".join(str(part) for part in first["loc"])
            reason = f"{where}: {first['msg']}"
        # Outside the handler: the validation's own exception holds the values and would stay as this one's context.
        raise ValueError(reason)


class CredentialSource(Protocol):
    """Hands out one endpoint's credential; ``refresh`` skips every cache, for the one retry after a 401."""

    def credential(self, *, refresh: bool = False) -> Credential | None:
        """The credential, or None for an endpoint that needs none.

        Raises:
            fleet.errors.CredentialMissing: the store has no such secret.
            fleet.errors.StoreUnavailable: the store cannot be reached.
        """
        ...


@dataclass(frozen=True)
class GivenCredential:
    """A ``CredentialSource`` over a credential in hand, such as one that is tried before it is stored."""

    given: Credential | None

    def credential(self, *, refresh: bool = False) -> Credential | None:
        """The credential as it was given; there is nothing to refresh."""
        return self.given
