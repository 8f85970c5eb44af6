from __future__ import annotations

from collections.abc import Iterator

import pytest
from pydantic import SecretStr

from storage.database import Database
from storage.objects import ObjectStore
from storage.stores import Stores
from tests.conftest import PostgresServer


@pytest.fixture
def stores(postgres_server: PostgresServer) -> Iterator[Stores]:
    """Stores over a database of their own, for what reads no object and no secret."""
    database = Database(postgres_server.new_database(), SecretStr(postgres_server.password))
    database.migrate()
    nowhere = ObjectStore("http://127.0.0.1:9", "nobody", SecretStr("nothing"), "none")
    yield Stores.over(database, nowhere, credentials=None)  # type: ignore[arg-type]
    database.close()
