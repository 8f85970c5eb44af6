"""Disjoint groups of numbered things (union-find), and joining those whose stretches of time meet.

Times are numbers. A stretch is its ``start`` and its ``reach``: whatever starts within them meets it. Sweeping over
starts in order makes joining as cheap as sorting, however many stretches meet at once.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple


class Reach(NamedTuple):
    """A numbered thing, when it starts, and until when another may start to meet it."""

    start: float
    reach: float
    number: int


class Groups:
    """Numbers 0 to ``count`` − 1, each alone at first."""

    def __init__(self, count: int) -> None:
        self._parent = list(range(count))

    def join(self, one: int, other: int) -> None:
        """Make the groups of two numbers one."""
        self._parent[self._root(one)] = self._root(other)

    def members(self) -> list[list[int]]:
        """The groups, by their smallest number, each in order."""
        groups: dict[int, list[int]] = {}
        for number in range(len(self._parent)):
            groups.setdefault(self._root(number), []).append(number)
        return list(groups.values())

    def join_meeting(self, things: Iterable[Reach]) -> None:
        """Join all things of which each meets the next, directly or by others between them."""
        furthest: Reach | None = None
        for thing in sorted(things):
            if furthest is not None and thing.start <= furthest.reach:
                self.join(thing.number, furthest.number)
            if furthest is None or thing.reach > furthest.reach:
                furthest = thing

    def join_across(self, ones: Iterable[Reach], others: Iterable[Reach]) -> None:
        """Join each thing of one kind with all things of the other kind that it meets, but not like with like."""
        # Things of one kind that met the same thing are one group: the furthest of them speaks for all.
        alive: tuple[list[Reach], list[Reach]] = ([], [])
        for thing, side in sorted([(one, 0) for one in ones] + [(other, 1) for other in others]):
            met = [each for each in alive[1 - side] if thing.start <= each.reach]
            for each in met:
                self.join(thing.number, each.number)
            alive[1 - side][:] = [max(met, key=lambda each: each.reach)] if met else []
            alive[side].append(thing)

    def _root(self, number: int) -> int:
        while self._parent[number] != number:
            self._parent[number] = self._parent[self._parent[number]]
            number = self._parent[number]
        return number
