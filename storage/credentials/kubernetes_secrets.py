"""Credentials in Kubernetes Secrets, one a cluster, each value sealed before it leaves this process."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from fleet.credentials import ClusterCredential, CredentialSource
from fleet.errors import CredentialConflict, CredentialMissing, StoreError, StoreUnavailable
from storage.credentials.cache import CredentialCache
from storage.credentials.kubernetes_access import InCluster, KubeconfigFile
from storage.credentials.kubernetes_api import SecretChanged, SecretsApi
from storage.credentials.sealing import Keyring, read_keyring
from storage.credentials.secret_document import ClusterSecret, Document
from storage.credentials.store import StoredSource, StoredVersion, fields_of

_ATTEMPTS = 20
_LONGEST_PAUSE_SECONDS = 0.2

_log = logging.getLogger(__name__)


class KubernetesCredentialStore:
    """A ``CredentialStore`` in the Secrets of one namespace; safe to share between threads.

    A Secret is named ``aiops-cluster-CLUSTER_ID``. Its data are the credential's fields, sealed by the keyring's first
    key; what an older key sealed is sealed anew when it is next read or written. Versions are counted in an annotation,
    and Kubernetes' ``resourceVersion`` sees to it that of several writers one wins.

    Args:
        api: the namespace's Secrets.
        keyring_file: the keys; read for each request, so that keys may be added at any time.
        clock: monotonic seconds, for the cache.
    """

    def __init__(self, api: SecretsApi, keyring_file: Path, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._api = api
        self._keyring_file = keyring_file
        self._cache = CredentialCache(clock)

    @classmethod
    def at(cls, kubeconfig_file: Path | None, namespace: str, keyring_file: Path) -> Self:
        """A store over the API server of a kubeconfig, or of the cluster that this process is a pod of."""
        access = InCluster() if kubeconfig_file is None else KubeconfigFile(kubeconfig_file)
        return cls(SecretsApi(access, namespace), keyring_file)

    def __repr__(self) -> str:
        return f"KubernetesCredentialStore(namespace={self._api.namespace!r})"

    def put(self, ref: str, credential: ClusterCredential, *, replaces: int | None = None) -> StoredVersion:
        """Keep a credential as the reference's new version; see ``CredentialStore.put``."""
        secret, fields = self._secret(ref), fields_of(credential)
        keyring = read_keyring(self._keyring_file)
        try:
            return self._put(secret, fields, keyring, replaces)
        finally:
            # Also when it is not known whether the server wrote.
            self._cache.forget(ref)

    def get(self, ref: str, *, refresh: bool = False) -> ClusterCredential:
        """The current version's credential; see ``CredentialStore.get``."""
        secret = self._secret(ref)
        return self._cache.get(ref, lambda: self._read(secret), refresh=refresh)

    def version(self, ref: str) -> StoredVersion | None:
        """The current version; None when the reference holds nothing."""
        secret = self._secret(ref)
        held = self._api.read(secret.name)
        return None if held is None else secret.version(held)

    def delete(self, ref: str) -> None:
        """Forget a credential; nothing happens when there is none. Kubernetes keeps no earlier versions."""
        self._api.delete(self._secret(ref).name)
        self._cache.forget(ref)

    def source(self, ref: str, endpoint: str) -> CredentialSource:
        """What an endpoint's collector is given; see ``CredentialStore.source``."""
        return StoredSource(self, ref, endpoint)

    def _secret(self, ref: str) -> ClusterSecret:
        return ClusterSecret.of(ref, self._api.namespace)

    def _put(
        self, secret: ClusterSecret, fields: dict[str, str], keyring: Keyring, replaces: int | None
    ) -> StoredVersion:
        for _ in range(_ATTEMPTS):
            held = self._api.read(secret.name)
            number = 0 if held is None else secret.number(held)
            if replaces is not None and (replaces != number or (replaces == 0 and held is not None)):
                raise CredentialConflict(
                    f"{secret.place} holds version {number}, not the version {replaces} that is to be replaced.",
                    hint="Somebody changed it meanwhile: look at it, then try again.",
                )
            version = StoredVersion(number + 1, datetime.now(UTC))
            if self._written(secret, held, secret.document(held, fields, keyring, version)):
                return version
            # Those who write at once would meet again.
            time.sleep(random.uniform(0, _LONGEST_PAUSE_SECONDS))  # noqa: S311 - no secret
        raise StoreUnavailable(f"{secret.place} is being written by others all the time.")

    def _written(self, secret: ClusterSecret, held: Document | None, document: Document) -> bool:
        """Whether a document could be written: not when somebody else was faster."""
        try:
            if held is None:
                self._api.create(document)
            else:
                self._api.replace(secret.name, document)
        except SecretChanged:
            return False
        return True

    def _read(self, secret: ClusterSecret) -> ClusterCredential:
        held = self._api.read(secret.name)
        if held is None:
            raise CredentialMissing(
                f"There is no {secret.place}.", hint="Register the cluster again with its token or password file."
            )
        keyring = read_keyring(self._keyring_file)
        credential = secret.credential(held, keyring)
        if not secret.is_sealed_by(held, keyring.sealing_key):
            self._reseal(secret, held, keyring)
        return credential

    def _reseal(self, secret: ClusterSecret, held: Document, keyring: Keyring) -> None:
        """Seal the same version by the keyring's first key; what prevents it is no reason not to use the credential."""
        try:
            resealed = secret.document(held, secret.fields(held, keyring), keyring, secret.version(held))
            done = self._written(secret, held, resealed)
        except StoreError as failure:
            _log.warning("%s could not be sealed by the key %s: %s", secret.place, keyring.sealing_key, failure)
        else:
            if done:
                _log.info("%s is sealed by the key %s now.", secret.place, keyring.sealing_key)
