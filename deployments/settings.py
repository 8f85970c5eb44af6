"""Settings from the environment (``FLEETSCOPE_*``). With none of them, everything is embedded.

A secret is never a variable's value: a ``*_FILE`` variable names the file that holds it.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import parse_qs, urlsplit

from pydantic import AfterValidator, Field, StringConstraints, TypeAdapter, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from deployments.addresses import PostgresAddress, PrefectAddress, S3Address, SecretsAddress, VaultAddress
from fleet.errors import UsageError
from fleet.inventory.cluster import HttpUrl
from storage.credentials.vault_login import VaultMethod
from storage.retention.lifetimes import Days, FramesDays, HistoryDays, Lifetimes
from storage.secret_file import read_secret

_PREFIX = "FLEETSCOPE_"
_LAST_PORT = 65535


def _postgres_dsn(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("postgresql", "postgres") or not parts.hostname:
        raise ValueError("must be a URL such as postgresql://user@host:5432/database")
    if parts.password or any("password" in key.lower() for key in parse_qs(parts.query, keep_blank_values=True)):
        raise ValueError(
            "must not hold the password; put it in a file and name that in FLEETSCOPE_POSTGRES_PASSWORD_FILE"
        )
    return value


def _readable_file(value: Path) -> Path:
    path = value.expanduser().absolute()
    if not path.is_file() or not os.access(path, os.R_OK):
        raise ValueError(f"{path} is not a file that can be read")
    return path


PostgresDsn = Annotated[str, AfterValidator(_postgres_dsn)]
SecretFile = Annotated[Path, AfterValidator(_readable_file)]
_VAULT_METHOD: TypeAdapter[VaultMethod] = TypeAdapter(VaultMethod)
_LOGIN_NEEDS = {
    "token": ("vault_token_file",),
    "approle": ("vault_role_id", "vault_secret_id_file"),
    "kubernetes": ("vault_role",),
}
RunnerName = Annotated[str, StringConstraints(pattern=r"^(threads|processes|dask|(tcp|tls)://[^\s/]+:\d{1,5})$")]
Port = Annotated[int, Field(ge=1, le=_LAST_PORT)]


class Settings(BaseSettings):
    """Everything that can be set from outside. Use ``load_settings``, whose errors are for people."""

    model_config = SettingsConfigDict(
        env_prefix=_PREFIX, extra="ignore", frozen=True, env_ignore_empty=True, hide_input_in_errors=True
    )

    state_dir: Path = Field(
        default=Path("~/.local/state/fleetscope"), description="Directory of the embedded stack's data and secrets."
    )

    deployments_module: str = Field(
        default="deployments.catalogue", description="Module whose CATALOGUE the worker serves."
    )

    runner: RunnerName = Field(
        default="threads",
        description="Where a run's tasks run: threads, processes, dask, or a Dask scheduler's address.",
    )

    second_looks: str = Field(
        default="joint-deviation", description="Detectors that look at the shortlist, by name, separated by commas."
    )

    postgres_dsn: PostgresDsn | None = Field(default=None, description="A PostgreSQL database to use; no password.")
    postgres_password_file: SecretFile | None = None
    postgres_port: Port | None = Field(default=None, description="Port of the embedded PostgreSQL.")

    s3_endpoint: HttpUrl | None = Field(default=None, description="An S3 service to use.")
    s3_bucket: str = "fleetscope"
    s3_access_key: str | None = None
    s3_secret_key_file: SecretFile | None = None
    s3_port: Port | None = Field(default=None, description="Port of the embedded S3 server.")

    credentials_store: Literal["vault", "kubernetes"] = Field(
        default="vault", description="Where clusters' credentials are kept: in Vault, or in Kubernetes Secrets."
    )
    credentials_namespace: str = Field(default="fleetscope", description="Namespace of those Secrets.")
    credentials_kubeconfig_file: SecretFile | None = None
    credentials_keyring_file: SecretFile | None = None

    vault_address: HttpUrl | None = Field(default=None, description="A Vault or OpenBao to use.")
    vault_mount: str = Field(default="fleetscope", description="Path of its KV v2 engine.")
    vault_namespace: str | None = Field(default=None, description="Namespace of engine and login.")
    vault_ca_file: SecretFile | None = None
    vault_auth: Literal["token", "approle", "kubernetes"] = Field(default="token", description="How to log in to it.")
    vault_auth_path: str | None = Field(default=None, description="Where that auth method is mounted.")
    vault_token_file: SecretFile | None = None
    vault_role_id: str | None = None
    vault_secret_id_file: SecretFile | None = None
    vault_role: str | None = None
    vault_service_account_token_file: SecretFile | None = None
    openbao_port: Port | None = Field(default=None, description="Port of the embedded OpenBao.")

    prefect_api_url: HttpUrl | None = Field(default=None, description="A Prefect server's API, ending in /api.")
    prefect_auth_file: SecretFile | None = Field(default=None, description="File with user:password for basic auth.")
    prefect_port: Port | None = Field(default=None, description="Port of the embedded Prefect server.")

    keep_frames_days: FramesDays = Field(default=30, description="Days that metrics are kept.")
    keep_history_days: HistoryDays = Field(default=60, description="Days that the coarse history is kept.")
    keep_evidence_days: Days = Field(default=30, description="Days that logs, traces, alerts and events are kept.")
    keep_models_days: Days = Field(default=30, description="Days that what was learnt of a cluster's past is kept.")
    keep_scans_days: Days = Field(default=90, description="Days that scans are kept.")
    keep_findings_days: Days = Field(default=400, description="Days that resolved findings and incidents are kept.")
    keep_investigations_days: Days = Field(default=400, description="Days that investigations are kept.")
    keep_reports_days: Days = Field(default=400, description="Days that reports are kept.")
    keep_inventories_days: Days = Field(default=400, description="Days that inventories and changes are kept.")

    smtp_host: str | None = None
    smtp_port: Port = 587
    smtp_username: str | None = None
    smtp_password_file: SecretFile | None = None
    smtp_from: str | None = None
    smtp_starttls: bool = True
    smtp_ca_file: SecretFile | None = None

    @model_validator(mode="after")
    def _complete(self) -> Self:
        """A replaced service needs all that it takes to log in."""
        for given, needed in (
            ("postgres_dsn", "postgres_password_file"),
            ("s3_endpoint", "s3_access_key"),
            ("s3_endpoint", "s3_secret_key_file"),
            ("smtp_username", "smtp_password_file"),
            ("smtp_host", "smtp_from"),
        ):
            self._require(given, needed)
        if self.credentials_store == "kubernetes":
            self._require("credentials_store", "credentials_keyring_file")
        if self.vault_address is not None:
            for needed in _LOGIN_NEEDS[self.vault_auth]:
                self._require("vault_address", needed)
        elif self.vault_auth != "token":
            self._require("vault_auth", "vault_address")
        return self

    def _require(self, given: str, needed: str) -> None:
        if getattr(self, given) is not None and getattr(self, needed) is None:
            raise ValueError(f"{variable(needed)} is needed beside {variable(given)}")

    def postgres(self) -> PostgresAddress | None:
        """The database that replaces the embedded one, or None."""
        if self.postgres_dsn is None or self.postgres_password_file is None:
            return None
        return PostgresAddress(
            dsn=self.postgres_dsn,
            password=read_secret(self.postgres_password_file).get_secret_value(),
            password_file=self.postgres_password_file,
        )

    def s3(self) -> S3Address | None:
        """The object store that replaces the embedded one, or None."""
        if self.s3_endpoint is None or self.s3_access_key is None or self.s3_secret_key_file is None:
            return None
        return S3Address(
            endpoint=self.s3_endpoint,
            bucket=self.s3_bucket,
            access_key=self.s3_access_key,
            secret_key=read_secret(self.s3_secret_key_file).get_secret_value(),
            secret_key_file=self.s3_secret_key_file,
        )

    def credentials(self) -> VaultAddress | SecretsAddress | None:
        """What keeps the clusters' credentials in place of the embedded OpenBao, or None."""
        if self.credentials_store == "kubernetes" and self.credentials_keyring_file is not None:
            return SecretsAddress(
                namespace=self.credentials_namespace,
                keyring_file=self.credentials_keyring_file,
                kubeconfig_file=self.credentials_kubeconfig_file,
            )
        if self.vault_address is None:
            return None
        return VaultAddress(
            url=self.vault_address,
            login=self._vault_login(),
            mount=self.vault_mount,
            namespace=self.vault_namespace,
            ca_file=self.vault_ca_file,
        )

    def _vault_login(self) -> VaultMethod:
        path = self.vault_auth_path
        given = {
            "token": {"token_file": self.vault_token_file},
            "approle": {"path": path, "role_id": self.vault_role_id, "secret_id_file": self.vault_secret_id_file},
            "kubernetes": {
                "path": path,
                "role": self.vault_role,
                "token_file": self.vault_service_account_token_file,
            },
        }[self.vault_auth]
        named = {name: value for name, value in given.items() if value is not None}
        return _VAULT_METHOD.validate_python({"method": self.vault_auth, **named})

    def prefect(self) -> PrefectAddress | None:
        """The Prefect server that replaces the embedded one, or None."""
        if self.prefect_api_url is None:
            return None
        auth = "" if self.prefect_auth_file is None else read_secret(self.prefect_auth_file).get_secret_value()
        return PrefectAddress(api_url=self.prefect_api_url, auth=auth, auth_file=self.prefect_auth_file)

    def lifetimes(self) -> Lifetimes:
        """How long data are kept."""
        return Lifetimes.model_validate({name: getattr(self, f"keep_{name}") for name in Lifetimes.model_fields})

    def environment(self) -> dict[str, str]:
        """The variables that give a child process these settings."""
        given = self.model_dump(mode="json", exclude_none=True, exclude_defaults=True)
        return {variable(name): str(value).lower() if value is False else str(value) for name, value in given.items()}


def variable(field: str) -> str:
    """The environment variable of a setting."""
    return _PREFIX + field.upper()


def load_settings(**overrides: Any) -> Settings:
    """Read the settings; ``overrides`` come before the environment.

    Raises:
        UsageError: a variable's value is wrong; the message names the variable, and the value is not in it.
    """
    try:
        return Settings(**overrides)
    except ValidationError as error:
        raise UsageError("; ".join(_explain(item) for item in error.errors(include_url=False))) from None


def _explain(item: Any) -> str:
    message = str(item["msg"]).removeprefix("Value error, ")
    field = str(item["loc"][0]) if item["loc"] else ""
    return f"{variable(field)}: {message}" if field else message
