"""Where the parts of a stack are reached, whether embedded or somebody else's."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class PostgresAddress:
    """fleetscope's own database. ``dsn`` is a URL without the password."""

    dsn: str
    password: str = field(repr=False)
    password_file: Path | None = None


@dataclass(frozen=True)
class S3Address:
    """The object store and the bucket in it. ``endpoint`` is a URL: its scheme decides on TLS."""

    endpoint: str
    bucket: str
    access_key: str
    secret_key: str = field(repr=False)
    secret_key_file: Path | None = None


@dataclass(frozen=True)
class VaultAddress:
    """A server of Vault's API; ``mount`` is the KV v2 engine that holds the clusters' credentials."""

    url: str
    token: str = field(repr=False)
    mount: str = "fleetscope"
    token_file: Path | None = None


@dataclass(frozen=True)
class PrefectAddress:
    """A Prefect server. ``auth`` is ``user:password`` for basic auth, or empty."""

    api_url: str
    auth: str = field(default="", repr=False)
    auth_file: Path | None = None

    @property
    def ui_url(self) -> str:
        """The address to open in a browser."""
        return self.api_url.removesuffix("/").removesuffix("/api")


@dataclass(frozen=True)
class Addresses:
    """All four services of one stack, and the directory that holds its state."""

    postgres: PostgresAddress
    s3: S3Address
    vault: VaultAddress
    prefect: PrefectAddress
    state_directory: Path
