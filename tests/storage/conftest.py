"""Stores over the real servers: one database and one bucket for all tests, the tables emptied for each."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import text

from storage.credentials.vault import VaultCredentialStore
from storage.credentials.vault_login import TokenFile
from storage.credentials.vault_server import VaultServer
from storage.database import Database
from storage.objects import ObjectStore
from storage.tables import METADATA
from tests.conftest import OpenBaoServer, PostgresServer, S3Server


@pytest.fixture(scope="session")
def migrated_dsn(postgres_server: PostgresServer) -> str:
    """A database whose tables are there; a new one for each test would cost the server's disk too much."""
    dsn = postgres_server.new_database()
    database = Database(dsn, SecretStr(postgres_server.password))
    database.migrate()
    database.close()
    return dsn


@pytest.fixture
def database(postgres_server: PostgresServer, migrated_dsn: str) -> Iterator[Database]:
    database = Database(migrated_dsn, SecretStr(postgres_server.password))
    with database.session() as session:
        session.connection().execute(text(f"TRUNCATE {', '.join(METADATA.tables)}"))
    yield database
    database.close()


@pytest.fixture
def objects(s3_server: S3Server) -> ObjectStore:
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
    return VaultCredentialStore(
        VaultServer(openbao_server.url), TokenFile(token_file=token_file), mount=openbao_server.mount
    )
