"""The object store: an S3 bucket with frames and reports.

Objects are never overwritten by other bytes: a key made by ``content_key`` carries a part of the bytes' hash. Two
writers of one chunk, or a rerun that read something else, leave two objects, and whichever row is written last names
an object that is whole; evidence that points at an earlier one goes on pointing at the same bytes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from io import BytesIO
from mmap import ACCESS_READ, mmap
from pathlib import Path
from tempfile import TemporaryFile
from urllib.parse import urlsplit

import urllib3
from minio import Minio
from minio.deleteobjects import DeleteObject
from minio.error import InvalidResponseError, MinioException, S3Error, ServerError
from pydantic import SecretStr
from urllib3.exceptions import HTTPError, MaxRetryError, SSLError

from fleet.errors import CorruptObject, NotFound, StoreError, StoreUnavailable, UsageError

CONNECT_TIMEOUT_SECONDS = 3.0
READ_TIMEOUT_SECONDS = 60.0
RETRIES = 2
CONNECTIONS = 16
PART_BYTES = 64 * 2**20
"""Objects up to this size are sent in one request, larger ones in parts."""
STREAM_BYTES = 2**20
REGION = "us-east-1"
"""What servers other than Amazon's take; naming one saves a request that asks for it."""

_PART = re.compile(r"[A-Za-z0-9_=-][A-Za-z0-9._=:+-]{0,199}")
_PASSING = {"SlowDown", "ServiceUnavailable", "InternalError", "RequestTimeout", "OperationAborted"}
_REFUSED = {
    "InvalidAccessKeyId": "The access key is not known there.",
    "SignatureDoesNotMatch": "The secret key is wrong.",
    "AccessDenied": "The key may not do this in this bucket.",
    "NoSuchBucket": "The bucket does not exist.",
    "RequestTimeTooSkewed": "The clocks of this machine and of the server differ too much.",
}


def content_hash(data: bytes) -> str:
    """SHA-256 of the bytes in hexadecimal digits."""
    return sha256(data).hexdigest()


def content_key(stem: str, data: bytes, extension: str) -> str:
    """The key of these bytes: ``<stem>-<16 digits of their hash>.<extension>``."""
    return f"{stem}-{content_hash(data)[:16]}.{extension}"


@dataclass(frozen=True)
class ListedObject:
    """An object as a listing shows it; ``modified_at`` is when its bytes were put, by the server's clock (UTC)."""

    key: str
    size_bytes: int
    modified_at: datetime


class ObjectStore:
    """One bucket of an S3 server; safe to share between threads.

    Args:
        endpoint: the server's URL (``https://s3.example:9000``), or ``host:port`` where ``secure`` decides on TLS.
        access_key: the key's id.
        secret_key: its secret; used for signatures only, never sent.
        bucket: where everything lies.
        secure: TLS, for an endpoint without a scheme.
        ca_file: PEM of the authority that signed the server's certificate; None for the machine's trust store.

    Every method raises StoreUnavailable when the server cannot be reached just now, and StoreError when it refuses.
    """

    def __init__(
        self,
        endpoint: str,
        access_key: str,
        secret_key: SecretStr,
        bucket: str,
        *,
        secure: bool = True,
        ca_file: Path | None = None,
    ) -> None:
        host, self._secure = _host_of(endpoint, secure=secure)
        self._host, self._bucket = host, bucket
        pool = urllib3.PoolManager(
            maxsize=CONNECTIONS,
            timeout=urllib3.Timeout(connect=CONNECT_TIMEOUT_SECONDS, read=READ_TIMEOUT_SECONDS),
            retries=urllib3.Retry(
                total=RETRIES, backoff_factor=0.2, status_forcelist=(500, 502, 503, 504), raise_on_status=False
            ),
            cert_reqs="CERT_REQUIRED",
            ca_certs=str(ca_file) if ca_file else None,
        )
        self._client = Minio(
            host,
            access_key=access_key,
            secret_key=secret_key.get_secret_value(),
            secure=self._secure,
            region=REGION,
            http_client=pool,
        )

    def __repr__(self) -> str:
        return f"ObjectStore({self.address!r})"

    @property
    def address(self) -> str:
        """URL and bucket, as messages show them."""
        return f"{'https' if self._secure else 'http'}://{self._host}/{self._bucket}"

    def ensure_bucket(self) -> None:
        """Make the bucket unless it is there."""
        with self._explained():
            if self._client.bucket_exists(self._bucket):
                return
            try:
                self._client.make_bucket(self._bucket)
            except S3Error as failure:
                # Another process was faster.
                if failure.code not in {"BucketAlreadyOwnedByYou", "BucketAlreadyExists"}:
                    raise

    def put(self, key: str, data: bytes, content_type: str) -> str:
        """Store bytes under a key and return their hash (SHA-256, hexadecimal)."""
        _check_key(key)
        with self._explained():
            self._client.put_object(
                self._bucket,
                key,
                BytesIO(data),
                len(data),
                content_type=content_type,
                part_size=PART_BYTES,
                num_parallel_uploads=1,
            )
        return content_hash(data)

    def get(self, key: str, expected_hash: str) -> bytes:
        """The bytes under a key.

        Raises:
            NotFound: there are none.
            CorruptObject: they do not have the expected hash.
        """
        _check_key(key)
        with self._explained(), closing(self._client.get_object(self._bucket, key)) as answer:
            data = bytes(answer.read())
            answer.release_conn()
        if content_hash(data) != expected_hash:
            raise self._corrupt(key, len(data))
        return data

    def get_mapped(self, key: str, expected_hash: str) -> mmap:
        """The bytes under a key as a mapped temporary file without a name: the system's to keep in memory, or not.

        Raises:
            NotFound: there are none.
            CorruptObject: they do not have the expected hash.
        """
        _check_key(key)
        digest, size = sha256(), 0
        with TemporaryFile() as file:
            with self._explained(), closing(self._client.get_object(self._bucket, key)) as answer:
                for piece in answer.stream(STREAM_BYTES):
                    digest.update(piece)
                    size += file.write(piece)
                answer.release_conn()
            if digest.hexdigest() != expected_hash or not size:
                raise self._corrupt(key, size)
            file.flush()
            return mmap(file.fileno(), 0, access=ACCESS_READ)

    def exists(self, key: str) -> bool:
        """Whether there is an object under a key."""
        _check_key(key)
        try:
            with self._explained():
                self._client.stat_object(self._bucket, key)
        except NotFound:
            return False
        return True

    def delete(self, key: str) -> None:
        """Delete what is under a key, if anything is."""
        _check_key(key)
        with self._explained():
            self._client.remove_object(self._bucket, key)

    def delete_all(self, keys: Sequence[str]) -> None:
        """Delete what is under any of these keys, a thousand in one request."""
        for key in keys:
            _check_key(key)
        with self._explained():
            for error in self._client.remove_objects(self._bucket, [DeleteObject(key) for key in keys]):
                raise StoreError(f"S3 at {self.address} did not delete {error.name}: {error.code}.")

    def under(self, folder: str) -> Iterator[ListedObject]:
        """Every object whose key begins with a folder's name and a slash, in order of key, as the pages come."""
        _check_key(folder)
        with self._explained():
            for each in self._client.list_objects(self._bucket, prefix=f"{folder}/", recursive=True):
                yield ListedObject(each.object_name, each.size, each.last_modified)

    def folders(self, folder: str) -> list[str]:
        """Names of the folders in a folder."""
        _check_key(folder)
        with self._explained():
            found = self._client.list_objects(self._bucket, prefix=f"{folder}/")
            return [each.object_name.rstrip("/").rpartition("/")[2] for each in found if each.is_dir]

    def presigned_get(self, key: str, lifetime: timedelta) -> str:
        """A URL from which anyone can read the object for a while: hand it only to those who may."""
        _check_key(key)
        with self._explained():
            return self._client.presigned_get_object(self._bucket, key, expires=lifetime)

    def _corrupt(self, key: str, size: int) -> CorruptObject:
        return CorruptObject(
            f"The object {key} in {self.address} is not what was stored: its {size} bytes have another hash."
        )

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except S3Error as failure:
            raise self._refused(failure) from failure
        except (ServerError, InvalidResponseError) as failure:
            raise self._unavailable(f"it answered {_first_line(failure)}") from failure
        except MinioException as failure:
            raise StoreError(f"S3 at {self.address}: {_first_line(failure)}.") from failure
        except MaxRetryError as failure:
            if isinstance(failure.reason, SSLError):
                raise StoreError(
                    f"S3 at {self.address}: the server's certificate was not accepted: {failure.reason}.",
                    hint="Name the authority that signed it, or correct the address.",
                ) from failure
            raise self._unavailable(type(failure.reason or failure).__name__) from failure
        except HTTPError as failure:
            raise self._unavailable(type(failure).__name__) from failure

    def _refused(self, failure: S3Error) -> StoreError | NotFound:
        code = failure.code or "an unknown code"
        if code in {"NoSuchKey", "NoSuchObject"}:
            return NotFound(f"There is no object {failure.object_name} in {self.address}.")
        if code in _PASSING:
            return self._unavailable(f"it answered {code}")
        return StoreError(f"S3 at {self.address} refused: {code}.", hint=_REFUSED.get(code, ""))

    def _unavailable(self, why: str) -> StoreUnavailable:
        return StoreUnavailable(
            f"S3 at {self.address} cannot be reached just now: {why}.",
            hint="Check that it runs (`fleetscope status`) and that FLEETSCOPE_* names the right address.",
        )


def _host_of(endpoint: str, *, secure: bool) -> tuple[str, bool]:
    parts = urlsplit(endpoint if "://" in endpoint else f"{'https' if secure else 'http'}://{endpoint}")
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username or parts.path not in {"", "/"}:
        raise UsageError("The S3 endpoint must be http(s)://host:port, without a path, a user or a password.")
    return parts.netloc, parts.scheme == "https"


def _check_key(key: str) -> None:
    """Refuse keys that could mean another place: empty parts, ``.``, ``..``, anything but plain characters."""
    if len(key) > 900 or any(not _PART.fullmatch(part) for part in key.split("/")):
        raise UsageError(f"{key[:100]!r} cannot be an object's key.")


def _first_line(failure: Exception) -> str:
    return (str(failure).strip() or type(failure).__name__).splitlines()[0][:200]
