from __future__ import annotations

import math
import subprocess
import sys
import time
import traceback
from datetime import UTC, datetime

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from pydantic import SecretStr
from sqlalchemy import text

from deployments.embedded.part import Child
from deployments.embedded.postgres import PostgresPart
from deployments.embedded.state import StateDirectory
from fleet.errors import StoreError, StoreUnavailable, UsageError
from storage.clusters import ClusterStore
from storage.database import Database
from storage.findings import FindingStore
from storage.inventories import ChangeStore
from storage.tables import METADATA
from tests.conftest import PostgresServer
from tests.storage.entities import CLUSTER, finding, hours, scan, subject

MIGRATE = """
import sys
from pydantic import SecretStr
from storage.database import Database
database = Database(sys.argv[1], SecretStr(sys.stdin.readline().strip()))
database.migrate()
database.migrate()
"""


WAITING = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
LOCK = "SELECT {}(hashtextextended('fleetscope:migrate', 0))"


def test_concurrent_processes_migrate_an_empty_database_without_drift(postgres_server: PostgresServer) -> None:
    dsn = postgres_server.new_database()
    with psycopg.connect(dsn, password=postgres_server.password, autocommit=True) as gate:
        gate.execute(LOCK.format("pg_advisory_lock"))
        processes = [
            subprocess.Popen([sys.executable, "-W", "error", "-c", MIGRATE, dsn], stdin=subprocess.PIPE, text=True)
            for _ in range(2)
        ]
        for process in processes:
            assert process.stdin is not None
            process.stdin.write(postgres_server.password + "\n")
            process.stdin.flush()
        deadline = time.monotonic() + 60
        while gate.execute(WAITING).fetchone() != (2,):
            assert time.monotonic() < deadline, "two processes never stood at the lock together"
            time.sleep(0.05)
        gate.execute(LOCK.format("pg_advisory_unlock"))
    for process in processes:
        process.communicate(timeout=60)
    assert [process.returncode for process in processes] == [0, 0]

    database = Database(dsn, SecretStr(postgres_server.password))
    with database.engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"version_table": "fleetscope_version", "compare_type": True}
        )
        assert compare_metadata(context, METADATA) == []
        assert context.get_current_heads() == ("0006",)
    database.close()


def test_a_server_that_restarts_is_unavailable_and_then_serves_again(tmp_path_factory: pytest.TempPathFactory) -> None:
    part = PostgresPart(StateDirectory(tmp_path_factory.mktemp("restarting")))
    part.prepare()
    child = Child(part)
    address = part.database()
    database = Database(address.dsn, SecretStr(address.password))
    try:
        child.start()
        child.wait_ready()
        database.migrate()
        with pytest.raises(StoreUnavailable), database.session() as session:
            session.connection().execute(text("SELECT 1"))
            child.stop()
            session.connection().execute(text("SELECT 1"))
        with pytest.raises(StoreUnavailable, match="cannot be reached just now") as refused:
            ClusterStore(database).list()
        assert refused.value.retriable
        assert address.password not in "".join(traceback.format_exception(refused.value))
        child.start()
        child.wait_ready()
        assert ClusterStore(database).list() == []
    finally:
        child.stop()
        database.close()


def test_pooled_connections_that_the_server_ended_are_replaced(database: Database) -> None:
    with database.session() as session:
        session.connection().execute(text("SELECT 1"))
    other = Database(database.engine.url.set(drivername="postgresql").render_as_string(), database._password)
    with other.session() as session:
        ended = session.connection().execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        )
        assert ended.scalars().all() == [True]
    other.close()
    database.check()


def test_a_wrong_password_is_no_outage_and_no_secret_is_shown(postgres_server: PostgresServer) -> None:
    secret = "not-the-password-5d1f"
    database = Database(postgres_server.dsn(), SecretStr(secret))
    with pytest.raises(StoreError, match="let nobody in") as refused:
        database.check()
    assert not isinstance(refused.value, StoreUnavailable)
    shown = "".join(traceback.format_exception(refused.value)) + repr(database) + repr(database.engine)
    assert secret not in shown
    database.close()


def test_a_database_that_does_not_exist_is_said_so(postgres_server: PostgresServer) -> None:
    database = Database(postgres_server.dsn("nowhere"), SecretStr(postgres_server.password))
    with pytest.raises(StoreError, match="does not exist") as refused:
        database.check()
    assert not refused.value.retriable
    database.close()


@pytest.mark.parametrize(
    "dsn",
    ["postgresql://user:s3cret@host/db", "postgresql://host/db?password=s3cret", "mysql://host/db", "not a dsn s3cret"],
)
def test_an_address_with_a_password_or_of_something_else_is_refused(dsn: str) -> None:
    with pytest.raises(UsageError) as refused:
        Database(dsn)
    assert "s3cret" not in "".join(traceback.format_exception(refused.value))


def test_numbers_that_json_has_not_are_refused_loudly(database: Database) -> None:
    with pytest.raises(StoreError, match=r"Refused to store Finding\.score: nan"):
        FindingStore(database).record(
            CLUSTER, scan("scan-1", hours(0, 1)), [finding(hours(0, 1), score=math.nan)], seen_queries=[]
        )
    assert FindingStore(database).list() == []


def test_naive_times_are_refused(database: Database) -> None:
    from fleet.inventory.change import Change, ChangeKind

    naive = Change(
        cluster_id=CLUSTER,
        kind=ChangeKind.ROLLOUT,
        subject=subject(),
        at=datetime(2026, 11, 20),  # noqa: DTZ001 - that is the point
        summary="",
    )
    with pytest.raises(StoreError, match="no time zone"):
        ChangeStore(database).put([naive])


def test_the_time_is_the_servers(database: Database) -> None:
    before = database.now()
    with database.session() as session:
        [between] = session.connection().execute(text("SELECT clock_timestamp()")).scalars()
    assert before < between < database.now()
    assert before.tzinfo is UTC


def test_text_that_jsonb_cannot_hold_is_replaced_not_refused(database: Database) -> None:
    odd = finding(hours(0, 1), title="a\x00b\ud800c")
    [stored] = FindingStore(database).record(CLUSTER, scan("scan-1", hours(0, 1)), [odd], seen_queries=[]).seen
    assert FindingStore(database).get(stored.id).title == "a\N{REPLACEMENT CHARACTER}b\N{REPLACEMENT CHARACTER}c"


def test_text_that_only_looks_so_is_kept(database: Database) -> None:
    title = "\\u0000 \N{ROCKET} \\ud800"
    [stored] = (
        FindingStore(database)
        .record(CLUSTER, scan("scan-1", hours(0, 1)), [finding(hours(0, 1), title=title)], seen_queries=[])
        .seen
    )
    assert FindingStore(database).get(stored.id).title == title


def test_a_failed_statement_leaves_nothing_of_its_transaction(database: Database) -> None:
    with pytest.raises(StoreError, match="refused a statement") as refused, database.session() as session:
        session.connection().execute(
            text("INSERT INTO reports VALUES ('r', 'fleet', NULL, now(), '{}'), ('r', 'x', NULL, now(), '{}')")
        )
    assert not refused.value.retriable
    with database.session() as session:
        assert session.connection().execute(text("SELECT count(*) FROM reports")).scalar_one() == 0
