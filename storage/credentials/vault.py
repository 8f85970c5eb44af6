"""Credentials in Vault's KV v2, or in OpenBao's, which speaks the same API."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

import hvac
from hvac.exceptions import InvalidPath, InvalidRequest

from fleet.credentials import ClusterCredential, CredentialSource
from fleet.errors import CredentialConflict, CredentialMissing, StoreError, StoreUnavailable
from storage.credentials.cache import CredentialCache
from storage.credentials.store import StoredSource, StoredVersion, cluster_name, fields_of
from storage.credentials.vault_login import VaultLogin
from storage.credentials.vault_server import Answered, Failure, VaultServer
from storage.credentials.vault_session import VaultSession

_ATTEMPTS = 10


class VaultCredentialStore:
    """A ``CredentialStore`` in one KV v2 engine; safe to share between threads.

    Args:
        server: where Vault is.
        login: how to come by a token.
        mount: where the KV v2 engine is mounted.
        clock: monotonic seconds, for the cache and for the token's life.
    """

    def __init__(
        self,
        server: VaultServer,
        login: VaultLogin,
        *,
        mount: str = "fleetscope",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._server = server
        self._session = VaultSession(server, login, clock)
        self._mount = mount
        self._cache = CredentialCache(clock)
        self._is_version_2 = False

    def __repr__(self) -> str:
        return f"VaultCredentialStore({self._server.url!r}, mount={self._mount!r})"

    def put(self, ref: str, credential: ClusterCredential, *, replaces: int | None = None) -> StoredVersion:
        """Keep a credential as the reference's new version; see ``CredentialStore.put``."""
        cluster_name(ref)
        fields = fields_of(credential)
        self._check_engine(ref)
        try:
            return self._put(ref, fields, replaces)
        finally:
            # Also when it is not known whether the server wrote.
            self._cache.forget(ref)

    def get(self, ref: str, *, refresh: bool = False) -> ClusterCredential:
        """The current version's credential; see ``CredentialStore.get``."""
        cluster_name(ref)
        return self._cache.get(ref, lambda: self._parsed(ref, self._read(ref)["data"]), refresh=refresh)

    def version(self, ref: str) -> StoredVersion | None:
        """The current version; None when there is none, or when it was deleted."""
        cluster_name(ref)
        try:
            return _version(self._read(ref)["metadata"])
        except CredentialMissing:
            return None

    def delete(self, ref: str) -> None:
        """Forget a credential and all its versions; nothing happens when there is none."""
        cluster_name(ref)
        found = self._ask(lambda kv: kv.delete_metadata_and_all_versions(path=ref, mount_point=self._mount), ref)
        if not isinstance(found, Answered):
            raise self._fault(found, ref)
        self._cache.forget(ref)

    def source(self, ref: str, endpoint: str) -> CredentialSource:
        """What an endpoint's collector is given; see ``CredentialStore.source``."""
        return StoredSource(self, ref, endpoint)

    def _put(self, ref: str, fields: dict[str, str], replaces: int | None) -> StoredVersion:
        cas = replaces
        for _ in range(_ATTEMPTS):
            found = self._write(ref, fields, cas)
            if isinstance(found, Answered):
                return _version(self._server.part(found, "data"))
            if not _is_about_versions(found):
                raise self._fault(found, ref)
            # Where the engine demands the current version's number; and where the current version was deleted, which
            # is nothing to us and yet has a number.
            if replaces is not None and (replaces > 0 or cas or self.version(ref) is not None):
                raise CredentialConflict(
                    f"{self._server.place} holds another version of {self._path(ref)} than the one to be replaced.",
                    hint="Somebody changed it meanwhile: look at it, then try again.",
                )
            cas = self._current_number(ref)
        raise StoreUnavailable(f"{self._server.place}: {self._path(ref)} is being written by others all the time.")

    def _write(self, ref: str, fields: dict[str, str], cas: int | None) -> Answered[Any] | Failure:
        return self._ask(
            lambda kv: kv.create_or_update_secret(path=ref, secret=fields, cas=cas, mount_point=self._mount), ref
        )

    def _current_number(self, ref: str) -> int:
        """The number of the newest version, whether deleted or not; 0 where there never was one."""
        found = self._ask(lambda kv: kv.read_secret_metadata(path=ref, mount_point=self._mount), ref)
        if isinstance(found, Answered):
            return int(self._server.part(found, "data")["current_version"])
        fault = self._fault(found, ref)
        if isinstance(fault, CredentialMissing):
            return 0
        raise fault

    def _read(self, ref: str) -> dict[str, Any]:
        found = self._ask(
            lambda kv: kv.read_secret_version(path=ref, mount_point=self._mount, raise_on_deleted_version=True), ref
        )
        if not isinstance(found, Answered):
            fault = self._fault(found, ref)
            if isinstance(fault, CredentialMissing):
                # Nothing is what an engine of version 1 answers, too.
                self._check_engine(ref)
            raise fault
        data = self._server.part(found, "data")
        if "metadata" not in data:
            raise self._version_1()
        return data

    def _ask(self, question: Callable[[Any], Any], ref: str) -> Answered[Any] | Failure:
        return self._session.ask(lambda client: question(client.secrets.kv.v2), self._path(ref))

    def _path(self, ref: str) -> str:
        return f"{self._mount}/{ref}"

    def _check_engine(self, ref: str) -> None:
        """Refuse an engine of version 1: it would take what is written as a secret of another shape, and keep one.

        Raises:
            StoreError: the engine is of version 1.
        """
        if self._is_version_2:
            return

        def question(client: hvac.Client) -> Any:
            return client.adapter.get(f"/v1/sys/internal/ui/mounts/{self._mount}/data/{ref}")

        found = self._session.ask_once(question)
        # Where there is no engine at all, or no right to it, the request that is meant will say so.
        if isinstance(found, Answered):
            options = self._server.part(found, "data").get("options") or {}
            if options.get("version") != "2":
                raise self._version_1()
            self._is_version_2 = True

    def _version_1(self) -> StoreError:
        return StoreError(
            f"{self._server.place}: the engine at {self._mount} is not KV version 2, which keeps versions.",
            hint=f"Upgrade it (`bao kv enable-versioning {self._mount}`), or name another in FLEETSCOPE_VAULT_MOUNT.",
        )

    def _fault(self, failure: Failure, ref: str) -> StoreError:
        """What a failure means for this reference."""
        if isinstance(failure, InvalidPath):
            return self._not_found(failure, ref)
        if isinstance(failure, InvalidRequest):
            return StoreError(f"{self._server.place} refused the request for {self._path(ref)} as malformed.")
        return self._server.unavailable(failure)

    def _not_found(self, failure: InvalidPath, ref: str) -> StoreError:
        answer = failure.json if isinstance(failure.json, dict) else {}
        if isinstance(answer.get("data"), dict):
            return self._deleted(answer["data"].get("metadata") or {}, ref)
        if failure.errors == []:
            return CredentialMissing(
                f"{self._server.place} holds nothing under {self._path(ref)}.",
                hint="Register the cluster again with its token or password file.",
            )
        if any("no handler for route" in each for each in failure.errors or []):
            return StoreError(
                f"{self._server.place} has no secrets engine at {self._mount}.",
                hint=f"Enable one (`bao secrets enable -path={self._mount} -version=2 kv`), or correct "
                "FLEETSCOPE_VAULT_MOUNT.",
            )
        return self._server.unavailable(failure)

    def _deleted(self, metadata: dict[str, Any], ref: str) -> CredentialMissing:
        number, path = metadata.get("version"), f"{self._mount} {ref}"
        if metadata.get("destroyed"):
            return CredentialMissing(
                f"{self._server.place}: version {number} of {self._path(ref)} was destroyed.",
                hint="Register the cluster again with its token or password file.",
            )
        return CredentialMissing(
            f"{self._server.place}: version {number} of {self._path(ref)} was deleted.",
            hint=f"Bring it back (`bao kv undelete -versions={number} -mount={path}`), or register the cluster again.",
        )

    def _parsed(self, ref: str, fields: dict[str, str]) -> ClusterCredential:
        try:
            return ClusterCredential.from_fields(fields)
        except ValueError as wrong:
            reason = str(wrong)
        raise StoreError(f"What {self._server.place} holds under {self._path(ref)} is no credential: {reason}.")


def _is_about_versions(failure: Failure) -> bool:
    """Whether a write was refused for its version number, or for want of one."""
    return isinstance(failure, InvalidRequest) and "check-and-set parameter" in str(failure)


def _version(metadata: dict[str, Any]) -> StoredVersion:
    return StoredVersion(metadata["version"], datetime.fromisoformat(metadata["created_time"]))
