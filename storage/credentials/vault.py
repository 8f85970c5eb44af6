"""Credentials in Vault's KV v2, or in OpenBao's, which speaks the same API."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

import hvac
import requests
from hvac.exceptions import Forbidden, InvalidPath, InvalidRequest, Unauthorized, VaultDown, VaultError
from pydantic import SecretStr, ValidationError

from fleet.credentials import Credential, CredentialSource
from fleet.errors import CredentialMissing, StoreError, StoreUnavailable, UsageError
from storage.secret_file import read_secret

TIMEOUT_SECONDS = 5
CACHE_SECONDS = 60.0

_REF = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}(/[a-z0-9][a-z0-9._-]{0,99}){0,5}")


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
        self._clock = clock
        self._cache: dict[str, tuple[float, Credential]] = {}
        self._lock = Lock()

    def __repr__(self) -> str:
        return f"VaultCredentialStore({self._address!r}, mount={self._mount!r})"

    def put(self, ref: str, credential: Credential) -> None:
        """Keep a credential, in place of what the reference held before."""
        with self._kv(ref) as kv:
            kv.create_or_update_secret(path=ref, secret=_revealed(credential), mount_point=self._mount)
        self._forget(ref)

    def get(self, ref: str, *, refresh: bool = False) -> Credential:
        """The credential, from the cache when it was read less than a minute ago and ``refresh`` is not set.

        Raises:
            CredentialMissing: the reference holds none.
        """
        if not refresh:
            with self._lock:
                expires_at, cached = self._cache.get(ref, (0.0, None))
            if cached is not None and self._clock() < expires_at:
                return cached
        with self._kv(ref) as kv:
            answer = kv.read_secret_version(path=ref, mount_point=self._mount, raise_on_deleted_version=True)
        credential = self._parsed(ref, answer["data"]["data"])
        with self._lock:
            self._cache[ref] = (self._clock() + CACHE_SECONDS, credential)
        return credential

    def delete(self, ref: str) -> None:
        """Forget a credential and all its versions; nothing happens when there is none."""
        with self._kv(ref) as kv:
            kv.delete_metadata_and_all_versions(path=ref, mount_point=self._mount)
        self._forget(ref)

    def source(self, ref: str) -> CredentialSource:
        """What a collector is given: fetches the credential when it is needed, and anew after a 401."""
        _check_ref(ref)
        return _Source(self, ref)

    def _forget(self, ref: str) -> None:
        with self._lock:
            self._cache.pop(ref, None)

    @contextmanager
    def _kv(self, ref: str) -> Iterator[Any]:
        """The KV engine, its failures in our own words. A client a call: ``requests`` sessions are one thread's."""
        _check_ref(ref)
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
        except InvalidRequest:
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

    def _parsed(self, ref: str, fields: dict[str, str]) -> Credential:
        try:
            return Credential.model_validate(fields)
        except ValidationError:
            # The failure's own text would show the values.
            raise StoreError(
                f"What the credential store at {self._address} holds under {self._mount}/{ref} is no credential."
            ) from None


@dataclass(frozen=True)
class _Source:
    """A ``CredentialSource`` of one reference."""

    store: VaultCredentialStore
    ref: str

    def credential(self, *, refresh: bool = False) -> Credential:
        """The credential, at most a minute old; ``refresh`` fetches it anew."""
        return self.store.get(self.ref, refresh=refresh)


def _revealed(credential: Credential) -> dict[str, str]:
    """The fields in the clear: they go to the store and nowhere else."""
    fields = {name: getattr(credential, name) for name in type(credential).model_fields}
    return {
        name: value.get_secret_value() if isinstance(value, SecretStr) else value
        for name, value in fields.items()
        if value is not None
    }


def _check_ref(ref: str) -> None:
    if not _REF.fullmatch(ref):
        raise UsageError(f"{ref[:100]!r} cannot name a credential: lower-case words joined by '/', '-', '.' or '_'.")
