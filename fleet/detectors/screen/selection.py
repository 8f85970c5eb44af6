"""In which order the values of a window are compared so that its median is found, for windows side by side.

A step takes the smaller or the larger of two findings, or both, or the distance of one from the other: for all windows
at once. Findings are told by the places of a window that they come from: what the values at 0 to 3 say of one window,
those at 4 to 7 say of the one four before it, so that it is found once, and taken from some columns away.

Source: K. E. Batcher, AFIPS 1968; D. E. Knuth, The Art of Computer Programming 3, 5.3.4 (lists of any length merged).
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

SMALLER, LARGER, BOTH, DISTANCE = 0, 1, 2, 3
Table = npt.NDArray[np.int64]


class Finding(NamedTuple):
    """Something found of all windows, as it stands some places further on; number 0 is the values themselves."""

    number: int
    places: int


class Plan(NamedTuple):
    """What to do.

    Attributes:
        steps: kind; two buffers that are taken from, each with how many places further on; the buffer that is written,
            which neither of the two is; how many places beyond the last window it has to reach; and the buffer for the
            larger of the two, where both are found: (steps, 8).
        results: buffers in which results stand in the end.
        buffers: how many there are; number 0 holds the values.
    """

    steps: Table
    results: Table
    buffers: int


@cache
def plan_of_median(width: int) -> Plan:
    """How medians of windows of ``width`` values (an odd number) are found."""
    findings = _Findings()
    return findings.plan([findings.median([Finding(0, place) for place in range(width)])])


@cache
def plan_of_scale(width: int) -> Plan:
    """The same with a second result: the median of the distances from the median."""
    findings = _Findings()
    values = [Finding(0, place) for place in range(width)]
    median = findings.median(values)
    return findings.plan([median, findings.median([findings.take(DISTANCE, value, median) for value in values])])


class _Findings:
    """Steps in the order in which they were thought of, each of them once."""

    def __init__(self) -> None:
        self._numbers: dict[tuple[int, Finding, Finding], int] = {}

    def take(self, kind: int, one: Finding, other: Finding) -> Finding:
        """What a step finds of two findings."""
        places = min(one.places, other.places)
        step = kind, Finding(one.number, one.places - places), Finding(other.number, other.places - places)
        return Finding(self._numbers.setdefault(step, len(self._numbers) + 1), places)

    def median(self, values: list[Finding]) -> Finding:
        """Of an odd number: the last one, unless it lies beyond the two middle ones of the others."""
        *others, last = values
        if not others:
            return last
        ordered = self._sorted(others)
        low, high = ordered[len(others) // 2 - 1], ordered[len(others) // 2]
        return self.take(SMALLER, self.take(LARGER, last, low), high)

    def _sorted(self, values: list[Finding]) -> list[Finding]:
        if len(values) < 2:
            return values
        half = 1 << (len(values) - 1).bit_length() - 1
        return self._merged(self._sorted(values[:half]), self._sorted(values[half:]))

    def _merged(self, one: list[Finding], other: list[Finding]) -> list[Finding]:
        """Two sorted lists as one: every second value of both, and the others, are merged, and put in turn."""
        if not one or not other:
            return one + other
        if len(one) == len(other) == 1:
            return [self.take(SMALLER, one[0], other[0]), self.take(LARGER, one[0], other[0])]
        first, *odd = self._merged(one[::2], other[::2])
        even = self._merged(one[1::2], other[1::2])
        pairs = min(len(even), len(odd))
        in_turn = [self.take(kind, even[at], odd[at]) for at in range(pairs) for kind in (SMALLER, LARGER)]
        return [first, *in_turn, *even[pairs:], *odd[pairs:]]

    def plan(self, results: list[Finding]) -> Plan:
        """The steps that lead to results; those that stand at no place further on."""
        beyond, last_use = self._needed(results)
        places, count = {0: 0}, 1
        table: list[tuple[int, ...]] = []
        free: list[int] = []
        for (kind, one, other), number in self._numbers.items():
            if number not in beyond:
                continue
            if number not in places:
                twin = self._numbers.get((LARGER, one, other), -1) if kind == SMALLER else -1
                found = [number, twin] if twin in beyond else [number]
                while len(free) < len(found):
                    free, count = [count, *free], count + 1
                places |= {each: free.pop() for each in found}
                operands = places[one.number], one.places, places[other.number], other.places
                reach = max(beyond[each] for each in found)
                table.append((BOTH if len(found) > 1 else kind, *operands, places[number], reach, places[found[-1]]))
            free += [places[taken] for taken in {one.number, other.number} if last_use[taken] == number]
        return Plan(
            np.array(table, dtype=np.int64).reshape(-1, 8), np.array([places[each.number] for each in results]), count
        )

    def _needed(self, results: list[Finding]) -> tuple[dict[int, int], dict[int, int]]:
        """The findings that results rest on: how many places beyond the last window each is needed, and where last."""
        never = len(self._numbers) + 1
        beyond = {result.number: 0 for result in results}
        last_use = {0: never, **{result.number: never for result in results}}
        for (_, *operands), number in reversed(self._numbers.items()):
            if number in beyond:
                for taken in operands:
                    beyond[taken.number] = max(beyond.get(taken.number, 0), beyond[number] + taken.places)
                    last_use.setdefault(taken.number, number)
        return beyond, last_use
