"""What the suite has to know of a collector."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

from fleet.collectors.transport import TransportLimits
from fleet.frames.coverage import Coverage
from fleet.frames.window import Window
from fleet.inventory.cluster import Endpoint
from tests.fleet.collectors.conformance.cases import USUAL, Answer, Case, Expected

WINDOW = Window(start=datetime(2026, 2, 1, tzinfo=UTC), end=datetime(2026, 2, 1, 1, tzinfo=UTC))
CLUSTER_ID = "c0ffee"


class Closeable(Protocol):
    """A collector's client."""

    def close(self) -> None:
        """End it."""
        ...


@dataclass(frozen=True)
class Outcome:
    """What a collection came to: its one coverage, and how many things (series, lines, alerts, spans …) came."""

    coverage: Coverage
    things: int


Collect = Callable[[Endpoint, TransportLimits, Callable[[Closeable], None]], Outcome]
"""Collects ``WINDOW`` of ``CLUSTER_ID`` from an endpoint; hands its client to the last argument before it asks."""


@dataclass(frozen=True)
class Adapter:
    """A collector as the suite sees it.

    Attributes:
        name: in the table.
        signal: of its coverage.
        collect: runs it.
        answer: what a sound server says to a request.
        empty: what one says that has nothing.
        refusal: how one refuses a query.
        warned: what one says that knows that its answer is not whole; None where the API has no words for it.
        answered: so many requests are answered before the rest fails.
        otherwise: where the collector differs from the usual.
    """

    name: str
    signal: str
    collect: Collect
    answer: Answer
    empty: Answer
    refusal: bytes
    warned: Answer | None
    answered: int
    otherwise: dict[Case, Expected] = field(default_factory=dict)

    def expected(self, case: Case) -> Expected | None:
        """What coverage says in a case; None where the case cannot be."""
        if case is Case.WARNED and self.warned is None:
            return None
        return self.otherwise.get(case, USUAL[case])
