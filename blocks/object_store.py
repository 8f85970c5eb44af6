"""The Prefect block for S3."""

from __future__ import annotations

from pathlib import Path

from prefect.blocks.core import Block
from pydantic import Field

from storage.objects import ObjectStore
from storage.secret_file import read_secret


class FleetObjects(Block):
    """Where frames and reports are kept. The secret key stays in a file that the worker can read."""

    _block_type_name = "Fleet objects"
    _block_type_slug = "fleet-objects"
    _description = "S3 bucket (MinIO, SeaweedFS, …) that keeps frames and reports."

    endpoint: str = Field(description="URL of the S3 API, for example https://s3.example:9000")
    bucket: str = Field(description="Bucket; made when it does not exist")
    access_key: str = Field(description="Access key id")
    secret_key_file: Path = Field(description="File on the worker that holds the secret key")

    def open(self) -> ObjectStore:
        """An object store; the bucket is there when this returns."""
        store = ObjectStore(self.endpoint, self.access_key, read_secret(self.secret_key_file), self.bucket)
        store.ensure_bucket()
        return store
