"""What a credential store is."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from fleet.credentials import ClusterCredential, Credential, CredentialSource
from fleet.errors import UsageError

# The name is a cluster's: a DNS label (fleet.inventory.cluster.ClusterName).
_REF = re.compile(r"clusters/(?P<name>[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)")


@dataclass(frozen=True)
class StoredVersion:
    """One version of what a reference holds: counted from 1, made at a time in UTC."""

    number: int
    created_at: datetime


class CredentialStore(Protocol):
    """Keeps clusters' credentials under references such as ``clusters/shop-eu``; a cluster's row holds only that.

    Every method raises:
        UsageError: the reference is not of that form.
        StoreUnavailable: the store cannot be reached just now, or is sealed.
        StoreError: it refuses.
    """

    def put(self, ref: str, credential: ClusterCredential, *, replaces: int | None = None) -> StoredVersion:
        """Keep a credential as the reference's new version.

        Args:
            ref: the reference.
            credential: what to keep.
            replaces: the version that it takes the place of: None for whatever was there, 0 for nothing.

        Raises:
            CredentialConflict: another version is current than the one to be replaced.
        """
        ...

    def get(self, ref: str, *, refresh: bool = False) -> ClusterCredential:
        """The current version's credential; ``refresh`` skips the cache.

        Raises:
            CredentialMissing: the reference holds none.
        """
        ...

    def version(self, ref: str) -> StoredVersion | None:
        """The current version, never from a cache; None when the reference holds nothing."""
        ...

    def delete(self, ref: str) -> None:
        """Forget a credential and all that the reference ever held; nothing happens when it holds none."""
        ...

    def source(self, ref: str, endpoint: str) -> CredentialSource:
        """What an endpoint's collector is given: it fetches when the credential is needed, and anew after a 401.

        Args:
            ref: the cluster's reference.
            endpoint: a value of ``fleet.inventory.cluster.EndpointKind``.
        """
        ...


@dataclass(frozen=True)
class StoredSource:
    """A ``CredentialSource`` of one endpoint over a store."""

    store: CredentialStore
    ref: str
    endpoint: str

    def __post_init__(self) -> None:
        cluster_name(self.ref)

    def credential(self, *, refresh: bool = False) -> Credential | None:
        """The endpoint's credential, at most as old as the store's cache; ``refresh`` fetches it anew."""
        return self.store.get(self.ref, refresh=refresh).for_endpoint(self.endpoint)


def cluster_name(ref: str) -> str:
    """The name of the cluster that a reference belongs to.

    Raises:
        UsageError: the reference is not ``clusters/NAME``.
    """
    match = _REF.fullmatch(ref)
    if match is None:
        raise UsageError(
            f"{ref[:100]!r} cannot name a credential.", hint="References are clusters/NAME, with a cluster's name."
        )
    return match["name"]


def fields_of(credential: ClusterCredential) -> dict[str, str]:
    """A credential's fields in the clear, to be stored.

    Raises:
        UsageError: it holds nothing.
    """
    fields = credential.fields()
    if not fields:
        raise UsageError(
            "A credential that holds nothing cannot be kept.", hint="A cluster that needs none names none."
        )
    return fields
