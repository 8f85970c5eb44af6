"""Very many lines for benchmarks, made as they are read: ``{bulk="1000000"}``.

``{bulk="100000", distinct="50", parts="4"}`` has 100,000 lines at only 50 distinct times, in turn in 4 streams (label
``part``). They lie evenly in the hour before the fleet's anchor, the first at its beginning. Such streams are in no
list of labels or series that does not name them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from simulator.loki.entries import Batch, Bools, Ints, Labels, rank_of
from simulator.loki.query import Matcher

_SPAN_NS = 3_600_000_000_000
_MOST_LINES = 100_000_000
_MOST_PARTS = 1000
_FACTOR, _MASK = 0x9E3779B97F4A7C15, 2**64 - 1
_LEVEL: Labels = {"detected_level": "info"}


@dataclass(frozen=True)
class Bulk:
    """So many lines at so many distinct times in so many streams, from ``start_ns`` on.

    Attributes:
        own: the labels by which it was asked for.
    """

    lines: int
    distinct: int
    parts: int
    start_ns: int
    own: Labels

    @cached_property
    def labels(self) -> Sequence[Labels]:
        """Each stream's labels."""
        parts = range(self.parts)
        own = {**self.own, "service_name": "unknown_service"}
        return [dict(sorted({**own, **({"part": str(each)} if self.parts > 1 else {})}.items())) for each in parts]

    @cached_property
    def ranks(self) -> Ints:
        """What orders streams at equal times."""
        return np.array([rank_of(each) for each in self.labels], dtype=np.int64)

    def active(self, chosen: Ints, start_ns: int, end_ns: int) -> Bools:
        """Which streams have entries in a stretch: all or none."""
        first, last = self._between(start_ns, end_ns)
        return np.full(len(chosen), last > first)

    def edge(self, chosen: Ints, start_ns: int, end_ns: int, count: int, *, backward: bool) -> int:
        """Where a stretch has so many lines at its end or beginning."""
        first, last = self._between(start_ns, end_ns)
        count = count * self.parts // max(1, len(chosen))
        if last - first <= count:
            return start_ns if backward else end_ns
        return self._stamp(last - count) if backward else self._stamp(first + count - 1) + 1

    def batch(self, chosen: Ints, start_ns: int, end_ns: int) -> Batch:
        """The lines of a stretch."""
        numbers = np.arange(*self._between(start_ns, end_ns), dtype=np.int64)
        streams = numbers % self.parts
        if len(chosen) < self.parts:
            numbers = numbers[np.isin(streams, chosen)]
            streams = numbers % self.parts
        stamps = self.start_ns + numbers * self.distinct // self.lines * self._gap_ns
        none = np.zeros(len(numbers), dtype=np.int64)
        return Batch(stamps, streams, numbers, none, (_LEVEL,), lambda places: _texts(numbers[places]))

    def count(self, chosen: Ints, start_ns: int, end_ns: int) -> int:
        """How many lines a stretch has."""
        first, last = self._between(start_ns, end_ns)
        return (last - first) * len(chosen) // self.parts

    @property
    def _gap_ns(self) -> int:
        return _SPAN_NS // self.distinct

    def _stamp(self, number: int) -> int:
        return self.start_ns + number * self.distinct // self.lines * self._gap_ns

    def _between(self, start_ns: int, end_ns: int) -> tuple[int, int]:
        """The numbers of the first line of a stretch and of the first one behind it."""
        slots = (min(max(-((self.start_ns - at) // self._gap_ns), 0), self.distinct) for at in (start_ns, end_ns))
        first, last = (-(-slot * self.lines // self.distinct) for slot in slots)
        return first, last


def _texts(numbers: Ints) -> list[str]:
    return [
        f'level=info msg="request done" number={number:09d} method=GET path=/api/v1/items/{number % 9973} status=200 '
        f"bytes={number * 7919 % 65536} dur={number * 31 % 997}ms span_id={number * _FACTOR & _MASK:016x}"
        for number in numbers.tolist()
    ]


def bulk_of(matchers: Sequence[Matcher], anchor: float) -> Bulk | None:
    """The bulk that a selector asks for; None where it asks for none.

    Args:
        matchers: of the selector.
        anchor: the fleet's (Unix seconds).
    """
    asked = {each.name: each.value for each in matchers if each.operator == "=" and each.value.isdigit()}
    lines = int(asked.get("bulk", 0))
    if not 0 < lines <= _MOST_LINES:
        return None
    distinct = min(max(int(asked.get("distinct", lines)), 1), lines)
    parts = min(max(int(asked.get("parts", 1)), 1), _MOST_PARTS)
    own: Labels = {name: asked[name] for name in ("bulk", "distinct", "parts") if name in asked}
    return Bulk(lines, distinct, parts, round(anchor) * 1_000_000_000 - _SPAN_NS, own)
