"""What an endpoint is being asked by this installation, and how often it had to be left alone."""

from __future__ import annotations

from enum import StrEnum

from pydantic import AwareDatetime, BaseModel


class BreakerState(StrEnum):
    """CLOSED while it may be asked, OPEN while it is left alone, HALF_OPEN when one request may try it."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


class EndpointLoad(BaseModel):
    """One endpoint as the governor knows it; totals are since it was first asked.

    Attributes:
        endpoint: its address.
        breaker: whether it may be asked.
        open_until: when the breaker lets one request try it, or let it; None while it is closed.
        under_way: requests that hold a lease now.
        workers: processes that hold those.
        waiting: requests that wait for one.
        admitted: requests that were let through.
        held_back: requests that waited in vain.
        failed: requests that failed by a fault of the server or of the way to it.
        opened: times that the breaker opened.
        answer_bytes: as they came over the network.
        asked_seconds: that the endpoint took for answers.
        waited_seconds: that requests waited for their budget.
        asked_at: when it was last asked.
    """

    endpoint: str
    breaker: BreakerState
    open_until: AwareDatetime | None
    under_way: int
    workers: int
    waiting: int
    admitted: int
    held_back: int
    failed: int
    opened: int
    answer_bytes: int
    asked_seconds: float
    waited_seconds: float
    asked_at: AwareDatetime
