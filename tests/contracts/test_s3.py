"""The object store on an S3 server: what is put comes back whole, and only to those who may have it."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import timedelta

import pytest
import urllib3
from pydantic import SecretStr

from fleet.errors import CorruptObject, NotFound, StoreError
from storage.objects import ObjectStore, content_hash
from tests.conftest import S3Server

TEXT = "text/plain"


@pytest.fixture
def objects(contract_s3: S3Server) -> ObjectStore:
    store = opened(contract_s3, contract_s3.secret_key)
    store.ensure_bucket()
    return store


@pytest.fixture
def key(objects: ObjectStore) -> Iterator[str]:
    key = f"contract/{uuid.uuid4().hex}/object.txt"
    yield key
    objects.delete(key)


def opened(server: S3Server, secret_key: str, bucket: str = "") -> ObjectStore:
    return ObjectStore(server.endpoint, server.access_key, SecretStr(secret_key), bucket or server.bucket)


def status(url: str) -> tuple[int, bytes]:
    with urllib3.PoolManager() as pool:
        answer = pool.request("GET", url)
        return answer.status, answer.data


@pytest.mark.parametrize("data", [b"", b"one", bytes(range(256)) * 40_000], ids=["empty", "short", "10 MB"])
def test_bytes_come_back(objects: ObjectStore, key: str, data: bytes) -> None:
    digest = objects.put(key, data, TEXT)
    assert digest == content_hash(data)
    assert objects.exists(key)
    assert objects.get(key, digest) == data
    with pytest.raises(CorruptObject):
        objects.get(key, content_hash(b"something else"))


def test_what_is_deleted_or_was_never_there(objects: ObjectStore, key: str) -> None:
    digest = objects.put(key, b"one", TEXT)
    for _ in range(2):
        objects.delete(key)
    assert not objects.exists(key)
    with pytest.raises(NotFound):
        objects.get(key, digest)


def test_a_link_opens_one_object_and_none_beside_it(objects: ObjectStore, key: str) -> None:
    objects.put(key, b"one", TEXT)
    url = objects.presigned_get(key, timedelta(minutes=1))
    assert status(url) == (200, b"one")
    assert status(url.replace("object.txt", "other.txt"))[0] == 403
    assert status(url.partition("?")[0])[0] == 403


def test_a_wrong_secret_is_refused(contract_s3: S3Server, key: str) -> None:
    with pytest.raises(StoreError, match="SignatureDoesNotMatch") as refused:
        opened(contract_s3, "not-the-secret").put(key, b"one", TEXT)
    assert not refused.value.retriable


def test_a_bucket_that_is_not_there(contract_s3: S3Server, key: str) -> None:
    with pytest.raises(StoreError):
        opened(contract_s3, contract_s3.secret_key, f"absent-{uuid.uuid4().hex[:12]}").put(key, b"one", TEXT)
