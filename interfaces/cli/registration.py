"""Registrations as people write them, in a YAML file or as options, with where their secrets are read from."""

from __future__ import annotations

from collections import Counter
from hashlib import sha256
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from fleet.credentials import ClusterCredential, Credential
from fleet.errors import UsageError
from fleet.inventory.cluster import Cluster, ClusterName, ClusterOrigin, Endpoint, EndpointKind, authority_fault
from fleet.inventory.registration import Registration
from fleet.inventory.untrusted_yaml import load_untrusted


class CredentialFiles(BaseModel):
    """Where secrets are read from; what they hold goes to the credential store and nowhere else."""

    # A secret that stands where a file's name should is in no message.
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    token_file: Path | None = None
    username: str | None = None
    password_file: Path | None = None
    client_cert_file: Path | None = None
    client_key_file: Path | None = None

    def read(self, directory: Path) -> Credential | None:
        """The credential, or None when nothing is named.

        Args:
            directory: what relative paths start from.

        Raises:
            UsageError: a file cannot be read or is empty, or half of a pair is missing.
        """
        if self.password_file and not self.username:
            raise UsageError("A password file is named without a user name.")
        if self.username and not self.password_file:
            raise UsageError("A user name is given without a password file.")
        if self.client_key_file and not self.client_cert_file:
            raise UsageError("A client key is named without its certificate.")
        if self.client_cert_file and not self.client_key_file:
            raise UsageError("A client certificate is named without its key.")
        if not any([self.token_file, self.username, self.client_cert_file]):
            return None
        return Credential(
            token=_secret(directory, self.token_file),
            username=self.username,
            password=_secret(directory, self.password_file),
            client_cert_pem=_text(directory, self.client_cert_file),
            client_key_pem=_secret(directory, self.client_key_file),
        )


class EndpointEntry(Endpoint):
    """An endpoint with the files of its authority and of its own credential."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    ca_file: Path | None = None
    credential: CredentialFiles | None = None

    def endpoint(self, directory: Path) -> Endpoint:
        """The endpoint alone, with the authority's certificate in it.

        Raises:
            UsageError: the file cannot be read or holds no certificate, or the authority is given twice.
        """
        if self.ca_file and self.ca_pem:
            raise UsageError(f"The authority of {self.url} is given twice, as ca_pem and as ca_file.")
        ca_pem = self.ca_pem or _text(directory, self.ca_file)
        fault = authority_fault(ca_pem) if ca_pem is not None else ""
        if fault:
            place = str(self.ca_file) if self.ca_file else "ca_pem"
            raise UsageError(f"The authority of {self.url}: {place} {fault}.")
        return Endpoint.model_validate(self.model_dump(include=set(Endpoint.model_fields)) | {"ca_pem": ca_pem})


class RegistrationEntry(BaseModel):
    """One cluster to register, as it stands in a file.

    An entry that says nothing of credentials leaves those that are stored; ``credential: {}`` says that there is none.
    """

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    name: ClusterName
    environment: str = ""
    region: str = ""
    labels: dict[str, str] = Field(default_factory=dict)
    active: bool = True
    endpoints: dict[EndpointKind, EndpointEntry] = Field(min_length=1)
    credential: CredentialFiles | None = None

    @classmethod
    def from_options(
        cls, name: str, endpoints: dict[str, dict[str, Any]], credential: dict[str, Any], **fields: Any
    ) -> Self:
        """An entry from the command line's options.

        Raises:
            UsageError: an option does not hold what it must.
        """
        given = any(value is not None for value in credential.values())
        return cls.checked(
            {"name": name, "endpoints": endpoints, "credential": credential if given else None, **fields},
            "the options",
        )

    @classmethod
    def checked(cls, data: Any, place: str) -> Self:
        """An entry from what was written somewhere.

        Raises:
            UsageError: it cannot be one; the message names the place and the field.
        """
        try:
            return cls.model_validate(data)
        except ValidationError as wrong:
            raise _told(wrong, place) from None

    def registration(self, directory: Path) -> Registration:
        """The registration, with what its files hold.

        Args:
            directory: what relative paths start from.

        Raises:
            UsageError: a file cannot be read or does not hold what it should.
        """
        cluster = Cluster(
            name=self.name,
            environment=self.environment,
            region=self.region,
            labels=self.labels,
            active=self.active,
            endpoints={kind: entry.endpoint(directory) for kind, entry in self.endpoints.items()},
        )
        return Registration(cluster=cluster, credential=self._credential(directory))

    def _credential(self, directory: Path) -> ClusterCredential | None:
        own = {kind: entry.credential for kind, entry in self.endpoints.items() if entry.credential is not None}
        if self.credential is None and not own:
            return None
        read = {kind.value: files.read(directory) for kind, files in own.items()}
        return ClusterCredential(
            default=self.credential.read(directory) if self.credential else None,
            endpoints={kind: credential for kind, credential in read.items() if credential is not None},
        )


def checked_endpoint(kind: EndpointKind, fields: dict[str, Any], directory: Path) -> Endpoint:
    """One endpoint from an entry's fields.

    Raises:
        UsageError: they do not hold what they must, or a file cannot be read.
    """
    try:
        return EndpointEntry.model_validate(fields).endpoint(directory)
    except ValidationError as wrong:
        raise _told(wrong, f"endpoints.{kind.value}") from None


def ad_hoc(url: str, *, ca_file: Path | None, verify_tls: bool, credential: dict[str, Any]) -> Registration:
    """A Prometheus and nothing else: scanned once, and part of no fleet.

    Its name derives from the address, so that scanning it again finds what is stored.

    Raises:
        UsageError: an option does not hold what it must.
    """
    name = f"adhoc-{sha256(url.encode()).hexdigest()[:10]}"
    endpoint = {"url": url, "verify_tls": verify_tls, "ca_file": ca_file}
    entry = RegistrationEntry.from_options(name, {"prometheus": endpoint}, credential)
    registration = entry.registration(Path())
    cluster = registration.cluster.model_copy(update={"origin": ClusterOrigin.AD_HOC})
    # Without a credential it needs none: nothing of an earlier scan is kept.
    return Registration(cluster=cluster, credential=registration.credential or ClusterCredential())


def read_registrations(file: Path) -> list[Registration]:
    """The registrations of a YAML file: ``clusters:`` with one entry a cluster; paths in it start where it lies.

    Raises:
        UsageError: a file cannot be read, is no YAML, or an entry is wrong; the message names file and entry.
    """
    document = load_untrusted(_text(Path(), file) or "", str(file))
    entries = document.get("clusters") if isinstance(document, dict) else None
    if not isinstance(entries, list) or not entries:
        raise UsageError(f"{file}: expected a list under `clusters:`.")
    read = []
    for number, entry in enumerate(entries):
        place = f"{file}: clusters[{number}]"
        try:
            read.append(RegistrationEntry.checked(entry, place).registration(file.parent))
        except UsageError as wrong:
            raise wrong if wrong.message.startswith(place) else UsageError(f"{place}: {wrong.message}") from None
    twice = [name for name, count in Counter(each.cluster.name for each in read).items() if count > 1]
    if twice:
        raise UsageError(f"{file}: {', '.join(twice)} stands there more than once.")
    return read


def _told(wrong: ValidationError, place: str) -> UsageError:
    first = wrong.errors(include_url=False, include_input=False)[0]
    field = ".".join(str(part) for part in first["loc"])
    return UsageError(f"{place}: {field}: {first['msg']}.", hint="See fleetscope cluster add --help.")


def _text(directory: Path, file: Path | None) -> str | None:
    if file is None:
        return None
    try:
        return (directory / file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as failure:
        raise UsageError(f"{file} cannot be read: {failure.__class__.__name__}.") from None


def _secret(directory: Path, file: Path | None) -> SecretStr | None:
    text = _text(directory, file)
    if text is None:
        return None
    if not text.strip():
        raise UsageError(f"{file} is empty.")
    return SecretStr(text.strip())
