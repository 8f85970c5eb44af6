"""Stores over the real servers: a fresh database for each test, copied from one that was migrated once."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from pydantic import SecretStr

from storage.credentials.vault import VaultCredentialStore
from storage.database import Database
from storage.objects import ObjectStore
from tests.conftest import OpenBaoServer, PostgresServer, S3Server


@pytest.fixture(scope="session")
def migrated_template(postgres_server: PostgresServer) -> str:
    """The name of a database whose tables are there and empty."""
    dsn = postgres_server.new_database()
    database = Database(dsn, SecretStr(postgres_server.password))
    database.migrate()
    database.close()
    return dsn.rpartition("/")[2]


@pytest.fixture
def database(postgres_server: PostgresServer, migrated_template: str) -> Iterator[Database]:
    name = f"test_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(postgres_server.dsn(), password=postgres_server.password, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {migrated_template}")
    database = Database(postgres_server.dsn(name), SecretStr(postgres_server.password))
    yield database
    database.close()


@pytest.fixture
def objects(s3_server: S3Server) -> ObjectStore:
    """The session's bucket: each new one costs the server several volumes; tests meet there under keys of their own."""
    store = ObjectStore(s3_server.endpoint, s3_server.access_key, SecretStr(s3_server.secret_key), s3_server.bucket)
    store.ensure_bucket()
    return store


@pytest.fixture
def token_file(openbao_server: OpenBaoServer, tmp_path: Path) -> Path:
    file = tmp_path / "token"
    file.write_text(openbao_server.token + "\n", encoding="utf-8")
    return file


@pytest.fixture
def credentials(openbao_server: OpenBaoServer, token_file: Path) -> VaultCredentialStore:
    return VaultCredentialStore(openbao_server.url, token_file, mount=openbao_server.mount)
