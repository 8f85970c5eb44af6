"""The query governor: one budget an endpoint for all threads, processes and hosts, kept in PostgreSQL."""

from __future__ import annotations

import os
import secrets
import socket
import threading
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import RowMapping

from fleet.collectors.transport.governor import DEFAULT_BUDGETS, Admission, Governor
from fleet.errors import BreakerOpen, OverBudget
from fleet.inventory.cluster import Cluster, EndpointKind
from fleet.inventory.endpoint_budget import Budget
from fleet.inventory.endpoint_load import EndpointLoad
from storage.database import Database
from storage.governor_statements import ADMIT, GIVE_UP, LOADS, REGISTER, RENEW, SETTLE
from storage.lease_renewal import LeaseRenewal

LEASE_SECONDS = 15.0
"""After so long the requests of a worker that died count no more."""
RENEWALS = 3
"""In the time that a lease lasts."""
TICKET_SECONDS = 2.0
"""A place in the queue is lost when nobody asked for it so long; who waits asks several times a second."""
_FIRST_LOOK_SECONDS = 0.01
_LONGEST_LOOK_SECONDS = 0.25

BREAKER = {
    "most_in_a_row": 10,
    "least_requests": 20,
    "failed_share": 0.5,
    "first_pause": 10.0,
    "longest_pause": 120.0,
}
"""It opens after so many failures in a row, or when so large a share of at least so many requests of a minute failed;
the pause, in seconds, doubles with each probe that fails."""


class EndpointGovernor:
    """The budgets of all endpoints; safe to share between threads.

    Args:
        database: where they are kept.
        lease_seconds: how long a lease lasts unless it is renewed.
    """

    def __init__(self, database: Database, *, lease_seconds: float = LEASE_SECONDS) -> None:
        self._database = database
        self._lease_seconds = lease_seconds
        self._owner = f"{socket.gethostname()}/{os.getpid()}/{secrets.token_hex(3)}"
        self._renewal = LeaseRenewal(self._renew, lease_seconds / RENEWALS)

    def of(self, cluster: Cluster, kind: EndpointKind) -> Governor | None:
        """The governor of one of a cluster's endpoints; None where it has none of this kind."""
        endpoint = cluster.endpoints.get(kind)
        return None if endpoint is None else _Bounded(self, DEFAULT_BUDGETS[kind].with_own(endpoint.budget))

    def loads(self, endpoints: Collection[str] | None = None) -> list[EndpointLoad]:
        """How endpoints stand, by address: those that are named and were ever asked, or all."""
        named = None if endpoints is None else list(endpoints)
        with self._database.statements() as connection:
            rows = connection.execute(LOADS, {"endpoints": named}).mappings().all()
        return [EndpointLoad.model_validate(dict(row)) for row in rows]

    @contextmanager
    def lease(self, endpoint: str, budget: Budget, seconds: float, called_off: threading.Event) -> Iterator[Admission]:
        """A request's lease, as ``Governor.admit`` describes it.

        Raises:
            OverBudget, BreakerOpen, StoreUnavailable: as there.
        """
        terms = {
            "endpoint": endpoint,
            "lease": secrets.token_hex(8),
            "owner": self._owner,
            "lease_seconds": self._lease_seconds,
            **budget.model_dump(),
        }
        wait = _Wait(endpoint, budget, seconds, called_off)
        while not (row := self._ask(terms))["goes"]:
            try:
                wait.longer(row)
            except OverBudget:
                self._do(GIVE_UP, {**terms, "waited_seconds": wait.seconds})
                raise
        request = _Leased(wait.seconds)
        self._renewal.add(terms["lease"], endpoint)
        try:
            yield request
        finally:
            self._renewal.drop(terms["lease"])
            self._do(SETTLE, {**terms, **BREAKER, **request.outcome, "without": [terms["lease"]]})

    def _ask(self, terms: dict[str, Any]) -> RowMapping:
        with self._database.statements() as connection:
            while True:
                asked = {**terms, "without": [], "ticket_seconds": TICKET_SECONDS}
                row = connection.execute(ADMIT, asked).mappings().one_or_none()
                if row is not None:
                    return row
                connection.execute(REGISTER, terms)

    def _renew(self, endpoint: str, leases: Sequence[str]) -> None:
        mine = {"endpoint": endpoint, "owner": self._owner, "without": leases, "lease_seconds": self._lease_seconds}
        self._do(RENEW, mine)

    def _do(self, statement: Any, parameters: dict[str, Any]) -> None:
        with self._database.statements() as connection:
            connection.execute(statement, parameters)


@dataclass(frozen=True)
class _Bounded:
    """One budget over the endpoints' rows."""

    governor: EndpointGovernor
    budget: Budget

    @contextmanager
    def admit(self, endpoint_url: str, seconds: float, called_off: threading.Event) -> Iterator[Admission]:
        with self.governor.lease(endpoint_url, self.budget, seconds, called_off) as admission:
            yield admission


class _Leased:
    """A request under its lease, and what came of it."""

    def __init__(self, waited_seconds: float) -> None:
        self.waited_seconds = waited_seconds
        self.outcome: dict[str, Any] = {
            "known": False,
            "failed": False,
            "answer_bytes": 0,
            "asked_seconds": 0.0,
            "waited_seconds": waited_seconds,
        }

    def spent(self, answer_bytes: int, seconds: float, failed: bool) -> None:
        self.outcome |= {"known": True, "failed": failed, "answer_bytes": answer_bytes, "asked_seconds": seconds}


class _Wait:
    """One request's wait: as long as it may, looking again when there may be room."""

    def __init__(self, endpoint: str, budget: Budget, seconds: float, called_off: threading.Event) -> None:
        self._endpoint = endpoint
        self._budget = budget
        self._most_seconds = seconds
        self._called_off = called_off
        self._began = time.monotonic()
        self._looks = 0

    @property
    def seconds(self) -> float:
        """Since it began; 0 where the first look found room."""
        return time.monotonic() - self._began if self._looks else 0.0

    def longer(self, row: RowMapping) -> None:
        """Wait a little.

        Args:
            row: what stood in the way.

        Raises:
            BreakerOpen: there is nothing to wait for.
            OverBudget: the time is over, would be, or nobody waits any more.
        """
        if row["open_seconds"] is not None and row["open_seconds"] > 0:
            raise BreakerOpen(
                f"{self._endpoint} failed again and again: it is left alone for another {row['open_seconds']:.0f} s.",
                endpoint=self._endpoint,
                hint="`fleetscope cluster validate` asks it all the same.",
            )
        why, known_seconds = self._obstacle(row)
        left = self._most_seconds - (time.monotonic() - self._began)
        if left <= 0 or known_seconds > left:
            raise self._over(why)
        self._looks += 1
        # The more wait, the less often each of them looks; a place in the queue must not be lost.
        look = min(_FIRST_LOOK_SECONDS * max(row["waiting"], self._looks), _LONGEST_LOOK_SECONDS)
        if self._called_off.wait(min(max(look, min(known_seconds, _LONGEST_LOOK_SECONDS)), left)):
            raise OverBudget(f"Reading {self._endpoint} was called off.", endpoint=self._endpoint)

    def _obstacle(self, row: RowMapping) -> tuple[str, float]:
        """What stands in the way, in words, and the seconds until it does not where they are known."""
        if row["bytes_left"] <= 0:
            a_second = self._budget.bytes_per_minute / 60
            return f"{self._budget.bytes_per_minute / 2**20:g} MiB a minute", -row["bytes_left"] / a_second
        if row["in_second"] >= self._budget.requests_per_second and row["second_seconds"] is not None:
            return f"{self._budget.requests_per_second} requests a second", max(0.0, float(row["second_seconds"]))
        return f"{self._budget.concurrency} requests at a time", 0.0

    def _over(self, why: str) -> OverBudget:
        return OverBudget(
            f"{self._endpoint} was not asked: our own budget for it, {why}, left no room within "
            f"{self._most_seconds:g} s.",
            endpoint=self._endpoint,
            hint="Ask less of it at once, or give the endpoint a larger budget.",
        )
