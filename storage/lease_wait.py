"""Waiting for a lease: how long, what for, and when to look again."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import RowMapping

from fleet.errors import BreakerOpen, OverBudget
from fleet.inventory.endpoint_budget import Budget

_SHORTEST_LOOK_SECONDS = 0.01
_LONGEST_LOOK_SECONDS = 0.25
_LOOKS_OF_A_WAIT = 20
_GLANCE_SECONDS = 0.2


class Wait:
    """One request's wait for its endpoint; it may last as long as the request is given, and no longer.

    Args:
        endpoint: whose budget it is.
        budget: which.
        seconds: to wait at most.
        called_off: once it is set, nobody waits any more.
    """

    def __init__(self, endpoint: str, budget: Budget, seconds: float, called_off: threading.Event) -> None:
        self._endpoint = endpoint
        self._budget = budget
        self._most_seconds = seconds
        self._called_off = called_off
        self._began = self._first_looked = time.monotonic()
        self._waits = False

    @property
    def seconds(self) -> float:
        """Since it began; 0 where there was room at once."""
        return time.monotonic() - self._began if self._waits else 0.0

    @contextmanager
    def turn(self, gate: threading.Lock) -> Iterator[None]:
        """Wait until no other request of this process waits for the endpoint.

        Raises:
            OverBudget: the time is over, or it was called off.
        """
        self._waits = not gate.acquire(blocking=False)
        while self._waits and not gate.acquire(timeout=_GLANCE_SECONDS):
            if self._called_off.is_set():
                raise self._called()
            if self.seconds > self._most_seconds:
                raise self._over("which other requests waited for, too")
        self._first_looked = time.monotonic()
        try:
            yield
        finally:
            gate.release()

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
        why, room_seconds = self._obstacle(row)
        self._waits = True
        left = self._most_seconds - self.seconds
        if left <= 0 or room_seconds > left:
            raise self._over(why)
        if self._called_off.wait(min(self._look_seconds(row, room_seconds), left)):
            raise self._called()

    def _obstacle(self, row: RowMapping) -> tuple[str, float]:
        """What stands in the way, in words, and the seconds until it does not, where they are known."""
        if row["bytes_left"] <= 0:
            a_second = self._budget.bytes_per_minute / 60
            return f"{self._budget.bytes_per_minute / 2**20:g} MiB a minute", -row["bytes_left"] / a_second
        if row["in_second"] >= self._budget.requests_per_second and row["second_seconds"] is not None:
            return f"{self._budget.requests_per_second} requests a second", max(0.0, float(row["second_seconds"]))
        return f"{self._budget.concurrency} requests at a time", 0.0

    def _look_seconds(self, row: RowMapping, room_seconds: float) -> float:
        """Until the next look: soon for who is first in the queue, later for the others and where places are rare.

        How rare they are is told by the looks so far; the time before, behind others of this process, says nothing.
        """
        looking_seconds = time.monotonic() - self._first_looked
        soon = int(row["place"]) * max(_SHORTEST_LOOK_SECONDS, looking_seconds / _LOOKS_OF_A_WAIT)
        return min(max(soon, room_seconds), _LONGEST_LOOK_SECONDS)

    def _called(self) -> OverBudget:
        return OverBudget(f"Reading {self._endpoint} was called off.", endpoint=self._endpoint)

    def _over(self, why: str) -> OverBudget:
        return OverBudget(
            f"{self._endpoint} was not asked: our own budget for it, {why}, left no room within "
            f"{self._most_seconds:g} s.",
            endpoint=self._endpoint,
            hint="Ask less of it at once, or give the endpoint a larger budget.",
        )
