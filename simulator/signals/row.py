"""One series of a signal: its labels and the figures that its values are drawn from."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from simulator.faults import FOREVER
from simulator.timeline import Timeline


@dataclass(frozen=True)
class Row:
    """One series.

    Attributes:
        labels: as Prometheus would answer them.
        level: the middle of the values in the signal's unit.
        daily: amplitude of the daily and weekly shape, as a share of the level (in logarithms).
        noise: spread of the noise from sample to sample, likewise.
        wander: spread of the slow noise (minutes to hours), likewise.
        key: names the noise; series with the same key move together.
        target: the scrape target whose short outages leave gaps; empty for one without.
        born: Unix seconds from which the series exists.
        died: Unix seconds from which it does not.
    """

    labels: dict[str, str]
    level: float
    daily: float = 0.0
    noise: float = 0.0
    wander: float = 0.0
    key: str = ""
    target: str = ""
    born: float = -FOREVER
    died: float = FOREVER


Rows = Callable[[Timeline], Iterable[Row]]


@dataclass(frozen=True)
class Signal:
    """What answers one query of the pack: how its rows come about and how its values are bounded and written."""

    query: str
    rows: Rows
    decimals: int
    low: float
    high: float


@dataclass
class Catalogue:
    """The signals of one module by query id, filled by its decorator."""

    signals: dict[str, Signal] = field(default_factory=dict)

    def signal(
        self, query: str, decimals: int = 6, low: float = 0.0, high: float = float("inf")
    ) -> Callable[[Rows], Rows]:
        """Registers the decorated function as the rows of a query; values are clipped to low..high."""

        def register(rows: Rows) -> Rows:
            self.signals[query] = Signal(query, rows, decimals, low, high)
            return rows

        return register

    def ratio(self, query: str) -> Callable[[Rows], Rows]:
        """A signal whose values lie in 0..1."""
        return self.signal(query, high=1.0)

    def state(self, query: str) -> Callable[[Rows], Rows]:
        """A signal whose values are 0 or 1."""
        return self.signal(query, decimals=0, high=1.0)
