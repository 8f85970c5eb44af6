"""Registrations: clusters as a YAML file or as options name them, with where their secrets are read from."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from fleet.credentials import ClusterCredential, Credential
from fleet.errors import UsageError
from fleet.inventory.cluster import Cluster, ClusterOrigin, Endpoint, EndpointKind

if TYPE_CHECKING:
    from storage.stores import Stores


class CredentialFiles(BaseModel):
    """Where a cluster's secrets are read from; what they hold goes to the credential store and nowhere else."""

    model_config = ConfigDict(extra="forbid")

    token_file: Path | None = None
    username: str | None = None
    password_file: Path | None = None
    client_cert_file: Path | None = None
    client_key_file: Path | None = None

    def read(self) -> Credential | None:
        """The credential, or None when nothing is named.

        Raises:
            UsageError: a file cannot be read or is empty, or half of a pair is missing.
        """
        if self.password_file and not self.username:
            raise UsageError("A password file is named without a user name.")
        if self.client_key_file and not self.client_cert_file:
            raise UsageError("A client key is named without its certificate.")
        if not any([self.token_file, self.username, self.client_cert_file]):
            return None
        return Credential(
            token=_secret(self.token_file),
            username=self.username,
            password=_secret(self.password_file),
            client_cert_pem=_text(self.client_cert_file),
            client_key_pem=_secret(self.client_key_file),
        )


class Registration(BaseModel):
    """One cluster to register."""

    model_config = ConfigDict(extra="forbid")

    name: str
    environment: str = ""
    region: str = ""
    labels: dict[str, str] = Field(default_factory=dict)
    endpoints: dict[EndpointKind, Endpoint] = Field(min_length=1)
    credential: CredentialFiles = CredentialFiles()
    origin: ClusterOrigin = ClusterOrigin.REGISTERED

    @classmethod
    def from_options(
        cls,
        name: str,
        urls: dict[str, str],
        *,
        ca_file: Path | None = None,
        verify_tls: bool = True,
        **fields: Any,
    ) -> Self:
        """A registration from the command line's options.

        Raises:
            UsageError: an option does not hold what it must.
        """
        ca_pem = _text(ca_file)
        endpoints = {
            kind: {"url": url, "verify_tls": verify_tls, "ca_pem": ca_pem} for kind, url in urls.items() if url
        }
        return cls._validated({"name": name, "endpoints": endpoints, **fields}, "the options")

    @classmethod
    def ad_hoc(cls, url: str, *, ca_file: Path | None, verify_tls: bool, credential: dict[str, Any]) -> Self:
        """A Prometheus and nothing else: scanned once, and part of no fleet.

        Its name derives from the address, so that scanning it again finds what is stored.

        Raises:
            UsageError: an option does not hold what it must.
        """
        name = f"adhoc-{sha256(url.encode()).hexdigest()[:10]}"
        options = {"labels": {}, "ca_file": ca_file, "verify_tls": verify_tls, "credential": credential}
        return cls.from_options(name, {"prometheus": url}, origin=ClusterOrigin.AD_HOC, **options)

    @classmethod
    def _validated(cls, data: Any, place: str) -> Self:
        try:
            registration = cls.model_validate(data)
            registration.cluster()
        except ValidationError as wrong:
            first = wrong.errors(include_url=False, include_input=False)[0]
            field = ".".join(str(part) for part in first["loc"])
            raise UsageError(f"{place}: {field}: {first['msg']}.", hint="See fleetscope cluster add --help.") from None
        return registration

    def cluster(self) -> Cluster:
        """The cluster that this registration describes; it names its secret where there is one."""
        has_secret = self.credential.model_dump(exclude_none=True)
        return Cluster(
            name=self.name,
            environment=self.environment,
            region=self.region,
            labels=self.labels,
            endpoints=self.endpoints,
            origin=self.origin,
            credential_ref=f"clusters/{self.name}" if has_secret else None,
        )

    def store(self, stores: Stores) -> Cluster:
        """Keep the secret, then the cluster's row; both are replaced where they exist."""
        cluster, credential = self.cluster(), self.credential.read()
        if credential is not None and cluster.credential_ref:
            stores.credentials.put(cluster.credential_ref, ClusterCredential(default=credential))
        return stores.clusters.put(cluster)


def read_registrations(file: Path) -> list[Registration]:
    """The registrations of a YAML file: ``clusters:`` with one entry a cluster.

    Raises:
        UsageError: the file cannot be read, is no YAML, or an entry is wrong; the message names file and entry.
    """
    try:
        document = yaml.safe_load(_text(file) or "")
    except yaml.YAMLError as wrong:
        raise UsageError(f"{file} is not YAML: {' '.join(str(wrong).split())}") from None
    entries = document.get("clusters") if isinstance(document, dict) else None
    if not isinstance(entries, list) or not entries:
        raise UsageError(f"{file}: expected a list under `clusters:`.")
    return [Registration._validated(entry, f"{file}: clusters[{number}]") for number, entry in enumerate(entries)]


def _text(file: Path | None) -> str | None:
    if file is None:
        return None
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as failure:
        raise UsageError(f"{file} cannot be read: {failure.__class__.__name__}.") from None


def _secret(file: Path | None) -> SecretStr | None:
    text = _text(file)
    if text is None:
        return None
    if not text.strip():
        raise UsageError(f"{file} is empty.")
    return SecretStr(text.strip())
