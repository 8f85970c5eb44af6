"""A delivery: one mail that is owed, from the moment it is decided until a mail server has taken it."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Self
from uuid import NAMESPACE_URL, uuid5

from pydantic import AwareDatetime, BaseModel, Field, StringConstraints

MAX_ATTEMPTS = 8
"""With the pauses below, a mail server may be away for about two hours."""
FIRST_PAUSE = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(hours=1)

Recipient = Annotated[str, StringConstraints(pattern=r"^[^@\s<>,;:\"\\]{1,64}@[A-Za-z0-9.-]{1,253}$")]
"""A bare mail address: nothing in it can break out of a header."""
HeaderText = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]*$", min_length=1, max_length=300)]


class DeliveryState(StrEnum):
    """PENDING until the mail server accepted it (SENT) or every attempt was used up (FAILED)."""

    PENDING = "pending"
    SENT = "sent"
    FAILED = "failed"


class Delivery(BaseModel):
    """One mail in the outbox.

    ``message_id`` is the same over all attempts, so that a mail sent twice is recognised as one.
    ``next_attempt_at`` is when it may be tried (again); whoever tries it holds it until then.
    """

    id: str
    report_id: str
    recipients: list[Recipient] = Field(min_length=1)
    subject: HeaderText
    message_id: str
    state: DeliveryState = DeliveryState.PENDING
    attempts: int = 0
    next_attempt_at: AwareDatetime
    last_error: str = ""

    @classmethod
    def of(cls, report_id: str, recipients: list[str], subject: str, now: datetime) -> Self:
        """The delivery of a report to these recipients; asked for twice it is the same one, id and all."""
        addresses = sorted(set(recipients))
        identity = uuid5(NAMESPACE_URL, f"fleetscope:delivery:{report_id}:{','.join(addresses)}").hex
        return cls(
            id=identity,
            report_id=report_id,
            recipients=addresses,
            subject=subject,
            message_id=f"<{identity}@fleetscope>",
            next_attempt_at=now,
        )

    def failed(self, error: str, now: datetime) -> Self:
        """The delivery after one more failed attempt: pauses double from a minute to an hour, then it is given up.

        Args:
            error: why, in words, free of secrets.
            now: the current time (aware).
        """
        pause = min(FIRST_PAUSE * 2 ** max(self.attempts - 1, 0), LONGEST_PAUSE)
        state = DeliveryState.FAILED if self.attempts >= MAX_ATTEMPTS else DeliveryState.PENDING
        return self.model_copy(update={"state": state, "next_attempt_at": now + pause, "last_error": error})
