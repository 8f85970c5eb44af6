"""The Secret that holds one cluster's credential: its name, labels and annotations, and its sealed data."""

from __future__ import annotations

import base64
import copy
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fleet.credentials import ClusterCredential
from fleet.errors import StoreError
from fleet.inventory.cluster import cluster_id
from storage.credentials.sealing import Keyring, key_of
from storage.credentials.store import StoredVersion, cluster_name

VERSION = "fleetscope/version"
CREATED_AT = "fleetscope/created-at"
KEY_ID = "fleetscope/key-id"

Document = dict[str, Any]
"""A Secret, as the API has it: what we do not know of it is given back as it was."""


@dataclass(frozen=True)
class ClusterSecret:
    """The Secret of the cluster with this name.

    Every method raises:
        StoreError: the Secret that is there is not one that fleetscope wrote, or was changed since.
    """

    cluster: str
    namespace: str

    @classmethod
    def of(cls, ref: str, namespace: str) -> ClusterSecret:
        """The Secret of a reference.

        Raises:
            UsageError: the reference is not ``clusters/NAME``.
        """
        return cls(cluster_name(ref), namespace)

    @property
    def cluster_id(self) -> str:
        """The id of the cluster: its values are bound to it."""
        return cluster_id(self.cluster)

    @property
    def name(self) -> str:
        """The Secret's name."""
        return f"aiops-cluster-{self.cluster_id}"

    @property
    def place(self) -> str:
        """The Secret as messages call it."""
        return f"the Secret {self.namespace}/{self.name} (cluster {self.cluster})"

    def document(
        self, held: Document | None, fields: dict[str, str], keyring: Keyring, version: StoredVersion
    ) -> Document:
        """The Secret with these fields, sealed; of the one that is held it keeps what is not ours.

        Args:
            held: the Secret as it was read, which the API will only replace while it is still that; None for a new one.
            fields: a credential's, in the clear.
            keyring: seals them.
            version: the credential's.
        """
        document: Document = (
            copy.deepcopy(held) if held is not None else {"apiVersion": "v1", "kind": "Secret", "type": "Opaque"}
        )
        metadata = document.setdefault("metadata", {})
        metadata |= {"name": self.name, "namespace": self.namespace}
        metadata["labels"] = (metadata.get("labels") or {}) | self._labels()
        metadata["annotations"] = (metadata.get("annotations") or {}) | {
            VERSION: str(version.number),
            CREATED_AT: version.created_at.isoformat(),
            KEY_ID: keyring.sealing_key,
        }
        sealed = {name: keyring.seal(value, self.cluster_id, name) for name, value in fields.items()}
        document["data"] = {name: base64.b64encode(value).decode() for name, value in sealed.items()}
        return document

    def _labels(self) -> dict[str, str]:
        return {
            "app.kubernetes.io/name": "fleetscope",
            "app.kubernetes.io/component": "cluster-credential",
            "app.kubernetes.io/managed-by": "fleetscope",
            "fleetscope/cluster": self.cluster,
            "fleetscope/cluster-id": self.cluster_id,
        }

    def credential(self, held: Document, keyring: Keyring) -> ClusterCredential:
        """The credential that a Secret holds."""
        try:
            return ClusterCredential.from_fields(self.fields(held, keyring))
        except ValueError as wrong:
            reason = str(wrong)
        raise StoreError(f"What {self.place} holds is no credential: {reason}.")

    def fields(self, held: Document, keyring: Keyring) -> dict[str, str]:
        """The credential's fields in the clear."""
        return {name: keyring.open(value, self.cluster_id, name, self.place) for name, value in _data(held).items()}

    def is_sealed_by(self, held: Document, key: str) -> bool:
        """Whether this key sealed all of it."""
        return {key_of(value) for value in _data(held).values()} == {key}

    def version(self, held: Document) -> StoredVersion:
        """The credential's version, as the Secret's annotations say it."""
        annotations = _annotations(held)
        number = self.number(held)
        try:
            created_at = datetime.fromisoformat(annotations.get(CREATED_AT, ""))
        except ValueError:
            created_at = None
        if number == 0 or created_at is None or created_at.tzinfo is None:
            raise StoreError(
                f"The annotations {VERSION} and {CREATED_AT} of {self.place} do not say its version.",
                hint="Register the cluster again with its token or password file.",
            )
        return StoredVersion(number, created_at)

    def number(self, held: Document) -> int:
        """The version's number; 0 where the annotation does not say it."""
        number = _annotations(held).get(VERSION, "")
        return int(number) if number.isascii() and number.isdecimal() and len(number) < 10 else 0


def _annotations(held: Document) -> dict[str, str]:
    annotations: dict[str, str] = held.get("metadata", {}).get("annotations") or {}
    return annotations


def _data(held: Document) -> dict[str, bytes]:
    """The Secret's data; the API server takes no value that is not base64."""
    return {name: base64.b64decode(value) for name, value in (held.get("data") or {}).items()}
