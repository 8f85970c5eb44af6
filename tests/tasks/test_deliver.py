from __future__ import annotations

import logging
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from fleet.errors import NotFound
from fleet.reports.delivery import Delivery, DeliveryState
from fleet.reports.record import ReportFormat
from tasks import deliver

NOW = datetime(2026, 3, 2, 6, 30, tzinfo=UTC)


class Outbox:
    """Deliveries in memory; each is claimed once."""

    def __init__(self, owed: list[Delivery]) -> None:
        self.rows = {each.id: each for each in owed}
        self.due = list(owed)

    def list(self, **_: Any) -> list[Delivery]:
        return list(self.rows.values())

    def claim_due(self, now: datetime) -> list[Delivery]:
        claimed, self.due = self.due[:2], self.due[2:]
        return claimed

    def mark_sent(self, delivery_id: str) -> Delivery:
        self.rows[delivery_id] = self.rows[delivery_id].model_copy(update={"state": DeliveryState.SENT})
        return self.rows[delivery_id]

    def mark_failed(self, delivery_id: str, error: str, now: datetime) -> Delivery:
        self.rows[delivery_id] = self.rows[delivery_id].failed(error, now)
        return self.rows[delivery_id]


def test_a_mail_whose_report_is_gone_holds_up_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    outbox = Outbox([Delivery.of(f"report-{number}", ["noc@example.org"], "The fleet", NOW) for number in range(5)])

    def report_of(report_id: str) -> SimpleNamespace:
        if report_id == "report-0":
            raise NotFound("There is no such report.")
        return SimpleNamespace(formats=dict.fromkeys(ReportFormat, "stored"))

    stores = SimpleNamespace(
        outbox=outbox, reports=SimpleNamespace(get=report_of), report_objects=SimpleNamespace(get=lambda _: b"")
    )
    monkeypatch.setattr(deliver, "open_stores", lambda: stores)
    monkeypatch.setattr(deliver, "open_mail_server", lambda _: SimpleNamespace(sender="fleet@example.org"))
    monkeypatch.setattr(deliver, "build_message", lambda *_, **__: None)
    monkeypatch.setattr(deliver, "send", lambda *_: {})
    monkeypatch.setattr(deliver, "get_run_logger", lambda: logging.getLogger(__name__))

    assert deliver.deliver_due.fn() == {"pending": 1, "sent": 4}
    gone = next(each for each in outbox.rows.values() if each.report_id == "report-0")
    assert gone.last_error == "There is no such report."
