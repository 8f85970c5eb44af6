"""The outbox: mails that are owed, each held by one sender at a time."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select

from fleet.errors import NotFound
from fleet.reports.delivery import Delivery, DeliveryState
from storage.database import Database
from storage.documents import from_document, to_document
from storage.statements import table_of, upsert
from storage.tables import DeliveryRow

LEASE = timedelta(minutes=5)
"""How long a claimed delivery is its claimer's alone; longer than a mail server may take. A sender that died has
lost it after that time, and the next one takes it up with the same Message-ID."""


class OutboxStore:
    """Deliveries by id. Every method raises StoreUnavailable or StoreError when the database does."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def enqueue(self, delivery: Delivery) -> Delivery:
        """Owe a mail; one that is owed or was sent already (the same id) stays as it is, and is returned.

        One that was given up is owed anew: somebody asks for it again.
        """
        with self._database.session() as session:
            statement = insert(table_of(DeliveryRow)).on_conflict_do_nothing()
            session.connection().execute(statement, _columns(delivery))
            known = _locked(session, delivery.id)
            if known.state is not DeliveryState.FAILED:
                return known
            _write(session, [delivery])
            return delivery

    def claim_due(self, now: datetime, limit: int = 10) -> list[Delivery]:
        """Take up to ``limit`` deliveries that are due; nobody else gets them for ``LEASE``.

        Each counts as an attempt from now on. Settle each by ``mark_sent`` or ``mark_failed``.
        """
        query = (
            select(DeliveryRow)
            .where(DeliveryRow.state == DeliveryState.PENDING.value, DeliveryRow.next_attempt_at <= now)
            .order_by(col(DeliveryRow.next_attempt_at), DeliveryRow.id)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        with self._database.session() as session:
            due = [from_document(Delivery, row.body) for row in session.exec(query)]
            claimed = [
                delivery.model_copy(update={"attempts": delivery.attempts + 1, "next_attempt_at": now + LEASE})
                for delivery in due
            ]
            _write(session, claimed)
            return claimed

    def mark_sent(self, delivery_id: str) -> Delivery:
        """Note that the mail server accepted the mail.

        Raises:
            NotFound: there is no such delivery.
        """
        with self._database.session() as session:
            delivery = _locked(session, delivery_id)
            sent = delivery.model_copy(update={"state": DeliveryState.SENT, "last_error": ""})
            _write(session, [sent])
            return sent

    def mark_failed(self, delivery_id: str, error: str, now: datetime) -> Delivery:
        """Note a failed attempt: tried again after a pause, given up after the last. What was sent stays sent.

        Args:
            delivery_id: the delivery that was tried.
            error: why, in words, free of secrets.
            now: the current time (aware).

        Raises:
            NotFound: there is no such delivery.
        """
        with self._database.session() as session:
            delivery = _locked(session, delivery_id)
            if delivery.state is DeliveryState.SENT:
                return delivery
            failed = delivery.failed(error, now)
            _write(session, [failed])
            return failed

    def get(self, delivery_id: str) -> Delivery:
        """The delivery with this id.

        Raises:
            NotFound: there is none.
        """
        with self._database.session() as session:
            return _locked(session, delivery_id)

    def list(
        self,
        *,
        report_id: str | None = None,
        states: Collection[DeliveryState] | None = None,
        limit: int = 100,
    ) -> list[Delivery]:
        """Deliveries, those due first; each filter that is None holds for all."""
        query = select(DeliveryRow).order_by(col(DeliveryRow.next_attempt_at), DeliveryRow.id).limit(limit)
        if report_id is not None:
            query = query.where(DeliveryRow.report_id == report_id)
        if states is not None:
            query = query.where(col(DeliveryRow.state).in_([state.value for state in states]))
        with self._database.session() as session:
            return [from_document(Delivery, row.body) for row in session.exec(query)]


def _locked(session: Session, delivery_id: str) -> Delivery:
    row = session.get(DeliveryRow, delivery_id, with_for_update=True)
    if row is None:
        raise NotFound(f"There is no delivery with the id {delivery_id!r}.")
    return from_document(Delivery, row.body)


def _write(session: Session, deliveries: list[Delivery]) -> None:
    rows = [_columns(delivery) for delivery in deliveries]
    if rows:
        session.connection().execute(upsert(DeliveryRow), rows)


def _columns(delivery: Delivery) -> dict[str, object]:
    return {
        "id": delivery.id,
        "report_id": delivery.report_id,
        "state": delivery.state.value,
        "next_attempt_at": delivery.next_attempt_at,
        "body": to_document(delivery),
    }
