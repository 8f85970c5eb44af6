"""The query governor: one budget an endpoint for all threads, processes and hosts, kept in PostgreSQL."""

from __future__ import annotations

import contextlib
import os
import secrets
import socket
import threading
from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import RowMapping

from fleet.collectors.transport.governor import DEFAULT_BUDGETS, Admission, Governor
from fleet.errors import OverBudget, StoreUnavailable
from fleet.inventory.cluster import Cluster, EndpointKind
from fleet.inventory.endpoint_budget import Budget
from fleet.inventory.endpoint_load import EndpointLoad
from storage.database import Database
from storage.governor_statements import ADMIT, GIVE_UP, LOADS, REGISTER, RENEW, SETTLE
from storage.lease_renewal import LeaseRenewal
from storage.lease_wait import Wait

LEASE_SECONDS = 15.0
"""After so long the requests of a worker that died count no more."""
RENEWALS = 5
"""In the time that a lease lasts: some of them may fail."""
TICKET_SECONDS = 2.0
"""A place in the queue is lost when nobody asked for it so long; who waits asks several times a second."""


@dataclass(frozen=True)
class BreakerTerms:
    """When a breaker opens, and for how long.

    Attributes:
        most_in_a_row: failures in a row that open it.
        least_requests: of a minute, for the share of failures to mean anything.
        failed_share: of a minute's requests that opens it.
        first_pause: seconds until one request may try the endpoint; twice as long after each that fails.
        longest_pause: seconds.
    """

    most_in_a_row: int = 10
    least_requests: int = 20
    failed_share: float = 0.5
    first_pause: float = 10.0
    longest_pause: float = 120.0


class EndpointGovernor:
    """The budgets of all endpoints; safe to share between threads.

    Args:
        database: where they are kept.
        lease_seconds: how long a lease lasts unless it is renewed.
        breaker: when an endpoint is left alone.
    """

    def __init__(
        self, database: Database, *, lease_seconds: float = LEASE_SECONDS, breaker: BreakerTerms | None = None
    ) -> None:
        self._database = database
        self._breaker = asdict(breaker or BreakerTerms())
        self._lease_seconds = lease_seconds
        self._owner = f"{socket.gethostname()}/{os.getpid()}/{secrets.token_hex(3)}"
        # One request of a process waits in the queue of all processes, the others behind it: a place a worker.
        self._gates: dict[str, threading.Lock] = {}
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

    @contextlib.contextmanager
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
        wait = Wait(endpoint, budget, seconds, called_off)
        self._take(terms, wait)
        request = _Leased(wait.seconds)
        try:
            self._renewal.add(terms["lease"], endpoint)
            yield request
        finally:
            self._renewal.drop(terms["lease"])
            self._settle({**terms, **self._breaker, **request.outcome, "without": [terms["lease"]]})

    def _take(self, terms: dict[str, Any], wait: Wait) -> None:
        gate = self._gates.setdefault(terms["endpoint"], threading.Lock())
        try:
            with wait.turn(gate):
                while not (row := self._ask(terms))["goes"]:
                    wait.longer(row)
        except OverBudget:
            self._do(GIVE_UP, {**terms, "waited_seconds": wait.seconds})
            raise

    def _ask(self, terms: dict[str, Any]) -> RowMapping:
        with self._database.statements() as connection:
            while True:
                asked = {**terms, **self._breaker, "without": [], "ticket_seconds": TICKET_SECONDS}
                row = connection.execute(ADMIT, asked).mappings().one_or_none()
                if row is not None:
                    return row
                connection.execute(REGISTER, terms)

    def _settle(self, spent: dict[str, Any]) -> None:
        """Give a lease back. Where the database is away it runs out by itself, and what was answered is not lost."""
        with contextlib.suppress(StoreUnavailable):
            self._do(SETTLE, spent)

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

    @contextlib.contextmanager
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
