"""The parts of a LogQL query, as far as this server answers them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from simulator.regexps import condition


@dataclass(frozen=True)
class Matcher:
    """One condition of a stream selector."""

    name: str
    operator: str
    value: str

    @property
    def holds(self) -> Callable[[str], bool]:
        """Whether it lets a label's value through.

        Raises:
            BadRegexpError: its value is to be an expression and is none.
        """
        return condition(self.operator, self.value)


@dataclass(frozen=True)
class LineFilter:
    """``|=``, ``!=``, ``|~`` or ``!~`` with one text or several of which one is enough."""

    operator: str
    texts: tuple[str, ...]


@dataclass(frozen=True)
class Parser:
    """``| json`` or ``| logfmt``."""

    name: str


@dataclass(frozen=True)
class Comparison:
    """A label compared with a text, a number, or a duration in nanoseconds (``kind``: string, number, duration)."""

    name: str
    operator: str
    value: str | float
    kind: str


@dataclass(frozen=True)
class Either:
    """Conditions on labels of which all (``and``) or one (``or``) must hold."""

    word: str
    parts: tuple[LabelFilter, ...]


LabelFilter = Comparison | Either
Stage = LineFilter | Parser | Comparison | Either


@dataclass(frozen=True)
class LogQuery:
    """A stream selector and what is done with its lines."""

    matchers: tuple[Matcher, ...]
    stages: tuple[Stage, ...] = ()


@dataclass(frozen=True)
class RangeAggregation:
    """``count_over_time({…}[5m])`` and its like; the range is in nanoseconds, ``text`` as it was written."""

    function: str
    query: LogQuery
    range_ns: int
    text: str


@dataclass(frozen=True)
class Grouping:
    """``by (…)`` or ``without (…)``."""

    names: tuple[str, ...]
    without: bool = False


@dataclass(frozen=True)
class VectorAggregation:
    """``sum by (…) (…)`` and its like; ``number`` is that of ``topk`` and ``bottomk``."""

    function: str
    inner: Metric
    grouping: Grouping | None = None
    number: int = 0


@dataclass(frozen=True)
class Literal:
    """A number, or with ``vector`` a series without labels that has it."""

    value: float
    vector: bool = False


@dataclass(frozen=True)
class Arithmetic:
    """Two sides joined by ``+``, ``-``, ``*`` or ``/``."""

    operator: str
    left: Metric
    right: Metric


Metric = RangeAggregation | VectorAggregation | Literal | Arithmetic
Query = LogQuery | Metric


def log_queries(query: Query) -> Sequence[tuple[LogQuery, int, str]]:
    """The log queries within a query with their ranges in nanoseconds (0 for none) and as these were written."""
    if isinstance(query, LogQuery):
        return [(query, 0, "")]
    if isinstance(query, RangeAggregation):
        return [(query.query, query.range_ns, query.text)]
    if isinstance(query, VectorAggregation):
        return log_queries(query.inner)
    if isinstance(query, Arithmetic):
        return [*log_queries(query.left), *log_queries(query.right)]
    return []
