from __future__ import annotations

import socket
import traceback
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from threading import Thread

import pytest
import urllib3
from pydantic import SecretStr

from fleet.errors import CorruptObject, FleetscopeError, NotFound, StoreError, StoreUnavailable, UsageError
from fleet.reports.record import ReportFormat, ReportKind, ReportRecord
from storage.objects import ObjectStore, content_hash
from storage.report_objects import ReportObjectStore
from tests.conftest import S3Server
from tests.storage.entities import T0, hours

TEXT = "text/plain"
SECRET = "a-secret-key-77c1"


def test_bytes_come_back_by_their_hash(objects: ObjectStore) -> None:
    digest = objects.put("frames/a=b/2026.txt", b"one", TEXT)
    assert digest == content_hash(b"one")
    assert objects.get("frames/a=b/2026.txt", digest) == b"one"
    assert objects.exists("frames/a=b/2026.txt")
    objects.delete("frames/a=b/2026.txt")
    objects.delete("frames/a=b/2026.txt")
    assert not objects.exists("frames/a=b/2026.txt")
    with pytest.raises(NotFound):
        objects.get("frames/a=b/2026.txt", digest)


def test_an_empty_and_a_large_object(objects: ObjectStore) -> None:
    for data in (b"", bytes(range(256)) * 40_000):
        assert objects.get("x", objects.put("x", data, TEXT)) == data


@pytest.mark.parametrize("stored", [b"on", b"onf", b""])
def test_other_bytes_are_corrupt(objects: ObjectStore, stored: bytes) -> None:
    objects.put("x", stored, TEXT)
    with pytest.raises(CorruptObject, match="another hash"):
        objects.get("x", content_hash(b"one"))


@pytest.mark.parametrize(
    "key", ["", "/a", "a/", "a//b", "../a", "a/../b", "a/.", "a b", "a\nb", "a%2e", "ä", ".hidden", "a/" * 600 + "b"]
)
def test_keys_that_could_mean_another_place_are_refused(objects: ObjectStore, key: str) -> None:
    with pytest.raises(UsageError):
        objects.put(key, b"", TEXT)
    with pytest.raises(UsageError):
        objects.presigned_get(key, timedelta(minutes=1))


def test_a_presigned_url_reads_one_object_for_a_while(objects: ObjectStore) -> None:
    objects.put("reports/a.txt", b"one", TEXT)
    url = objects.presigned_get("reports/a.txt", timedelta(minutes=1))
    with urllib3.PoolManager() as pool:
        assert pool.request("GET", url).data == b"one"
        assert pool.request("GET", url.replace("a.txt", "b.txt")).status == 403
        assert pool.request("GET", url.partition("?")[0]).status == 403


def test_the_bucket_is_made_once_however_often_it_is_asked_for(s3_server: S3Server) -> None:
    store = ObjectStore(
        s3_server.endpoint, s3_server.access_key, SecretStr(s3_server.secret_key), f"new-{uuid.uuid4().hex[:12]}"
    )
    with pytest.raises(StoreError, match="NoSuchBucket"):
        store.put("a", b"", TEXT)
    threads = [Thread(target=store.ensure_bucket) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.put("a", b"", TEXT)


def shown(failure: pytest.ExceptionInfo[FleetscopeError]) -> str:
    return "".join(traceback.format_exception(failure.value))


@pytest.mark.parametrize(("wrong", "code"), [("secret", "SignatureDoesNotMatch"), ("key", "InvalidAccessKeyId")])
def test_a_wrong_key_is_refused_and_not_shown(s3_server: S3Server, wrong: str, code: str) -> None:
    access_key = "nobody" if wrong == "key" else s3_server.access_key
    store = ObjectStore(s3_server.endpoint, access_key, SecretStr(SECRET), s3_server.bucket)
    with pytest.raises(StoreError, match=code) as refused:
        store.put("a", b"", TEXT)
    assert not refused.value.retriable
    assert SECRET not in shown(refused) + repr(store)


@contextmanager
def answering(answer: bytes) -> Iterator[str]:
    """A server that gives one answer to everything and hangs up: what no real S3 server does on request."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    connection.recv(65536)
                    connection.sendall(answer)

        thread = Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        server.shutdown(socket.SHUT_RDWR)
        thread.join()


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this",
        b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/html\r\nContent-Length: 6\r\n\r\n<html>",
        b"",
    ],
)
def test_answers_that_break_off_or_fail_are_an_outage(answer: bytes) -> None:
    with answering(answer) as endpoint:
        store = ObjectStore(endpoint, "key", SecretStr(SECRET), "bucket")
        with pytest.raises(StoreUnavailable) as failure:
            store.get("a", content_hash(b""))
    assert failure.value.retriable
    assert SECRET not in shown(failure)


def test_nobody_at_the_address_is_an_outage() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    store = ObjectStore(f"127.0.0.1:{port}", "key", SecretStr(SECRET), "bucket", secure=False)
    with pytest.raises(StoreUnavailable, match="cannot be reached just now: NewConnectionError"):
        store.ensure_bucket()


@pytest.mark.parametrize("endpoint", ["ftp://host", "http://user:secret@host", "http://host/path", "http://"])
def test_an_endpoint_that_is_none_is_refused(endpoint: str) -> None:
    with pytest.raises(UsageError):
        ObjectStore(endpoint, "key", SecretStr(SECRET), "bucket")


def test_reports_lie_by_kind_and_are_deleted_whole(objects: ObjectStore) -> None:
    store = ReportObjectStore(objects)
    forms = {form: store.put(ReportKind.FLEET, "r1", form, form.value.encode()) for form in ReportFormat}
    record = ReportRecord(id="r1", kind=ReportKind.FLEET, title="t", created_at=T0, window=hours(0, 1), formats=forms)
    pdf = forms[ReportFormat.PDF]
    assert pdf.object_key.startswith("reports/fleet/r1-")
    assert pdf.object_key.endswith(".pdf")
    assert store.get(pdf) == b"pdf"
    rerun = store.put(ReportKind.FLEET, "r1", ReportFormat.PDF, b"other bytes")
    assert (store.get(pdf), store.get(rerun)) == (b"pdf", b"other bytes")
    store.delete(record)
    with pytest.raises(NotFound):
        store.get(pdf)
