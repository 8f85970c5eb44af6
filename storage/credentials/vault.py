"""Credentials in Vault's KV v2, or in OpenBao's, which speaks the same API."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import hvac
import requests
from hvac.exceptions import Forbidden, InvalidPath, InvalidRequest, Unauthorized, VaultDown, VaultError

from fleet.credentials import ClusterCredential, CredentialSource
from fleet.errors import CredentialConflict, CredentialMissing, StoreError, StoreUnavailable
from storage.credentials.cache import CredentialCache
from storage.credentials.store import StoredSource, StoredVersion, cluster_name
from storage.secret_file import read_secret

TIMEOUT_SECONDS = 5


class VaultCredentialStore:
    """A ``CredentialStore`` in one KV v2 engine; safe to share between threads.

    Args:
        address: the server's URL.
        token_file: holds the token; read for each request, so that an agent may replace it at any time.
        mount: where the KV v2 engine is mounted.
        ca_file: PEM of the authority that signed the server's certificate; None for the machine's trust store.
        clock: monotonic seconds, for the cache.
    """

    def __init__(
        self,
        address: str,
        token_file: Path,
        *,
        mount: str = "fleetscope",
        ca_file: Path | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._address = address.rstrip("/")
        self._token_file = token_file
        self._mount = mount
        self._ca_file = ca_file
        self._cache = CredentialCache(clock)

    def __repr__(self) -> str:
        return f"VaultCredentialStore({self._address!r}, mount={self._mount!r})"

    def put(self, ref: str, credential: ClusterCredential, *, replaces: int | None = None) -> StoredVersion:
        """Keep a credential as the reference's new version; see ``CredentialStore.put``."""
        with self._kv(ref) as kv:
            answer = kv.create_or_update_secret(
                path=ref, secret=credential.fields(), cas=replaces, mount_point=self._mount
            )
        self._cache.forget(ref)
        return _version(answer["data"])

    def get(self, ref: str, *, refresh: bool = False) -> ClusterCredential:
        """The credential, from the cache when it was read less than a minute ago and ``refresh`` is not set.

        Raises:
            CredentialMissing: the reference holds none.
        """
        return self._cache.get(ref, lambda: self._parsed(ref, self._read(ref)["data"]), refresh=refresh)

    def version(self, ref: str) -> StoredVersion | None:
        """The current version; None when the reference holds nothing."""
        try:
            return _version(self._read(ref)["metadata"])
        except CredentialMissing:
            return None

    def delete(self, ref: str) -> None:
        """Forget a credential and all its versions; nothing happens when there is none."""
        with self._kv(ref) as kv:
            kv.delete_metadata_and_all_versions(path=ref, mount_point=self._mount)
        self._cache.forget(ref)

    def source(self, ref: str, endpoint: str) -> CredentialSource:
        """What an endpoint's collector is given: fetches the credential when it is needed, and anew after a 401."""
        return StoredSource(self, ref, endpoint)

    def _read(self, ref: str) -> dict[str, Any]:
        with self._kv(ref) as kv:
            answer = kv.read_secret_version(path=ref, mount_point=self._mount, raise_on_deleted_version=True)
        data: dict[str, Any] = answer["data"]
        return data

    @contextmanager
    def _kv(self, ref: str) -> Iterator[Any]:
        """The KV engine, its failures in our own words. A client a call: ``requests`` sessions are one thread's."""
        cluster_name(ref)
        with requests.Session() as session, self._explained(ref):
            # No proxies, no .netrc: what the environment says must not decide where a secret goes.
            session.trust_env = False
            session.verify = str(self._ca_file) if self._ca_file else True
            client = hvac.Client(
                url=self._address,
                token=read_secret(self._token_file).get_secret_value(),
                verify=session.verify,
                timeout=TIMEOUT_SECONDS,
                session=session,
            )
            yield client.secrets.kv.v2

    @contextmanager
    def _explained(self, ref: str) -> Iterator[None]:
        place = f"The credential store at {self._address}"
        try:
            yield
        except InvalidPath:
            raise CredentialMissing(
                f"{place} holds nothing under {self._mount}/{ref}.",
                hint="Register the cluster again with its token or password file.",
            ) from None
        except (Forbidden, Unauthorized):
            raise StoreError(
                f"{place} refused access to {self._mount}/{ref}.",
                hint=f"Check that the token in {self._token_file} is valid and its policy covers {self._mount}/*.",
            ) from None
        except VaultDown:
            raise StoreUnavailable(f"{place} is sealed or not ready.", hint="Unseal it.") from None
        except InvalidRequest as refusal:
            if "check-and-set" in str(refusal):
                raise CredentialConflict(
                    f"{place} holds another version of {self._mount}/{ref} than the one to be replaced."
                ) from None
            raise StoreError(f"{place} refused the request for {self._mount}/{ref} as malformed.") from None
        except VaultError as failure:
            raise StoreUnavailable(f"{place} failed: {type(failure).__name__}.") from None
        except requests.exceptions.SSLError:
            raise StoreError(
                f"{place}: the server's certificate was not accepted.",
                hint="Name the authority that signed it, or correct the address.",
            ) from None
        except requests.exceptions.RequestException as failure:
            raise StoreUnavailable(
                f"{place} cannot be reached just now: {type(failure).__name__}.",
                hint="Check that it runs (`fleetscope status`) and that FLEETSCOPE_* names the right address.",
            ) from None

    def _parsed(self, ref: str, fields: dict[str, str]) -> ClusterCredential:
        try:
            return ClusterCredential.from_fields(fields)
        except ValueError as wrong:
            raise StoreError(
                f"What {self._address} holds under {self._mount}/{ref} is no credential: {wrong}."
            ) from None


def _version(metadata: dict[str, Any]) -> StoredVersion:
    return StoredVersion(metadata["version"], datetime.fromisoformat(metadata["created_time"]))
