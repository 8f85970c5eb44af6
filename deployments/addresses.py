"""Where the parts of a stack are reached, whether embedded or somebody else's."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from storage.credentials.vault_login import AppRole, KubernetesAuth, TokenFile, VaultMethod


@dataclass(frozen=True)
class PostgresAddress:
    """fleetscope's own database. ``dsn`` is a URL without the password."""

    dsn: str
    password: str = field(repr=False)
    password_file: Path


@dataclass(frozen=True)
class S3Address:
    """The object store and the bucket in it. ``endpoint`` is a URL: its scheme decides on TLS."""

    endpoint: str
    bucket: str
    access_key: str
    secret_key: str = field(repr=False)
    secret_key_file: Path


@dataclass(frozen=True)
class VaultAddress:
    """A server of Vault's API; ``mount`` is the KV v2 engine that holds the clusters' credentials."""

    url: str
    login: VaultMethod
    mount: str
    namespace: str | None = None
    ca_file: Path | None = None

    @property
    def place(self) -> str:
        """Where it is, as the stack's status shows it."""
        return self.url

    def environment(self) -> dict[str, str]:
        """The variables that name this server."""
        given: dict[str, str | Path | None] = {
            "ADDRESS": self.url,
            "MOUNT": self.mount,
            "NAMESPACE": self.namespace,
            "CA_FILE": self.ca_file,
            "AUTH": self.login.method,
        }
        match self.login:
            case TokenFile(token_file=token_file):
                given |= {"TOKEN_FILE": token_file}
            case AppRole(path=path, role_id=role_id, secret_id_file=secret_id_file):
                given |= {"AUTH_PATH": path, "ROLE_ID": role_id, "SECRET_ID_FILE": secret_id_file}
            case KubernetesAuth(path=path, role=role, token_file=token_file):
                given |= {"AUTH_PATH": path, "ROLE": role, "SERVICE_ACCOUNT_TOKEN_FILE": token_file}
        return {f"FLEETSCOPE_VAULT_{name}": str(value) for name, value in given.items() if value is not None}


@dataclass(frozen=True)
class SecretsAddress:
    """A namespace whose Secrets hold the clusters' credentials, sealed by the keyring's keys.

    ``kubeconfig_file`` is None for the cluster that fleetscope itself runs in.
    """

    namespace: str
    keyring_file: Path
    kubeconfig_file: Path | None = None

    @property
    def place(self) -> str:
        """Where they are, as the stack's status shows it."""
        return f"Secrets in {self.namespace}"

    def environment(self) -> dict[str, str]:
        """The variables that name this namespace."""
        given: dict[str, str | Path | None] = {
            "STORE": "kubernetes",
            "NAMESPACE": self.namespace,
            "KEYRING_FILE": self.keyring_file,
            "KUBECONFIG_FILE": self.kubeconfig_file,
        }
        return {f"FLEETSCOPE_CREDENTIALS_{name}": str(value) for name, value in given.items() if value is not None}


@dataclass(frozen=True)
class PrefectAddress:
    """A Prefect server. ``auth`` is ``user:password`` for basic auth, or empty."""

    api_url: str
    auth: str = field(default="", repr=False)
    auth_file: Path | None = None

    @property
    def ui_url(self) -> str:
        """The address to open in a browser."""
        return self.api_url.removesuffix("/api")


@dataclass(frozen=True)
class Addresses:
    """All four services of one stack, and the directory that holds its state."""

    postgres: PostgresAddress
    s3: S3Address
    credentials: VaultAddress | SecretsAddress
    prefect: PrefectAddress
    state_directory: Path

    def environment(self) -> dict[str, str]:
        """The variables with which another process finds all of it, as if every part were somebody else's.

        fleetscope's own secrets are named by their files; Prefect's client knows no such file, so that its basic-auth
        string is a value here: give it to child processes, never to a command line or a log.
        """
        variables = {
            "FLEETSCOPE_STATE_DIR": str(self.state_directory),
            "FLEETSCOPE_POSTGRES_DSN": self.postgres.dsn,
            "FLEETSCOPE_POSTGRES_PASSWORD_FILE": str(self.postgres.password_file),
            "FLEETSCOPE_S3_ENDPOINT": self.s3.endpoint,
            "FLEETSCOPE_S3_BUCKET": self.s3.bucket,
            "FLEETSCOPE_S3_ACCESS_KEY": self.s3.access_key,
            "FLEETSCOPE_S3_SECRET_KEY_FILE": str(self.s3.secret_key_file),
            **self.credentials.environment(),
            "FLEETSCOPE_PREFECT_API_URL": self.prefect.api_url,
            **self.prefect_environment(),
        }
        if self.prefect.auth_file is not None:
            variables["FLEETSCOPE_PREFECT_AUTH_FILE"] = str(self.prefect.auth_file)
        return variables

    def prefect_environment(self) -> dict[str, str]:
        """What Prefect's client and engine need. To be set before ``import prefect``, which reads it once."""
        variables = {
            "PREFECT_API_URL": self.prefect.api_url,
            "PREFECT_HOME": str(self.state_directory / "prefect"),
            "PREFECT_LOGGING_EXTRA_LOGGERS": "fleet,storage",
            # What they say outside of a run is no fault of theirs, and goes to the console alone.
            "PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW": "ignore",
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "DO_NOT_TRACK": "1",
        }
        if self.prefect.auth:
            variables["PREFECT_API_AUTH_STRING"] = self.prefect.auth
        return variables
