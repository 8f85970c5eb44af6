"""The three servers hold what is given to them, let nobody in without a secret, and keep data over a restart."""

from __future__ import annotations

import io
import urllib.error
import urllib.request
from pathlib import Path

import hvac
import psycopg
import pytest
from minio import Minio
from minio.error import S3Error

from deployments.embedded.openbao import OpenBaoPart
from deployments.embedded.part import Part
from deployments.embedded.postgres import PostgresPart
from deployments.embedded.s3 import S3Part
from deployments.embedded.state import StateDirectory
from tests.conftest import OpenBaoServer, PostgresServer, S3Server, running


def _minio(server: S3Server, secret_key: str | None = None) -> Minio:
    host = server.endpoint.removeprefix("http://")
    return Minio(host, access_key=server.access_key, secret_key=secret_key or server.secret_key, secure=False)


def test_postgres_is_version_18_and_wants_its_password(postgres_server: PostgresServer) -> None:
    dsn = postgres_server.new_database()
    with psycopg.connect(dsn, password=postgres_server.password) as connection:
        assert connection.info.server_version // 10000 == 18
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(dsn, password="wrong")


def test_s3_stores_objects_and_refuses_a_wrong_key(s3_server: S3Server) -> None:
    client = _minio(s3_server)
    client.put_object(s3_server.bucket, "a/b", io.BytesIO(b"frame"), 5)
    answer = client.get_object(s3_server.bucket, "a/b")
    assert answer.data == b"frame"
    answer.close()
    with pytest.raises(S3Error) as refusal:
        _minio(s3_server, secret_key="wrong").list_buckets()
    assert refusal.value.code == "SignatureDoesNotMatch"


def test_s3_inner_ports_do_not_hand_out_objects(servers_directory: Path, s3_server: S3Server) -> None:
    ports = S3Part(StateDirectory(servers_directory / "s3")).ports
    for name in ("s3-filer", "s3-volume"):
        with pytest.raises(urllib.error.HTTPError) as refusal:
            urllib.request.urlopen(f"http://127.0.0.1:{ports[name]}/buckets/{s3_server.bucket}/a/b", timeout=5)
        assert refusal.value.code == 401
        refusal.value.close()


def test_openbao_token_may_use_its_engine_and_nothing_else(openbao_server: OpenBaoServer) -> None:
    client = hvac.Client(url=openbao_server.url, token=openbao_server.token)
    kv = client.secrets.kv.v2
    kv.create_or_update_secret("clusters/a", {"token": "t"}, mount_point=openbao_server.mount)
    read = kv.read_secret_version("clusters/a", mount_point=openbao_server.mount, raise_on_deleted_version=True)
    assert read["data"]["data"] == {"token": "t"}
    kv.delete_metadata_and_all_versions("clusters/a", mount_point=openbao_server.mount)
    with pytest.raises(hvac.exceptions.Forbidden):
        client.sys.list_policies()


def _write(part: Part) -> None:
    match part:
        case PostgresPart():
            address = part.database()
            with psycopg.connect(address.dsn, password=address.password) as connection:
                connection.execute("CREATE TABLE kept AS SELECT 42 AS value")
        case S3Part():
            part._client().put_object("fleetscope", "kept", io.BytesIO(b"42"), 2)
        case OpenBaoPart():
            hvac.Client(part.vault.url, part.state.secret("openbao-token")).secrets.kv.v2.create_or_update_secret(
                "kept", {"value": "42"}, mount_point="fleetscope"
            )


def _read(part: Part) -> str:
    match part:
        case PostgresPart():
            address = part.database()
            with psycopg.connect(address.dsn, password=address.password) as connection:
                return str(connection.execute("SELECT value FROM kept").fetchone()[0])
        case S3Part():
            answer = part._client().get_object("fleetscope", "kept")
            value = answer.data.decode()
            answer.close()
            return value
        case OpenBaoPart():
            kv = hvac.Client(part.vault.url, part.state.secret("openbao-token")).secrets.kv.v2
            read = kv.read_secret_version("kept", mount_point="fleetscope", raise_on_deleted_version=True)
            return str(read["data"]["data"]["value"])
    raise AssertionError(part)


@pytest.mark.parametrize("kind", [PostgresPart, S3Part, OpenBaoPart])
def test_data_secrets_and_port_outlive_a_restart(kind: type[Part], tmp_path: Path) -> None:
    first = kind(StateDirectory(tmp_path))
    with running(first):
        _write(first)
    second = kind(StateDirectory(tmp_path))
    assert second.address == first.address
    with running(second):
        assert _read(second) == "42"


@pytest.mark.parametrize("kind", [PostgresPart, S3Part, OpenBaoPart])
def test_secrets_are_for_their_owner_only_and_in_no_command_line(kind: type[Part], tmp_path: Path) -> None:
    part = kind(StateDirectory(tmp_path))
    with running(part):
        secret_files = list((tmp_path / "secrets").iterdir())
        assert secret_files
        assert {path.stat().st_mode & 0o777 for path in secret_files} == {0o600}
        assert tmp_path.stat().st_mode & 0o777 == 0o700
        record = part.state.process(part.name)
        assert record is not None
        for source in (Path(f"/proc/{record.pid}/cmdline"), part.state.log_file(part.name)):
            text = source.read_text(errors="replace")
            assert not [path.name for path in secret_files if path.read_text() in text]
