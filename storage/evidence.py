"""Evidence objects: answers that an investigation asked for and that no frame holds."""

from __future__ import annotations

from storage.objects import ObjectStore, content_key

CONTENT_TYPES = {"parquet": "application/vnd.apache.parquet", "json": "application/json"}


class EvidenceStore:
    """Bytes of evidence, under ``evidence/<investigation id>/<evidence id>-<hash>.<extension>``.

    Every method raises StoreUnavailable or StoreError when the object store does.
    """

    def __init__(self, objects: ObjectStore) -> None:
        self._objects = objects

    def put(self, investigation_id: str, evidence_id: str, data: bytes, extension: str) -> tuple[str, str]:
        """Store an answer (``parquet`` or ``json``); returns key and hash, which the evidence then names."""
        key = content_key(f"evidence/{investigation_id}/{evidence_id}", data, extension)
        return key, self._objects.put(key, data, CONTENT_TYPES[extension])

    def get(self, object_key: str, expected_hash: str) -> bytes:
        """The bytes of an answer.

        Raises:
            NotFound: they are gone.
            CorruptObject: they are not what was stored.
        """
        return self._objects.get(object_key, expected_hash)
