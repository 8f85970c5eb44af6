from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from pydantic import ValidationError
from sqlalchemy import text

from fleet.errors import NotFound
from fleet.reports.delivery import MAX_ATTEMPTS, Delivery, DeliveryState
from storage.database import Database
from storage.outbox import LEASE, OutboxStore
from tests.storage.entities import T0


@pytest.fixture
def store(database: Database) -> OutboxStore:
    return OutboxStore(database)


def owed(number: int = 1) -> Delivery:
    return Delivery.of(f"report-{number}", ["noc@example.org", "boss@example.org"], "The fleet today", T0)


def test_owing_twice_is_owing_once(store: OutboxStore) -> None:
    first = store.enqueue(owed())
    store.claim_due(T0)
    store.mark_sent(first.id)
    again = store.enqueue(Delivery.of("report-1", ["boss@example.org", "noc@example.org"], "Another subject", T0))
    assert (again.id, again.message_id, again.state) == (first.id, first.message_id, DeliveryState.SENT)
    assert len(store.list()) == 1
    assert store.claim_due(T0 + timedelta(days=1)) == []


def test_threads_that_claim_never_get_the_same_delivery(store: OutboxStore) -> None:
    for number in range(60):
        store.enqueue(owed(number))

    def claim(_: int) -> list[str]:
        return [delivery.id for _ in range(5) for delivery in store.claim_due(T0, limit=3)]

    with ThreadPoolExecutor(6) as pool:
        claimed = [delivery for batch in pool.map(claim, range(6)) for delivery in batch]
    claimed += [delivery.id for delivery in store.claim_due(T0, limit=100)]
    assert len(claimed) == len(set(claimed)) == 60


def test_a_claim_passes_over_what_another_transaction_holds(store: OutboxStore, database: Database) -> None:
    ids = sorted(store.enqueue(owed(number)).id for number in range(2))
    with database.session() as session:
        held = session.connection().execute(text("SELECT id FROM outbox ORDER BY id LIMIT 1 FOR UPDATE")).scalar_one()
        assert held == ids[0]
        assert [delivery.id for delivery in store.claim_due(T0)] == [ids[1]]


def test_what_a_dead_sender_held_comes_back_with_the_same_message_id(store: OutboxStore) -> None:
    store.enqueue(owed())
    [first] = store.claim_due(T0)
    assert store.claim_due(T0 + LEASE - timedelta(seconds=1)) == []
    [second] = store.claim_due(T0 + LEASE)
    assert (second.message_id, second.attempts) == (first.message_id, 2)


def test_failures_are_tried_again_ever_later_and_then_given_up(store: OutboxStore) -> None:
    store.enqueue(owed())
    now, pauses = T0, []
    while due := store.claim_due(now):
        failed = store.mark_failed(due[0].id, "the mail server is away", now)
        pauses.append(failed.next_attempt_at - now)
        if failed.state is DeliveryState.PENDING:
            assert store.claim_due(failed.next_attempt_at - timedelta(seconds=1)) == []
        now = failed.next_attempt_at
    assert [pause.total_seconds() / 60 for pause in pauses] == [1, 2, 4, 8, 16, 32, 60, 60]
    assert len(pauses) == MAX_ATTEMPTS
    [given_up] = store.list(states=[DeliveryState.FAILED])
    assert given_up.last_error == "the mail server is away"


def test_what_was_given_up_is_owed_anew_when_asked_for_again(store: OutboxStore) -> None:
    delivery = store.enqueue(owed())
    now = T0
    while due := store.claim_due(now):
        now = store.mark_failed(due[0].id, "the mail server is away", now).next_attempt_at
    assert store.get(delivery.id).state is DeliveryState.FAILED
    again = store.enqueue(owed())
    assert (again.message_id, again.state, again.attempts) == (delivery.message_id, DeliveryState.PENDING, 0)
    assert [each.id for each in store.claim_due(now)] == [delivery.id]


def test_what_was_sent_stays_sent(store: OutboxStore) -> None:
    delivery = store.enqueue(owed())
    store.claim_due(T0)
    store.mark_sent(delivery.id)
    assert store.mark_failed(delivery.id, "too late", T0).state is DeliveryState.SENT
    assert store.get(delivery.id).state is DeliveryState.SENT
    assert store.list(report_id="another") == []
    with pytest.raises(NotFound):
        store.mark_sent("nothing")


@pytest.mark.parametrize(
    ("recipient", "subject"),
    [
        ("a@example.org\nBcc: b@example.org", "fine"),
        ("a@example.org, b@example.org", "fine"),
        ("Somebody <a@example.org>", "fine"),
        ("a@example.org\n", "fine"),
        ("a@example.org", "two\r\nlines"),
        ("a@example.org", "a line\n"),
    ],
)
def test_nothing_can_break_out_of_a_header(recipient: str, subject: str) -> None:
    with pytest.raises(ValidationError):
        Delivery.of("report", [recipient], subject, T0)
