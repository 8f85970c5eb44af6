"""Budgets, leases and breakers of one endpoint, between governors that share nothing but the database."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from sqlalchemy import text

from fleet.collectors.transport.governor import Admission, Governor
from fleet.errors import BreakerOpen, OverBudget
from fleet.inventory.cluster import Cluster, Endpoint, EndpointKind
from fleet.inventory.endpoint_budget import EndpointBudget
from fleet.inventory.endpoint_load import BreakerState, EndpointLoad
from storage.database import Database
from storage.governor import BreakerTerms, EndpointGovernor

URL = "https://prometheus.example"
MIB = 1 << 20


@pytest.fixture
def other(database: Database) -> Iterator[Database]:
    """Another process' connections to the same tables."""
    dsn = database.engine.url.set(drivername="postgresql").render_as_string()
    connected = Database(dsn, database._password)
    yield connected
    connected.close()


def governor_of(
    database: Database, *, lease_seconds: float = 15.0, breaker: BreakerTerms | None = None, **bounds: int
) -> Governor:
    endpoint = Endpoint(url=URL, budget=EndpointBudget.model_validate(bounds))
    cluster = Cluster(name="edge", endpoints={EndpointKind.PROMETHEUS: endpoint})
    made = EndpointGovernor(database, lease_seconds=lease_seconds, breaker=breaker)
    governor = made.of(cluster, EndpointKind.PROMETHEUS)
    assert governor is not None
    assert made.of(cluster, EndpointKind.LOKI) is None
    return governor


@contextmanager
def admitted(
    governor: Governor, seconds: float = 5.0, called_off: threading.Event | None = None
) -> Iterator[Admission]:
    with governor.admit(URL, seconds, called_off or threading.Event()) as admission:
        yield admission


def ask(governor: Governor, *, failed: bool = False, answer_bytes: int = 0, seconds: float = 5.0) -> float:
    """One request; returns how long it was held back."""
    with admitted(governor, seconds) as admission:
        admission.spent(answer_bytes, 0.0, failed)
    return admission.waited_seconds


def abandon(database: Database, seconds: float) -> None:
    """A lease, the probe's if there is one to be, of a worker that is no more; it runs out after so many seconds."""
    lease = """
        UPDATE governed_endpoints SET lease_ids = '{x}', lease_owners = '{gone}', probe = 'x',
            lease_ends = ARRAY[clock_timestamp() + make_interval(secs => :seconds)]
    """
    with database.statements() as connection:
        connection.execute(text(lease), {"seconds": seconds})


def load(database: Database) -> EndpointLoad:
    [found] = EndpointGovernor(database).loads()
    return found


def test_a_request_waits_for_a_place_and_no_longer_than_it_may(database: Database, other: Database) -> None:
    one, two = (governor_of(each, concurrency=1) for each in (database, other))
    with ThreadPoolExecutor(1) as threads, admitted(one):
        began = time.monotonic()
        with pytest.raises(OverBudget, match=r"our own budget for it, 1 requests at a time, left no room within 0.3 s"):
            ask(two, seconds=0.3)
        assert 0.3 <= time.monotonic() - began < 2
        waiting = threads.submit(ask, two)
        until(lambda: load(database).waiting == 1)
        seen = load(database)
        assert (seen.under_way, seen.workers) == (1, 1)
    assert 0 < waiting.result() < 2
    gone = threading.Event()
    with admitted(one), ThreadPoolExecutor(1) as threads:
        called_off = threads.submit(held, two, gone)
        until(lambda: load(database).waiting == 1)
        gone.set()
        with pytest.raises(OverBudget, match="called off"):
            called_off.result()
    assert load(database).held_back == 2
    assert load(database).waited_seconds > 0.3


def held(governor: Governor, called_off: threading.Event) -> None:
    with admitted(governor, 60.0, called_off):
        raise AssertionError("there was no room")


def test_a_long_request_keeps_its_lease_and_one_whose_worker_is_gone_gives_it_back(
    database: Database, other: Database
) -> None:
    one, two = (governor_of(each, concurrency=1, lease_seconds=0.6) for each in (database, other))
    with admitted(one), pytest.raises(OverBudget):
        ask(two, seconds=1.5)
    abandon(database, seconds=0.5)
    # The server itself started a while ago, so that nobody is given time to renew.
    assert 0.2 < ask(two) < 3


def test_a_renewal_that_the_database_refuses_is_tried_again(database: Database) -> None:
    governor = governor_of(database, concurrency=1, lease_seconds=0.6)
    ask(governor)
    with admitted(governor):
        change(database, "ALTER TABLE governed_endpoints RENAME TO elsewhere")
        time.sleep(1.0)
        change(database, "ALTER TABLE elsewhere RENAME TO governed_endpoints")
        # By now the lease has run out; a renewal makes it count again.
        until(lambda: load(database).under_way == 1)
        time.sleep(1.0)
        assert load(database).under_way == 1


def change(database: Database, statement: str) -> None:
    with database.statements() as connection:
        connection.execute(text(statement))


def test_nobody_waits_for_hours_because_the_databases_clock_was_put_back(database: Database) -> None:
    terms = BreakerTerms(most_in_a_row=1, first_pause=0.1, longest_pause=0.3)
    governor = governor_of(database, concurrency=1, requests_per_second=3, lease_seconds=0.6, breaker=terms)
    ask(governor)
    abandon(database, seconds=3600)
    ahead = "UPDATE governed_endpoints SET ended = array_fill(t, ARRAY[3]), counted_at = t{} FROM later"
    later = "WITH later AS (SELECT clock_timestamp() + interval '1 hour' AS t) "
    change(database, later + ahead.format(""))
    assert ask(governor) < 3
    change(database, later + ahead.format(", open_until = t, minute_began = t"))
    with pytest.raises(BreakerOpen):
        ask(governor)
    until_half_open(database)
    ask(governor)
    assert load(database).breaker is BreakerState.CLOSED


def test_answers_are_paid_for_afterwards_and_an_overdrawn_minute_is_waited_for(
    database: Database, other: Database
) -> None:
    one, two = (governor_of(each, bytes_per_minute=60 * MIB) for each in (database, other))
    assert ask(one, answer_bytes=61 * MIB) == 0
    assert 0.5 < ask(two) < 3
    ask(one, answer_bytes=30 * MIB)
    began = time.monotonic()
    with pytest.raises(OverBudget, match="60 MiB a minute"):
        ask(two, seconds=20)
    assert time.monotonic() - began < 1
    assert load(database).answer_bytes == 91 * MIB


def test_no_second_has_more_requests_than_it_may(database: Database, other: Database) -> None:
    governors = [governor_of(each, requests_per_second=5) for each in (database, other)]
    began = time.monotonic()
    ended = []
    for number in range(11):
        ask(governors[number % 2])
        ended.append(time.monotonic() - began)
    assert ended[4] < 1 <= ended[5]
    assert ended[9] < 2.5 < 3 > ended[10] >= 2


def test_a_breaker_opens_after_failures_in_a_row_or_when_too_many_fail(database: Database, other: Database) -> None:
    terms = BreakerTerms(most_in_a_row=3, least_requests=6, failed_share=0.5, first_pause=0.3, longest_pause=0.5)
    one, two = (governor_of(each, breaker=terms) for each in (database, other))
    for governor in (one, two, one):
        ask(governor, failed=True)
    with pytest.raises(BreakerOpen, match="left alone for another 0 s"):
        ask(two)
    assert load(database).breaker is BreakerState.OPEN
    until_half_open(database)
    with admitted(one) as probe:
        with pytest.raises(OverBudget):
            ask(two, seconds=0.2)
        probe.spent(0, 0.0, failed=True)
    with pytest.raises(BreakerOpen):
        ask(two)
    until_half_open(database)
    with admitted(two):
        # It was called off: nothing is known, and the next one tries.
        pass
    ask(one)
    assert load(database).breaker is BreakerState.CLOSED
    for failed in (True, True, False, True, False):
        ask(two, failed=failed)
    assert load(database).breaker is BreakerState.CLOSED
    ask(one, failed=True)
    assert load(database).breaker is BreakerState.OPEN
    assert load(database).opened == 3


def until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def until_half_open(database: Database) -> None:
    until(lambda: load(database).breaker is BreakerState.HALF_OPEN)


def test_a_dead_prober_leaves_the_trying_to_the_next(database: Database) -> None:
    governor = governor_of(database, breaker=BreakerTerms(most_in_a_row=1, first_pause=0.1), lease_seconds=1.0)
    ask(governor, failed=True)
    until_half_open(database)
    abandon(database, seconds=0.4)
    assert 0.1 < ask(governor) < 5
    assert load(database).breaker is BreakerState.CLOSED
