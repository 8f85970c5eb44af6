"""What a credential store is."""

from __future__ import annotations

from typing import Protocol

from fleet.credentials import Credential, CredentialSource


class CredentialStore(Protocol):
    """Keeps clusters' credentials under references such as ``clusters/shop-eu``; a cluster's row holds only that.

    Every method raises:
        UsageError: the reference is not of that form.
        StoreUnavailable: the store cannot be reached just now, or is sealed.
        StoreError: it refuses.
    """

    def put(self, ref: str, credential: Credential) -> None:
        """Keep a credential, in place of what the reference held before."""
        ...

    def get(self, ref: str, *, refresh: bool = False) -> Credential:
        """The credential; ``refresh`` skips the cache.

        Raises:
            CredentialMissing: the reference holds none.
        """
        ...

    def delete(self, ref: str) -> None:
        """Forget a credential and all that the reference ever held; nothing happens when it holds none."""
        ...

    def source(self, ref: str) -> CredentialSource:
        """What a collector is given: it fetches the credential when it is needed, and anew after a 401."""
        ...
