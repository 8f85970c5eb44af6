"""Several worker processes under one budget, as the far end sees them: killed, out of time, and without a database."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable, Iterator

import pytest
from pydantic import SecretStr
from sqlalchemy import text

from deployments.embedded.part import Child
from deployments.embedded.postgres import PostgresPart
from deployments.embedded.state import StateDirectory
from fleet.inventory.endpoint_load import BreakerState, EndpointLoad
from storage.database import Database
from storage.governor import EndpointGovernor
from tests.conftest import PostgresServer
from tests.storage.governor.counting_server import CountingServer
from tests.storage.governor.worker import Work, counts_of

CONCURRENCY, RATE = 3, 20


@pytest.fixture
def server() -> Iterator[CountingServer]:
    with CountingServer() as counting:
        yield counting


@pytest.fixture
def task(
    database: Database, migrated_dsn: str, postgres_server: PostgresServer, server: CountingServer
) -> Callable[..., Work]:
    def made(**fields: object) -> Work:
        given = {"requests": 50, "concurrency": CONCURRENCY, "requests_per_second": RATE, **fields}
        return Work(dsn=migrated_dsn, password=postgres_server.password, url=server.url, **given)  # type: ignore[arg-type]

    return made


def until(is_so: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def is_stopped_with_a_lease(process: subprocess.Popen[str], database: Database) -> bool:
    """Stop a worker in the middle of a request; one that has none goes on."""
    process.send_signal(signal.SIGSTOP)
    with database.statements() as connection:
        owners = connection.execute(text("SELECT unnest(lease_owners) FROM governed_endpoints")).scalars().all()
    if any(f"/{process.pid}/" in owner for owner in owners):
        return True
    process.send_signal(signal.SIGCONT)
    return False


def load_of(database: Database, server: CountingServer) -> EndpointLoad:
    [load] = EndpointGovernor(database).loads([server.url])
    return load


def test_the_far_end_counts_no_request_beyond_the_budget_of_four_workers_of_which_one_is_killed(
    task: Callable[..., Work], database: Database, server: CountingServer
) -> None:
    killed = task(threads=12, requests=10_000).start()
    others = [task().start(), task().start(), task(skew_seconds=-7200.0).start()]
    until(lambda: len(server.arrived) > 60)
    until(lambda: is_stopped_with_a_lease(killed, database))
    killed.kill()
    killed.communicate()
    assert 0 < load_of(database, server).under_way <= CONCURRENCY
    counts = [counts_of(process) for process in others]

    assert [each["answered"] for each in counts] == [50, 50, 50]
    assert server.most_at_once == CONCURRENCY
    assert RATE / 2 < server.most_in(1.0) <= RATE
    # All that were going have ended: what is left is the dead one's, and runs out by itself.
    until(lambda: load_of(database, server).under_way == 0, seconds=5)
    assert load_of(database, server).waited_seconds > 1


def test_a_worker_with_one_thread_gets_its_share_beside_one_with_many(
    task: Callable[..., Work], database: Database, server: CountingServer
) -> None:
    budget = {"concurrency": 2, "requests_per_second": 1000}
    greedy = task(threads=16, requests=10_000, **budget).start()
    until(lambda: len(server.arrived) > 20)
    modest = task(threads=1, requests=40, **budget).start()
    until(lambda: load_of(database, server).workers == 2)
    before = len(server.arrived)
    assert counts_of(modest)["answered"] == 40
    asked = len(server.arrived) - before
    greedy.kill()
    greedy.communicate()
    assert server.most_at_once == 2
    # Of two places the modest one had nearly one all the time.
    assert asked < 40 * 4


def test_a_restart_of_the_database_lets_nothing_through_and_loses_nothing(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    part = PostgresPart(StateDirectory(tmp_path_factory.mktemp("governed")))
    part.prepare()
    child = Child(part)
    address = part.database()
    database = Database(address.dsn, SecretStr(address.password))
    try:
        child.start()
        child.wait_ready()
        database.migrate()
        with CountingServer(seconds=0.5) as server:
            task = Work(address.dsn, address.password, server.url, concurrency=2, requests_per_second=100, requests=10)
            workers = [task.start(), task.start()]
            until(lambda: len(server.arrived) >= 4)
            child.stop()
            until(lambda: server.at_once == 0)
            seen = len(server.arrived)
            time.sleep(1.0)
            assert len(server.arrived) == seen
            child.start()
            child.wait_ready()
            counts = [counts_of(worker) for worker in workers]
            assert [each["answered"] for each in counts] == [10, 10]
            assert sum(each["away"] for each in counts) > 0
            # An answer that came while the database was away is an answer: nothing is asked for twice.
            assert len(server.arrived) == 20
            assert server.most_at_once == 2
    finally:
        database.close()
        child.stop()


def test_a_breaker_opens_for_all_workers_and_lets_one_request_try(
    task: Callable[..., Work], database: Database, server: CountingServer
) -> None:
    server.status, server.seconds = 503, 0.01
    broken = {"concurrency": 4, "requests_per_second": 1000, "attempts": 1}
    counts = [counts_of(each) for each in [task(requests=100, **broken).start(), task(requests=100, **broken).start()]]
    # Ten in a row, and what was under way beside the tenth; while it is open, nothing at all.
    assert 10 <= len(server.arrived) <= 13 * 3
    assert all(each["BreakerOpen"] > 0 for each in counts)
    opened = load_of(database, server)
    assert opened.opened >= 1
    assert opened.breaker is not BreakerState.CLOSED

    until(lambda: load_of(database, server).breaker is BreakerState.HALF_OPEN, seconds=20)
    server.status, server.seconds = 200, 0.4
    before = len(server.arrived)
    trying = [task(requests=3, threads=3, **broken).start() for _ in range(3)]
    until(lambda: len(server.arrived) > before)
    began = time.monotonic()
    while time.monotonic() - began < 0.3:
        assert len(server.arrived) == before + 1
        time.sleep(0.01)
    assert [counts_of(each)["answered"] for each in trying] == [3, 3, 3]
    assert load_of(database, server).breaker is BreakerState.CLOSED
