"""Real servers for tests: one of each kind a test session, stopped at its end."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest

from deployments.addresses import Addresses
from deployments.embedded.control import start_stack, stop_stack
from deployments.embedded.openbao import OpenBaoPart
from deployments.embedded.part import Child, Part
from deployments.embedded.postgres import PostgresPart
from deployments.embedded.s3 import S3Part
from deployments.embedded.state import StateDirectory
from deployments.settings import Settings, load_settings


@contextmanager
def running(part: Part) -> Iterator[None]:
    """Prepare, start, wait, and stop at the end."""
    part.prepare()
    child = Child(part)
    child.start()
    try:
        child.wait_ready()
        yield
    finally:
        child.stop()


@dataclass(frozen=True)
class PostgresServer:
    """A PostgreSQL whose ``user`` is superuser. DSNs have no password in them."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)

    def dsn(self, database: str = "postgres") -> str:
        return f"postgresql://{self.user}@{self.host}:{self.port}/{database}"

    def new_database(self) -> str:
        """Create an empty database and return its DSN."""
        name = f"test_{uuid.uuid4().hex[:12]}"
        with psycopg.connect(self.dsn(), password=self.password, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return self.dsn(name)


@dataclass(frozen=True)
class S3Server:
    """An S3 server with one bucket; the key may create others. ``endpoint`` is a URL (http)."""

    endpoint: str
    bucket: str
    access_key: str
    secret_key: str = field(repr=False)


@dataclass(frozen=True)
class OpenBaoServer:
    """An OpenBao with a KV v2 engine at ``mount``; ``token`` may use that engine only, ``root_token`` all."""

    url: str
    mount: str
    token: str = field(repr=False)
    root_token: str = field(repr=False)


@pytest.fixture(scope="session")
def servers_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("servers")


@pytest.fixture(scope="session")
def postgres_server(servers_directory: Path) -> Iterator[PostgresServer]:
    part = PostgresPart(StateDirectory(servers_directory / "postgres"))
    with running(part):
        yield PostgresServer("127.0.0.1", part.port, "postgres", part.database("postgres").password)


@pytest.fixture(scope="session")
def s3_server(servers_directory: Path) -> Iterator[S3Server]:
    part = S3Part(StateDirectory(servers_directory / "s3"))
    with running(part):
        store = part.store
        yield S3Server(store.endpoint, store.bucket, store.access_key, store.secret_key)


@pytest.fixture(scope="session")
def openbao_server(servers_directory: Path) -> Iterator[OpenBaoServer]:
    part = OpenBaoPart(StateDirectory(servers_directory / "openbao"))
    with running(part):
        root_token = part.state.secret("openbao-root-token")
        yield OpenBaoServer(part.address, part.vault.mount, part.state.secret("openbao-token"), root_token)


@dataclass(frozen=True)
class RunningStack:
    """A whole embedded stack (``fleetscope up``) whose worker serves ``tests/served.py``."""

    settings: Settings
    addresses: Addresses


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    settings = load_settings(state_dir=tmp_path_factory.mktemp("stack"), deployments_module="tests.served")
    with pytest.MonkeyPatch.context() as patch:
        # The worker and its flow runs import the tests' own flows.
        patch.setenv("PYTHONPATH", str(Path(__file__).parent.parent), prepend=os.pathsep)
        try:
            yield RunningStack(settings, start_stack(settings))
        finally:
            stop_stack(settings)
